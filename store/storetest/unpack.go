package storetest

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Unpack writes the files of a tar archive to a directory, which it creates if there is none. An
// archive whose name ends with .gz is compressed.
func Unpack(t testing.TB, archive, dir string) {
	t.Helper()
	if err := unpack(archive, dir); err != nil {
		t.Fatalf("%s: %v", archive, err)
	}
}

func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	var plain io.Reader = f
	if strings.HasSuffix(archive, ".gz") {
		if plain, err = gzip.NewReader(f); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for r := tar.NewReader(plain); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), text, 0o600); err != nil {
			return err
		}
	}
}
