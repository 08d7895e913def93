package transport

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Header values that are the same in every response. All responses share them, so nothing may
// append to them. Together with those of the front they save 0.9 µs and 7 allocations, 2 % of a
// call.
var (
	noStore     = []string{"private, no-store"}
	crossOrigin = []string{"cross-origin"}
	anyOrigin   = []string{"*"}
	exposed     = []string{"RateLimit-Policy, RateLimit, Retry-After, X-Request-Id"}
	typeScript  = []string{"text/javascript; charset=utf-8"}
	typeJSON    = []string{"application/json"}
)

// SetCommonHeaders sets the headers of every response of the content API, errors included. Any
// origin may read the response: the browser attaches no credential by itself, a call is admitted by
// its token alone, and a page must be able to read why it was refused.
func SetCommonHeaders(h http.Header) {
	h["Cache-Control"] = noStore
	h["Cross-Origin-Resource-Policy"] = crossOrigin
	h["Access-Control-Allow-Origin"] = anyOrigin
}

// StartBody starts the body of a response, and discards an earlier start. A script starts with an
// empty comment, so that its first bytes are not chosen by the caller, and does nothing if the
// function does not exist.
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

// Finish writes the response, headers and body, in one piece. A script always has status 200: with
// any other, a page would get an error event and nothing to read.
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

// Write writes the headers and the body. Headers that are set later are ignored.
func (r *Request) Write(status int) {
	if len(r.body) > 2<<10 { // up to 2 KiB, net/http sets the length
		r.W.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	r.W.WriteHeader(status)
	_, _ = r.W.Write(r.body) // an error means that the visitor has left
}

// AppendString appends JSON to the body.
func (r *Request) AppendString(text string) { r.body = append(r.body, text...) }

// AppendValue appends v as JSON that is safe in a script: <, >, &, U+2028 and U+2029 are escaped. v
// must be of a type that always marshals.
func (r *Request) AppendValue(v any) {
	text, _ := json.Marshal(v)
	r.body = append(r.body, text...)
}

// AppendBytes appends JSON to the body.
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
