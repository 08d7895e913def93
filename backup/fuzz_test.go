package backup

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpen checks that no archive stops the program, that one without a database or keys is
// refused, and that opening writes nothing.
func FuzzOpen(f *testing.F) {
	for _, manifest := range []string{"", `{"format":1}`, `{"format":1,"files":[{"name":"stile.db","bytes":1}]}`, "{"} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for name, text := range map[string]string{"stile.db": "x", "keys.json": "{}", "corpus-1.db": "", manifestName: manifest} {
			if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
				f.Fatal(err)
			}
			if _, err := w.Write([]byte(text)); err != nil {
				f.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	dir := f.TempDir()
	name := filepath.Join(dir, "backup.tar")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := open(t.Context(), name)
		if err == nil {
			if !bytes.Contains(text, []byte("stile.db")) || !bytes.Contains(text, []byte("keys.json")) || a.size() > int64(len(text)) {
				t.Errorf("%d bytes were accepted, with files of %d bytes", len(text), a.size())
			}
			if err := a.file.Close(); err != nil {
				t.Error(err)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("files were written: %v %v", left, err)
		}
	})
}
