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

//go:embed demo/corpus.jsonl demo/synonyms.csv demo/media
var files embed.FS

// builtFor is the public URL that the files contain.
const builtFor = "http://localhost:8080"

// Files returns the files by their path below /, such as demo/media/gr.svg.
func Files() fs.FS { return files }

// DemoCorpus returns the demo's items as JSONL. The URLs of their pictures begin with publicURL,
// which must not end with a slash.
func DemoCorpus(publicURL string) io.Reader {
	return bytes.NewReader(bytes.ReplaceAll(read("demo/corpus.jsonl"), []byte(builtFor+"/"), []byte(publicURL+"/")))
}

// DemoSearchable returns the names of the attributes by which the demo's items are found.
func DemoSearchable() []string {
	return []string{"iso2", "iso3", "capital", "currency", "languages", "names", "tld", "calling_code"}
}

// DemoSynonyms returns the demo's groups of equal names, as CSV.
func DemoSynonyms() string { return string(read("demo/synonyms.csv")) }

func read(name string) []byte {
	text, err := files.ReadFile(name)
	if err != nil {
		panic("static: " + err.Error()) // it is embedded, so it can always be read
	}
	return text
}
