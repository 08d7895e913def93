// Package static contains the files that the server serves or imports unchanged: the demo corpus
// and its pictures.
//
// demo/README.md documents the sources of the demo's facts and flags, and how to build the files.
package static

import (
	"bytes"
	"embed"
	"io"
	"io/fs"
)

//go:embed demo/corpus.jsonl demo/media
var files embed.FS

// builtFor is the public URL that the files contain.
const builtFor = "http://localhost:8080"

// Files returns the files by their path below /, such as demo/media/gr.svg.
func Files() fs.FS { return files }

// DemoCorpus returns the demo's items as JSONL. The URLs of their pictures begin with publicURL,
// which must not end with a slash.
func DemoCorpus(publicURL string) io.Reader {
	all, err := files.ReadFile("demo/corpus.jsonl")
	if err != nil {
		panic("static: " + err.Error()) // it is embedded, so it can always be read
	}
	return bytes.NewReader(bytes.ReplaceAll(all, []byte(builtFor+"/"), []byte(publicURL+"/")))
}
