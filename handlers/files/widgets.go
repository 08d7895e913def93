// Package files serves the files that pages load: widgets, pictures of the demo
// and the problem pages.
package files

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/transport"
)

// Widgets are the files of the widget layer that pages load.
type Widgets struct {
	Version string            // part of the addresses that never change
	files   map[string]widget // by name
}

// widget is one file as it is sent.
type widget struct {
	mime          string
	plain, zipped []byte
	etag          string // without its quotes; the zipped body has one of its own
}

// ManifestFile says which files there are, and their hashes.
const ManifestFile = "manifest.json"

// How long a file may be kept: an address with a version is another one when
// the file is, and the moving addresses are asked for again soon.
const (
	ForAYear       = "public, max-age=31536000, immutable"
	ForFiveMinutes = "public, max-age=300"
)

// widgetTypes are the types of what may be served, by the end of the name.
var widgetTypes = map[string]string{
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".ts":   "text/plain; charset=utf-8", // else it is taken for a film (video/mp2t)
	".json": "application/json",
}

// NewWidgets reads all files of a version.
func NewWidgets(version string, from fs.FS) (*Widgets, error) {
	w := &Widgets{version, map[string]widget{}}
	all, err := fs.ReadDir(from, ".")
	if err != nil {
		return nil, fmt.Errorf("widgets: %w", err)
	}
	for _, f := range all {
		body, err := fs.ReadFile(from, f.Name())
		if err != nil {
			return nil, fmt.Errorf("widgets: %w", err)
		}
		mime, ok := widgetTypes[path.Ext(f.Name())]
		if !ok {
			return nil, fmt.Errorf("widgets: %s is of no known type", f.Name())
		}
		sum := sha256.Sum256(body)
		w.files[f.Name()] = widget{mime, body, zip(body), base64.RawURLEncoding.EncodeToString(sum[:16])}
	}
	return w, nil
}

// zip compresses what is sent so often that it is worth the best level.
func zip(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a good one
	_, _ = w.Write(body)                                  // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// WidgetsPath begins the paths of the files. A page's policy allows scripts from
// below it, so no path below it is answered as a JSONP script.
const WidgetsPath = "/widgets/"

// Serve serves one of the files, to be loaded by pages of any site. cache is how
// long it may be kept.
func (w *Widgets) Serve(cache string) echo.HandlerFunc {
	return func(c echo.Context) error {
		name := transport.PathParam(c, "file")
		if name == "" {
			name = ManifestFile
		}
		f, ok := w.files[name]
		if !ok {
			return echo.ErrNotFound
		}
		f.send(c.Response(), c.Request(), cache)
		return nil
	}
}

func (f widget) send(w http.ResponseWriter, r *http.Request, cache string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Content-Type", f.mime)
	h.Set("Cache-Control", cache)
	h.Set("Vary", "Accept-Encoding")
	body, tag := f.plain, f.etag
	if zips(r.Header) {
		h.Set("Content-Encoding", "gzip")
		body, tag = f.zipped, f.etag+"-gzip"
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// zips says whether a client takes gzip. A range is one of the plain bytes.
func zips(h http.Header) bool {
	if h.Get("Range") != "" {
		return false
	}
	for _, one := range strings.Split(h.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(one, " ", ""), ";")
		if strings.EqualFold(name, "gzip") {
			return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
