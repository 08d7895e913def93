// Package dist contains the console's style sheet and script. They are built from console/src by
// [stile.example/stile/console/build], and committed, so that building the program does not need
// Node.
package dist

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"strings"
)

//go:generate go run ../build

var (
	//go:embed console.css
	css string
	//go:embed console.js
	js string
	//go:embed passkeys.js
	passkeys string // only for the pages that need it
)

// Prefix is the path below which the files are.
const Prefix = "/console/"

// Files serves the files. Their URLs change whenever their contents do.
type Files struct{ version string }

// Load returns the files.
func Load() Files {
	sum := sha256.Sum256([]byte(css + "\x00" + js + "\x00" + passkeys))
	return Files{hex.EncodeToString(sum[:6])}
}

// URL returns the path of a file.
func (f Files) URL(name string) string { return Prefix + f.version + "/" + name }

// ServeHTTP serves the file that the value {file} of the path names.
func (f Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	text, kind := css, "text/css; charset=utf-8"
	switch r.PathValue("file") {
	case "console.css":
	case "console.js":
		text, kind = js, "text/javascript; charset=utf-8"
	case "passkeys.js":
		text, kind = passkeys, "text/javascript; charset=utf-8"
	default:
		http.NotFound(w, r)
		return
	}
	if r.PathValue("version") != f.version {
		http.NotFound(w, r)
		return
	}
	head.Set("Content-Type", kind)
	head.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = strings.NewReader(text).WriteTo(w) // the browser is gone
}
