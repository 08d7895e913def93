package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
)

// entry is what the manifest says of a file.
type entry struct {
	Integrity string `json:"integrity"` // for a script tag's attribute (W3C Subresource Integrity)
	Bytes     int    `json:"bytes"`
}

func manifest(version string, files map[string][]byte) ([]byte, error) {
	entries := map[string]entry{}
	for name, text := range files {
		sum := sha512.Sum384(text)
		entries[name] = entry{"sha384-" + base64.StdEncoding.EncodeToString(sum[:]), len(text)}
	}
	text, err := json.MarshalIndent(map[string]any{"version": version, "files": entries}, "", "  ")
	return append(text, '\n'), err
}

// compressed is how many bytes a page loads, by gzip -9.
func compressed(text []byte) int {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a good one
	_, _ = w.Write(text)                                  // a buffer takes everything
	_ = w.Close()
	return b.Len()
}
