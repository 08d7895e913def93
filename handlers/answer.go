package handlers

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Header values that are the same on every answer. They are shared, and
// nobody may append to them.
var (
	nosniff     = []string{"nosniff"}
	noStore     = []string{"private, no-store"}
	noReferrer  = []string{"no-referrer"}
	crossOrigin = []string{"cross-origin"}
	anyOrigin   = []string{"*"}
	exposed     = []string{"RateLimit-Policy, RateLimit, Retry-After, X-Request-Id"}
	typeScript  = []string{"text/javascript; charset=utf-8"}
	typeJSON    = []string{"application/json"}
)

// open sets the headers that every answer has, on every route and in every
// error. Any origin may read it: no credential rides along by itself, a call
// is let through by its token alone, and a page must be able to read why it
// was refused.
func open(h http.Header) {
	h["X-Content-Type-Options"] = nosniff
	h["Cache-Control"] = noStore
	h["Referrer-Policy"] = noReferrer
	h["Cross-Origin-Resource-Policy"] = crossOrigin
	h["Access-Control-Allow-Origin"] = anyOrigin
	h["Access-Control-Expose-Headers"] = exposed
}

// begin starts the body of an answer, throwing away what was begun before.
// A script begins with an empty comment, so that no bytes of the caller's
// choice come first, and does nothing where the function isn't there.
func (r *request) begin() {
	r.body = r.body[:0]
	if r.way == jsonp {
		r.body = append(r.body, "/**/ typeof "...)
		r.body = append(r.body, r.callback...)
		r.body = append(r.body, " === 'function' && "...)
		r.body = append(r.body, r.callback...)
		r.body = append(r.body, '(')
	}
}

// send writes the answer, headers and all, in one piece. A script has status
// 200 whatever happened: with any other a page would get an error event and
// nothing to read.
func (r *request) send(status int) {
	h := r.w.Header()
	open(h)
	h["X-Request-Id"] = []string{r.id}
	h["Content-Type"] = typeJSON
	if r.way == jsonp {
		r.body = append(r.body, ");"...)
		h["Content-Type"] = typeScript
		status = http.StatusOK
	}
	h["Content-Length"] = []string{strconv.Itoa(len(r.body))}
	r.w.WriteHeader(status)
	_, _ = r.w.Write(r.body) // a visitor who has left is no fault
}

// appendJSON appends v, of a type that always marshals, so that it is safe in
// a script: <, >, &, U+2028 and U+2029 are escaped.
func appendJSON(b []byte, v any) []byte {
	text, _ := json.Marshal(v)
	return append(b, text...)
}

// appendList appends encoded items as an array.
func appendList(b []byte, items [][]byte) []byte {
	b = append(b, '[')
	for i, it := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, it...)
	}
	return append(b, ']')
}
