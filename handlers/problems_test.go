package handlers

import (
	"html"
	"strings"
	"testing"

	"stile.example/stile/handlers/codes"
)

// TestProblemPages checks that the type of every error is the URL of a page.
func TestProblemPages(t *testing.T) {
	s := newSite(t)
	list := s.do(ask{path: "/problems/"}).Body.String()
	for _, info := range codes.All() {
		code := info.Code
		rec := s.do(ask{path: "/problems/" + string(code)})
		body := html.UnescapeString(rec.Body.String())
		if rec.Code != 200 || !strings.Contains(body, info.Title) || !strings.Contains(body, "<code>"+string(code)+"</code>") {
			t.Errorf("%s: %d %s", code, rec.Code, body)
		}
		if !strings.Contains(list, `href="/problems/`+string(code)+`"`) {
			t.Errorf("%s is not in the list", code)
		}
		if p := rec.Header().Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none'; style-src 'sha256-") {
			t.Errorf("%s: policy %q", code, p)
		}
	}
	for _, code := range []string{"token_endpoint", "csp"} {
		if body := s.do(ask{path: "/problems/" + code}).Body.String(); !strings.Contains(body, "If you develop the site") || strings.Contains(body, "HTTP status<") {
			t.Errorf("%s: %s", code, body)
		}
	}
	if rec := s.do(ask{path: "/problems/no_such"}); rec.Code != 404 {
		t.Errorf("a page for no code: %d", rec.Code)
	}
	if rec := s.do(ask{method: "HEAD", path: "/problems/bad_request"}); rec.Code != 200 {
		t.Errorf("HEAD: %d", rec.Code)
	}
}

// TestMismatchPage checks that the page of client_mismatch has each cause that a response can have.
func TestMismatchPage(t *testing.T) {
	s := newSite(t)
	body := html.UnescapeString(s.do(ask{path: "/problems/client_mismatch"}).Body.String())
	for _, title := range []string{codes.NotRegistered, codes.NoOrigin, codes.HiddenOrigin, codes.NoPage, codes.NotByCode, codes.OtherClient, codes.UnknownClient} {
		if !strings.Contains(body, "<h3>"+title+"</h3>") {
			t.Errorf("no section %q", title)
		}
	}
}

// infoOf is what is said about a code.
func infoOf(code codes.Code) codes.Info {
	info, _ := codes.Of(code)
	return info
}
