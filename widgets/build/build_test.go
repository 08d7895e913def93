package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDistIsFresh checks that the committed files are those that the sources give.
func TestDistIsFresh(t *testing.T) {
	files, err := build("..")
	if err != nil {
		t.Fatal(err)
	}
	there, err := os.ReadDir("../dist")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range there {
		if _, ok := files[f.Name()]; !ok {
			t.Errorf("dist/%s has no source: run go generate ./widgets", f.Name())
		}
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join("../dist", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("dist/%s differs from a new build (%v): run go generate ./widgets", name, err)
		}
	}
}

// TestSizeLimits checks the sizes of the compressed files in bytes.
func TestSizeLimits(t *testing.T) {
	limits := map[string]int{
		"core.mjs": 6_500, "stile.js": 24_000, "stile.mjs": 24_000, "challenge.mjs": 4_000, "proofs.mjs": 2_500,
		"dev.mjs": 2_000, "template.mjs": 2_500, "controls.mjs": 3_000, "carousel.mjs": 1_500, "prose.mjs": 1_500,
	}
	for name, text := range committed(t) {
		limit, ok := limits[name]
		if strings.HasPrefix(name, "lang-") || strings.HasPrefix(name, "dialog-") {
			limit, ok = 1_500, true
		}
		if size := compressed(text); ok && size > limit {
			t.Errorf("%s is %d bytes compressed, over the limit of %d", name, size, limit)
		}
		delete(limits, name)
	}
	for name := range limits {
		t.Errorf("%s is missing", name)
	}
}

// TestForbiddenText checks that the files contain neither paths of the machine that built them nor
// functions that strict content security policies forbid.
func TestForbiddenText(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range committed(t) {
		for _, word := range []string{filepath.Dir(wd), "sourceMappingURL", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", unversioned} {
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("%s contains %q", name, word)
			}
		}
	}
}

// committed returns the contents of the committed files by name.
func committed(t *testing.T) map[string][]byte {
	t.Helper()
	found, err := filepath.Glob("../dist/*")
	if err != nil || len(found) == 0 {
		t.Fatalf("dist is empty: %v", err)
	}
	files := map[string][]byte{}
	for _, f := range found {
		if files[filepath.Base(f)], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
