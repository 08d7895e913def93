// Package demo is the site of a tenant, as `stile serve --demo` runs it: a
// small magazine on an origin of its own, whose countries come from the
// content API.
//
// It does what a tenant's server does and no more: it holds the client's
// secret, gets a token for each browser from the token endpoint (token.go),
// and hands out pages with the widgets in them (pages.go). Beside the pages
// stands a panel that shows what happens behind them. Its buttons make
// trouble: what takes the secret, or another address, is done here
// (trouble.go), the rest by the page itself (pages/troubles.js).
//
// The package knows nothing of how the API works inside. It is given two ways
// to reach it, as anybody could over the network.
package demo

import (
	"net/http"
	"strings"
	"time"
)

// Site is the magazine. All fields are required.
type Site struct {
	API      string   // the origin of the content API, as browsers reach it
	Origins  []string // the site's own, as browsers reach them; the first is the one to tell people
	ClientID string
	Secret   string
	Entries  []Entry // what the magazine has pages for

	Inside  http.RoundTripper // reaches the API as the site's server does
	Outside http.RoundTripper // reaches it as who is at Stranger does
	Now     func() time.Time
}

// Entry is an item of the corpus, as far as the site needs to know it.
type Entry struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	URL   string `json:"url"` // where the publisher's links lead
}

// Handler is the whole site.
func (s *Site) Handler() http.Handler {
	tokens := &bound{perMinute: tokensPerMinute}
	troubles := &bound{perMinute: troublesPerMinute}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("GET /country", s.country)
	mux.Handle("GET /", files())
	mux.Handle("POST /stile/token", s.ownPages(tokens, s.token))
	mux.Handle("POST /trouble/revoke", s.ownPages(troubles, s.revoke))
	mux.Handle("POST /trouble/elsewhere", s.ownPages(troubles, s.elsewhere))
	return s.headers(s.ownHosts(mux))
}

// headers are those of every answer. The policy lets a page run nothing but
// files of the site and of the API, and no string as code; it is what a
// careful tenant sends.
func (s *Site) headers(next http.Handler) http.Handler {
	policy := strings.ReplaceAll("default-src 'none'; script-src 'self' API/widgets/; style-src 'self'; "+
		"connect-src 'self' API; img-src 'self' API; media-src API; worker-src blob:; base-uri 'none'; "+
		"form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types stile", "API", s.API)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin") // the API asks where a call comes from
		h.Set("Cache-Control", "no-store")                          // a demo is looked at while it is changed
		next.ServeHTTP(w, r)
	})
}
