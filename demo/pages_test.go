package demo_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPages checks that each page is served, obeys its own content security policy, and links
// only to files of the site that exist.
func TestPages(t *testing.T) {
	s := newSite(t)
	inline := regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)
	own := regexp.MustCompile(`(?:src|href)="(/[^"?#]*)`)
	for _, c := range []struct {
		path, has string
		status    int
	}{
		{"/", "<stile-search ", 200},
		{"/", "<stile-results ", 200},
		{"/", `layout="carousel"`, 200},
		{"/", `src="http://localhost:8080/widgets/v1/stile.js" data-client-id="demo" data-token-url="/stile/token"`, 200},
		{"/?section=europe", `collection="europe"`, 200},
		{"/?section=%22%3E%3Cscript%3E", "Not on our map", 404},
		{"/country?item=iceland", "<title>Iceland — The Meridian</title>", 200},
		{"/country?item=iceland", "<stile-item ", 200},
		{"/country?item=x", "&lt;b&gt;&amp;", 200},
		{"/country?item=atlantis", "Not on our map", 404},
		{"/country", "Not on our map", 404},
	} {
		w := s.do("GET", c.path, "")
		page := w.Body.String()
		if w.Code != c.status || !strings.Contains(page, c.has) {
			t.Errorf("%s: %d, want %d with %s", c.path, w.Code, c.status, c.has)
		}
		if bad := inline.FindString(page); bad != "" {
			t.Errorf("%s contains %q, which its policy forbids", c.path, bad)
		}
		for _, m := range own.FindAllStringSubmatch(page, -1) {
			if code := s.do("GET", m[1], "").Code; code != 200 && m[1] != "/country" {
				t.Errorf("%s links to %s: %d", c.path, m[1], code)
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; script-src 'self' http://localhost:8080/widgets/;") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %s", c.path, csp)
		}
	}
}

// TestCoversTurn checks that the front page shows each country on one day of a week.
func TestCoversTurn(t *testing.T) {
	s := newSite(t)
	iceland := 0
	for range 7 {
		if strings.Contains(s.do("GET", "/", "").Body.String(), `item="iceland"`) {
			iceland++
		}
		s.now = s.now.Add(24 * time.Hour)
	}
	if iceland != 1 {
		t.Errorf("Iceland was on the front page %d times in a week", iceland)
	}
}

// TestPublishersLinks checks that links to the publisher's site redirect to the magazine's own
// pages, and that other links do not redirect.
func TestPublishersLinks(t *testing.T) {
	s := newSite(t)
	w := s.do("GET", "/country?url=https://www.geonames.org/2629691", "")
	if to := w.Header().Get("Location"); w.Code != 303 || to != "/country?item=iceland" {
		t.Errorf("%d %s", w.Code, to)
	}
	if w := s.do("GET", "/country?url=https://evil.example/", ""); w.Code != 404 || w.Header().Get("Location") != "" {
		t.Errorf("a link to another site: %d %s", w.Code, w.Header().Get("Location"))
	}
}

// TestTemplatesAreNotFiles checks that styles, scripts and pictures are served by name, and
// templates are not.
func TestTemplatesAreNotFiles(t *testing.T) {
	s := newSite(t)
	for path, want := range map[string]string{"/site.js": "text/javascript; charset=utf-8", "/site.css": "text/css; charset=utf-8", "/globe.svg": "image/svg+xml"} {
		if w := s.do("GET", path, ""); w.Code != 200 || w.Header().Get("Content-Type") != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
	for _, path := range []string{"/front.html", "/parts.html", "/pages", "/../demo.go", "/none"} {
		if w := s.do("GET", path, ""); w.Code == 200 {
			t.Errorf("%s is served", path)
		}
	}
}
