// Package demo is the site of a tenant, as `stile serve --demo` runs it: a small magazine on an
// origin of its own, whose countries come from the content API.
//
// It does what a tenant's server does and no more. It holds the client secret, gets a token for
// each browser from the token endpoint (token.go), and serves pages with widgets in them
// (pages.go). A panel next to the pages shows what happens behind them. Its buttons make trouble.
// The server does what needs the secret or another address (trouble.go), and the page does the
// rest (pages/troubles.js).
//
// The package knows nothing about how the API works inside. It is given two transports to reach
// the API, which behave like connections over the network.
package demo

import (
	"net/http"
	"strings"
	"time"
)

// Site is the magazine. All fields are required.
type Site struct {
	API      string   // the origin of the content API, as browsers reach it
	Origins  []string // the site's own origins, as browsers reach them; messages name the first
	ClientID string
	Secret   string
	Command  string  // how the operator calls the program, such as ./bin/stile
	Entries  []Entry // the items that the magazine has pages for

	Transport      http.RoundTripper // reaches the API as the site's server
	OtherTransport http.RoundTripper // reaches the API from OtherAddress
	Now            func() time.Time
}

// Entry is the part of an item that the site needs.
type Entry struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	URL   string `json:"url"` // the target of the publisher's links
}

// Handler returns the handler of the whole site.
func (s *Site) Handler() http.Handler {
	tokens := &rateLimit{perMinute: tokensPerMinute}
	troubles := &rateLimit{perMinute: troublesPerMinute}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("GET /country", s.country)
	mux.Handle("GET /", files())
	mux.Handle("POST /stile/token", s.ownPages(tokens, s.token))
	mux.Handle("POST /trouble/revoke", s.ownPages(troubles, s.revoke))
	mux.Handle("POST /trouble/elsewhere", s.ownPages(troubles, s.elsewhere))
	return s.headers(s.ownHosts(mux))
}

// headers sets the headers of every response. Its content security policy allows scripts from the
// site and the API only, and does not allow strings as code. A careful tenant sends the same.
func (s *Site) headers(next http.Handler) http.Handler {
	policy := strings.ReplaceAll("default-src 'none'; script-src 'self' API/widgets/; style-src 'self'; "+
		"connect-src 'self' API; img-src 'self' API; media-src API; worker-src blob:; base-uri 'none'; "+
		"form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types stile", "API", s.API)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		// The API checks the origin of a call.
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		// Changes to the demo appear at the next page load.
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
