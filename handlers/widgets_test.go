package handlers

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"stile.example/stile/handlers/files"
)

// layer returns a site with a widget layer of three files.
func layer(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	w, err := files.NewWidgets("1.2.3-0a1b2c3d", fstest.MapFS{
		"stile.js":      {Data: []byte(strings.Repeat("globalThis.Stile;", 50))},
		"stile.d.ts":    {Data: []byte("export {}")},
		"manifest.json": {Data: []byte(`{"version":"1.2.3-0a1b2c3d"}`)},
	})
	s.must(err)
	s.Widgets = w
	s.handler = s.Routes()
	return s
}

func TestWidgetsAreServed(t *testing.T) {
	s := layer(t)
	for _, c := range []struct{ path, mime, cache string }{
		{"/widgets/manifest.json", "application/json", "public, max-age=300"},
		{"/widgets/v1/stile.js", "text/javascript; charset=utf-8", "public, max-age=300"},
		{"/widgets/v1/manifest.json", "application/json", "public, max-age=300"},
		{"/widgets/1.2.3-0a1b2c3d/stile.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/widgets/1.2.3-0a1b2c3d/stile.d.ts", "text/plain; charset=utf-8", "public, max-age=31536000, immutable"},
	} {
		got := s.do(ask{path: c.path})
		want := map[string]string{
			"Content-Type": c.mime, "Cache-Control": c.cache, "X-Content-Type-Options": "nosniff",
			"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", "Vary": "Accept-Encoding",
		}
		for name, value := range want {
			if h := got.Header().Get(name); h != value {
				t.Errorf("%s: %s is %q, want %q", c.path, name, h, value)
			}
		}
		if got.Code != http.StatusOK || got.Body.Len() == 0 {
			t.Errorf("%s: %d with %d bytes", c.path, got.Code, got.Body.Len())
		}
		head := s.do(ask{method: "HEAD", path: c.path})
		if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("ETag") != got.Header().Get("ETag") {
			t.Errorf("HEAD %s: %d %v with %d bytes", c.path, head.Code, head.Header(), head.Body.Len())
		}
		again := s.do(ask{path: c.path, header: http.Header{"If-None-Match": {got.Header().Get("ETag")}}})
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s again: %d with %d bytes", c.path, again.Code, again.Body.Len())
		}
	}
}

func TestUnknownWidgets(t *testing.T) {
	s := layer(t)
	for _, path := range []string{
		"/widgets/v1/other.js", "/widgets/1.2.3-00000000/stile.js", "/widgets/v2/stile.js", "/widgets/stile.js",
		"/widgets/v1/", "/widgets/v1/../manifest.json/x", "/widgets/v1/%2e%2e%2fmanifest.json", "/widgets/1.2.3-0a1b2c3d/nothing",
	} {
		got := s.do(ask{path: path})
		if got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), `"code":"not_found"`) {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
		if c := got.Header().Get("Cache-Control"); c != "private, no-store" {
			t.Errorf("%s may be cached: %s", path, c)
		}
	}
	if got := s.do(ask{method: "POST", path: "/widgets/v1/stile.js"}); got.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got.Code)
	}
}

func TestWidgetsAreZipped(t *testing.T) {
	s := layer(t)
	plain := s.do(ask{path: "/widgets/v1/stile.js"})
	for _, takes := range []string{"gzip", "br, GZIP", "gzip;q=0.5", "deflate, gzip; q=1"} {
		got := s.do(ask{path: "/widgets/v1/stile.js", header: http.Header{"Accept-Encoding": {takes}}})
		if got.Header().Get("Content-Encoding") != "gzip" || got.Header().Get("ETag") == plain.Header().Get("ETag") {
			t.Errorf("%s: %v", takes, got.Header())
			continue
		}
		if text := unzip(t, got); !bytes.Equal(text, plain.Body.Bytes()) {
			t.Errorf("%s: %s", takes, text)
		}
	}
	for _, h := range []http.Header{
		{"Accept-Encoding": {"br"}}, {"Accept-Encoding": {"gzip;q=0"}}, {"Accept-Encoding": {"gzip;q=0.0"}}, {"Accept-Encoding": {"gzipped"}},
		{"Accept-Encoding": {"gzip"}, "Range": {"bytes=0-9"}},
	} {
		got := s.do(ask{path: "/widgets/v1/stile.js", header: h})
		if got.Header().Get("Content-Encoding") != "" || !bytes.HasPrefix(plain.Body.Bytes(), got.Body.Bytes()) {
			t.Errorf("%v: %v", h, got.Header())
		}
	}
}

func TestWidgetsOfUnknownType(t *testing.T) {
	if _, err := files.NewWidgets("1", fstest.MapFS{"page.html": {Data: []byte("<p>")}}); err == nil {
		t.Error("a file of an unknown type is accepted")
	}
}

func unzip(t *testing.T, got *httptest.ResponseRecorder) []byte {
	t.Helper()
	r, err := gzip.NewReader(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
