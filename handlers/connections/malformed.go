package connections

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Malformed is why net/http refuses a request before it calls a handler.
type Malformed struct {
	Status int    // the HTTP status
	Reason string // net/http's own words; "" if it gives none
}

// Refuser responds to a malformed request. Of the request, only the method, the URL and the remote
// address are set, as far as they can be read: the path is decoded where it can be, and the query
// lacks parameters that may be incomplete.
type Refuser func(w http.ResponseWriter, r *http.Request, why Malformed)

// maxLine is how much of a request line is kept, in bytes: as much as net/http reads.
const maxLine = 16 << 10

// keptLine is the capacity that a connection keeps for its next request line, in bytes.
const keptLine = 2 << 10

// requestLine is the line of the request that a connection is reading, from the first byte after
// the last response. A request that was sent before that response may lack its beginning; then it
// has no method that can be read.
type requestLine struct {
	text  []byte
	ended bool
}

// read adds bytes that were read.
func (l *requestLine) read(b []byte) {
	if l.ended {
		return
	}
	if len(l.text) == 0 {
		b = bytes.TrimLeft(b, "\r\n") // as net/http does after a POST
	}
	if end := bytes.IndexByte(b, '\n'); end >= 0 {
		b, l.ended = b[:end], true
	}
	l.text = append(l.text, b[:min(len(b), maxLine-len(l.text))]...)
}

// answered forgets the request.
func (l *requestLine) answered() {
	l.ended = false
	if l.text = l.text[:0]; cap(l.text) > keptLine {
		l.text = nil
	}
}

// parse returns the request as far as its line can be read.
func (l *requestLine) parse(from net.Addr) *http.Request {
	r := &http.Request{Header: http.Header{}, URL: &url.URL{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, RemoteAddr: from.String()}
	line := strings.TrimSuffix(string(l.text), "\r")
	method, target, _ := strings.Cut(line, " ")
	if end := strings.LastIndex(target, " HTTP/"); end >= 0 {
		target = target[:end]
	}
	path, query, _ := strings.Cut(target, "?")
	if !l.ended {
		query = query[:max(strings.LastIndexByte(query, '&'), 0)]
	}
	if scheme := strings.Index(path, "://"); scheme > 0 {
		_, path, _ = strings.Cut(path[scheme+3:], "/")
		path = "/" + path
	}
	r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery = method, decodePath(path), path, query
	return r
}

// decodePath decodes what can be decoded of a path, as a browser does that compares it with a
// Content-Security-Policy.
func decodePath(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if c, err := strconv.ParseUint(path[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// errorHeaders ends the head of the response that net/http writes for a malformed request. No
// response of a handler has these headers and no others, and no JSON has these line breaks.
const errorHeaders = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// maxError is more than the length of any such response, in bytes.
const maxError = 1 << 10

// asMalformed reports whether b is a response of net/http to a malformed request, and why. It is
// written at once. 417, which has no body, is what net/http responds to an unknown Expect.
func asMalformed(b []byte) (why Malformed, ok bool) {
	rest, isResponse := bytes.CutPrefix(b, []byte("HTTP/1.1 "))
	if !isResponse || len(rest) < 3 || len(rest) > maxError || rest[0] != '4' && rest[0] != '5' {
		return why, false
	}
	if bytes.HasPrefix(rest, []byte("417 ")) && bytes.Contains(rest, []byte("\r\nConnection: close\r\n")) && bytes.HasSuffix(rest, []byte("\r\n\r\n")) {
		return Malformed{Status: http.StatusExpectationFailed}, true
	}
	line, _, found := bytes.Cut(rest, []byte(errorHeaders))
	status, err := strconv.Atoi(string(rest[:3]))
	if !found || err != nil || bytes.IndexByte(line, '\n') >= 0 {
		return why, false
	}
	_, reason, _ := strings.Cut(string(line), ": ")
	return Malformed{status, reason}, true
}

// refusal returns the refuser's response to the request, as bytes.
func refusal(refuse Refuser, r *http.Request, why Malformed) []byte {
	w := &response{header: http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}, status: http.StatusOK}
	refuse(w, r, why)
	w.header.Del("Connection")
	var b bytes.Buffer
	res := http.Response{StatusCode: w.status, ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Close: true,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r}
	_ = res.Write(&b) // a buffer can't fail
	return b.Bytes()
}

// response is an [http.ResponseWriter] in memory.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *response) Header() http.Header         { return w.header }
func (w *response) WriteHeader(status int)      { w.status = status }
func (w *response) Write(b []byte) (int, error) { return w.body.Write(b) }

// malformedReasons has what a response says for each reason of net/http.
var malformedReasons = map[string]string{
	"missing required Host header": "the header Host is missing",
	"malformed Host header":        "the header Host is not a host name",
	"invalid header name":          "a header's name has an invalid character",
	"invalid header value":         "a header's value has an invalid character",
	"unsupported protocol version": "the protocol must be HTTP/1.1",
}

// Detail returns what is wrong with a request, for the response.
func (why Malformed) Detail(h *http.Request) string {
	switch why.Status {
	case http.StatusRequestHeaderFieldsTooLarge:
		return "the URL and the headers are larger than 16 KiB: send long parameters as a form"
	case http.StatusNotImplemented:
		return "the body must have a Content-Length; Transfer-Encoding is not supported"
	case http.StatusExpectationFailed:
		return "the header Expect must be 100-continue"
	}
	if detail, known := malformedReasons[why.Reason]; known {
		return detail
	}
	if _, err := url.PathUnescape(h.URL.RawPath); err != nil {
		return "the URL's path has a percent sign that is not followed by two hexadecimal digits"
	}
	return "the request line or a header is malformed"
}
