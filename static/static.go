// Package static holds what the server hands out, or imports, as it is: the
// demo corpus and its pictures.
//
// demo/README.md says where the demo's facts and flags come from, and how the
// files are made again.
package static

import (
	"bytes"
	"embed"
	"io"
	"io/fs"
)

//go:embed demo/corpus.jsonl demo/media
var files embed.FS

// madeFor is the public URL that stands in the files.
const madeFor = "http://localhost:8080"

// Files are the files by their path below /, such as demo/media/gr.svg.
func Files() fs.FS { return files }

// DemoCorpus is the demo's items as JSONL, with the addresses of their
// pictures below publicURL, which has no slash at its end.
func DemoCorpus(publicURL string) io.Reader {
	all, err := files.ReadFile("demo/corpus.jsonl")
	if err != nil {
		panic("static: " + err.Error()) // it is compiled in, or nothing is
	}
	return bytes.NewReader(bytes.ReplaceAll(all, []byte(madeFor+"/"), []byte(publicURL+"/")))
}
