package transport

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Header values that are the same on every answer. They are shared, and
// nobody may append to them.
var (
	noStore     = []string{"private, no-store"}
	crossOrigin = []string{"cross-origin"}
	anyOrigin   = []string{"*"}
	exposed     = []string{"RateLimit-Policy, RateLimit, Retry-After, X-Request-Id"}
	typeScript  = []string{"text/javascript; charset=utf-8"}
	typeJSON    = []string{"application/json"}
)

// SetCommonHeaders sets the headers that every response has, on every route and in every
// error, in addition to those of [API.front]. Any origin may read it: the browser
// attaches no credential by itself, a call is admitted by its token alone, and a
// page must be able to read why it was refused.
func SetCommonHeaders(h http.Header) {
	h["Cache-Control"] = noStore
	h["Cross-Origin-Resource-Policy"] = crossOrigin
	h["Access-Control-Allow-Origin"] = anyOrigin
}

// StartBody starts the body of an answer, throwing away what was begun before.
// A script begins with an empty comment, so that no bytes of the caller's
// choice come first, and does nothing where the function isn't there.
func (r *Request) StartBody() {
	r.body = r.body[:0]
	if r.Transport == JSONP {
		r.AppendString("/**/ typeof ")
		r.AppendString(r.Callback)
		r.AppendString(" === 'function' && ")
		r.AppendString(r.Callback)
		r.AppendString("(")
	}
}

// Finish writes the answer, headers and all, in one piece. A script has status
// 200 whatever happened: with any other a page would get an error event and
// nothing to read.
func (r *Request) Finish(status int) {
	h := r.W.Header()
	SetCommonHeaders(h)
	h["X-Request-Id"] = []string{r.ID}
	if r.Transport == JSONP {
		r.AppendString(");")
		h["Content-Type"] = typeScript
		status = http.StatusOK
	} else {
		h["Content-Type"] = typeJSON
		h["Access-Control-Expose-Headers"] = exposed
	}
	r.Write(status)
}

// Write writes the headers, which are copied at that moment, and the body.
func (r *Request) Write(status int) {
	if len(r.body) > 2<<10 { // of up to 2 KiB, net/http finds the length
		r.W.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	r.W.WriteHeader(status)
	_, _ = r.W.Write(r.body) // a visitor who has left is no fault
}

// AppendString appends to the body what is JSON already.
func (r *Request) AppendString(text string) { r.body = append(r.body, text...) }

// AppendValue appends v, of a type that always marshals, so that it is safe in a
// script: <, >, &, U+2028 and U+2029 are escaped.
func (r *Request) AppendValue(v any) {
	text, _ := json.Marshal(v)
	r.body = append(r.body, text...)
}

// AppendBytes appends to the body what is JSON already.
func (r *Request) AppendBytes(text []byte) { r.body = append(r.body, text...) }

// AppendNumber appends a number.
func (r *Request) AppendNumber(n int64) { r.body = strconv.AppendInt(r.body, n, 10) }

// AppendItems appends encoded items as an array.
func (r *Request) AppendItems(items [][]byte) {
	r.body = append(r.body, '[')
	for i, it := range items {
		if i > 0 {
			r.body = append(r.body, ',')
		}
		r.body = append(r.body, it...)
	}
	r.body = append(r.body, ']')
}
