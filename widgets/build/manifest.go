package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
)

// entry is the manifest's information about a file.
type entry struct {
	Integrity string `json:"integrity"` // for a script tag's attribute (W3C Subresource Integrity)
	Bytes     int    `json:"bytes"`
}

// manifest returns the JSON of dist/manifest.json.
func manifest(version string, files map[string][]byte) ([]byte, error) {
	entries := map[string]entry{}
	for name, text := range files {
		sum := sha512.Sum384(text)
		entries[name] = entry{"sha384-" + base64.StdEncoding.EncodeToString(sum[:]), len(text)}
	}
	text, err := json.MarshalIndent(map[string]any{"version": version, "files": entries}, "", "  ")
	return append(text, '\n'), err
}

// compressed returns the size of a text compressed with gzip -9.
func compressed(text []byte) int {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(text)                                  // writing to a buffer can't fail
	_ = w.Close()
	return b.Len()
}
