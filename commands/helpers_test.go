package commands

import (
	"archive/tar"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// jtiOf returns the jti of a token.
func jtiOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "none"
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var c struct{ JTI string }
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return "none"
	}
	return c.JTI
}

// unpack unpacks a tar file into a new directory.
func unpack(t *testing.T, file, dir string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), body, os.FileMode(h.Mode))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
