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
	closing     = []string{"close"}
)

// setCommonHeaders sets the headers that every response has, on every route and in every
// error, in addition to those of [API.front]. Any origin may read it: the browser
// attaches no credential by itself, a call is admitted by its token alone, and a
// page must be able to read why it was refused.
func setCommonHeaders(h http.Header) {
	h["Cache-Control"] = noStore
	h["Cross-Origin-Resource-Policy"] = crossOrigin
	h["Access-Control-Allow-Origin"] = anyOrigin
}

// startBody starts the body of an answer, throwing away what was begun before.
// A script begins with an empty comment, so that no bytes of the caller's
// choice come first, and does nothing where the function isn't there.
func (r *request) startBody() {
	r.body = r.body[:0]
	if r.transport == jsonpTransport {
		r.appendString("/**/ typeof ")
		r.appendString(r.callback)
		r.appendString(" === 'function' && ")
		r.appendString(r.callback)
		r.appendString("(")
	}
}

// finish writes the answer, headers and all, in one piece. A script has status
// 200 whatever happened: with any other a page would get an error event and
// nothing to read.
func (r *request) finish(status int) {
	h := r.w.Header()
	setCommonHeaders(h)
	h["X-Request-Id"] = []string{r.id}
	if r.transport == jsonpTransport {
		r.appendString(");")
		h["Content-Type"] = typeScript
		status = http.StatusOK
	} else {
		h["Content-Type"] = typeJSON
		h["Access-Control-Expose-Headers"] = exposed
	}
	r.write(status)
}

// write writes the headers, which are copied at that moment, and the body.
func (r *request) write(status int) {
	if len(r.body) > 2<<10 { // of up to 2 KiB, net/http finds the length
		r.w.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	r.w.WriteHeader(status)
	_, _ = r.w.Write(r.body) // a visitor who has left is no fault
}

// appendString appends to the body what is JSON already.
func (r *request) appendString(text string) { r.body = append(r.body, text...) }

// appendValue appends v, of a type that always marshals, so that it is safe in a
// script: <, >, &, U+2028 and U+2029 are escaped.
func (r *request) appendValue(v any) {
	text, _ := json.Marshal(v)
	r.body = append(r.body, text...)
}

// appendNumber appends a number.
func (r *request) appendNumber(n int64) { r.body = strconv.AppendInt(r.body, n, 10) }

// appendItems appends encoded items as an array.
func (r *request) appendItems(items [][]byte) {
	r.body = append(r.body, '[')
	for i, it := range items {
		if i > 0 {
			r.body = append(r.body, ',')
		}
		r.body = append(r.body, it...)
	}
	r.body = append(r.body, ']')
}
