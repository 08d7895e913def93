// Package files serves the files that browsers load: the widgets, the pictures of the demo corpus
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

// Widgets contains the files of the widget layer that pages load.
type Widgets struct {
	Version string            // part of the URLs whose content never changes
	files   map[string]widget // by name
}

// widget is one file as it is sent.
type widget struct {
	mime          string
	plain, zipped []byte
	etag          string // without quotes; the compressed body has another
}

// ManifestFile lists the files and their hashes.
const ManifestFile = "manifest.json"

// How long a file may be cached. A URL with a version changes when the file does; the content of
// the other URLs changes.
const (
	ForAYear       = "public, max-age=31536000, immutable"
	ForFiveMinutes = "public, max-age=300"
)

// widgetTypes maps the extensions of the files to their types.
var widgetTypes = map[string]string{
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".ts":   "text/plain; charset=utf-8", // the usual type would be video/mp2t
	".json": "application/json",
}

// NewWidgets reads all files of a version of the widget layer.
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
			return nil, fmt.Errorf("widgets: %s: unknown type of file; must be one of .js, .mjs, .ts, .json", f.Name())
		}
		sum := sha256.Sum256(body)
		w.files[f.Name()] = widget{mime, body, zip(body), base64.RawURLEncoding.EncodeToString(sum[:16])}
	}
	return w, nil
}

// zip compresses a body at the best level, since it is sent often.
func zip(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // fails only for an invalid level
	_, _ = w.Write(body)                                  // a buffer can't fail
	_ = w.Close()
	return b.Bytes()
}

// WidgetsPath is the prefix of the files' paths. A page's policy may allow scripts below it, so no
// response below it is a JSONP script.
const WidgetsPath = "/widgets/"

// Serve returns a handler for the files, which pages of any site may load. cache is the response's
// Cache-Control.
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

// zips reports whether a client accepts gzip. A range is one of the uncompressed bytes.
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
