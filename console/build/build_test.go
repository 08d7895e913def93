package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestDist checks that the committed files are those that the sources give, and their compressed
// sizes in bytes.
func TestDist(t *testing.T) {
	limits := map[string]int{"console.js": 6 << 10, "passkeys.js": 1 << 10, "console.css": 8 << 10}
	files, err := build("..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join("../dist", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("dist/%s differs from a new build (%v): run go generate ./console/dist", name, err)
		}
		if size := compressed(want); size > limits[name] {
			t.Errorf("%s is %d bytes compressed, over the limit of %d", name, size, limits[name])
		}
	}
	if len(files) != len(limits) {
		t.Errorf("%d files, and %d have a limit", len(files), len(limits))
	}
	for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "sourceMappingURL"} {
		for _, name := range []string{"console.js", "passkeys.js"} {
			if bytes.Contains(files[name], []byte(word)) {
				t.Errorf("%s contains %q", name, word)
			}
		}
	}
}
