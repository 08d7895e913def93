package plain

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Limits of a plain request. A larger one is handed over.
const (
	maxSize   = 8 << 10 // bytes, with the body
	maxFields = 64      // header lines
)

// verdict says which bytes were read.
type verdict uint8

const (
	partial verdict = iota // the beginning of what may be a plain request
	other                  // something else
	whole                  // the head of a plain request, and perhaps what follows
)

const version = " HTTP/1.1\r\n"

// begins are the first bytes of plain requests.
var begins = []string{"GET /v1/", "POST /v1/"}

// beginning looks at the first bytes only.
func beginning(b []byte) verdict {
	for _, begin := range begins {
		switch n := min(len(b), len(begin)); {
		case string(b[:n]) != begin[:n]:
		case n < len(begin):
			return partial
		default:
			return whole
		}
	}
	return other
}

// classify returns how many bytes the head has that b begins with, and whether it may be plain. It
// looks at line ends and the first bytes only: parse decides.
func classify(b []byte) (n int, v verdict) {
	if v := beginning(b); v != whole {
		return 0, v
	}
	for at := 0; ; {
		end := bytes.IndexByte(b[at:], '\n')
		switch {
		case end < 0 && len(b) >= maxSize:
			return 0, other
		case end < 0:
			return 0, partial
		case end == 0 || b[at+end-1] != '\r':
			return 0, other
		}
		line := at
		at += end + 1
		if end == 1 { // the empty line
			if at > maxSize || line == 0 {
				return 0, other
			}
			return at, whole
		}
	}
}

// Classes of bytes.
const (
	inPath = 1 << iota
	inQuery
	inName  // of a header in a plain request
	inToken // any token of RFC 9110 §5.6.2
	inValue // of a header
	inHost
)

var classes = func() (c [256]uint8) {
	for b := byte('!'); b <= '~'; b++ {
		c[b] = inQuery | inValue
	}
	c['#'] &^= inQuery
	c[' '], c['\t'] = inValue, inValue
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	for _, b := range []byte(letters) {
		c[b] |= inPath | inName | inToken | inHost
	}
	for _, b := range []byte("/-._~:@") {
		c[b] |= inPath
	}
	for _, b := range []byte("-.:[]") {
		c[b] |= inHost
	}
	for _, b := range []byte("!#$%&'*+-.^_`|~") {
		c[b] |= inToken
	}
	c['-'] |= inName
	return c
}()

// all reports whether all bytes of s are in a class.
func all(s string, class uint8) bool {
	for i := range len(s) {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return true
}

// request is a request with the memory that it needs in one piece.
type request struct {
	http.Request
	url    url.URL
	header http.Header
	values []string // of header, one for each line
	body   body
}

// body is a body that has arrived.
type body struct{ strings.Reader }

// Close implements [io.Closer].
func (*body) Close() error { return nil }

// requests holds the memory of requests, for reuse. It saves 7 % of the server's CPU time. No
// handler of this program keeps a request after it has returned.
var requests = sync.Pool{New: func() any { return new(request) }}

// keptFields is for how many header lines memory is kept. Browsers send about 15.
const keptFields = 24

// clear makes r ready for another request.
func (r *request) clear() {
	header, values := r.header, r.values
	if len(values) > keptFields {
		header, values = nil, nil
	}
	clear(header)
	clear(values)
	*r = request{header: header, values: values}
}

// parse reads a head that [classify] found, with its empty line, into r. It reports whether the
// request is plain: whether net/http would read it in exactly the same way, and nothing in it needs
// net/http. r has the values of the connection already. The body is not read: see [conn.readBody].
func parse(head string, r *request) bool {
	line, rest, _ := strings.Cut(head, "\r\n")
	method, target, _ := strings.Cut(line, " ")
	target, found := strings.CutSuffix(target, version[:len(version)-2])
	if !found {
		return false
	}
	path, query, asked := strings.Cut(target, "?")
	if !all(path, inPath) || !all(query, inQuery) {
		return false
	}
	r.url = url.URL{Path: path, RawQuery: query, ForceQuery: asked && query == ""}
	r.URL, r.RequestURI = &r.url, target
	r.Method, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Body = method, "HTTP/1.1", 1, 1, http.NoBody
	return parseFields(rest[:len(rest)-2], r) && parseLength(r)
}

// parseLength reads the length of the body. A POST has a body, and a GET has none. The length is as
// programs write it: net/http would also read 007.
func parseLength(r *request) bool {
	given := r.Header["Content-Length"]
	if r.Method == http.MethodGet || len(given) == 0 {
		return r.Method == http.MethodGet && len(given) == 0
	}
	n, err := strconv.ParseUint(given[0], 10, 16)
	r.ContentLength = int64(n)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == given[0]
}

// parseFields reads the header lines.
func parseFields(lines string, r *request) bool {
	count := strings.Count(lines, "\n")
	if count > maxFields {
		return false
	}
	if r.header == nil {
		r.header = make(http.Header, count)
	}
	r.values = slices.Grow(r.values[:0], count)[:count]
	r.Header, r.Host = r.header, ""
	values := r.values
	for lines != "" {
		var line string
		line, lines, _ = strings.Cut(lines, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if name == "" || len(name) == len(line) || !all(name, inName) || !all(value, inValue) {
			return false
		}
		key := textproto.CanonicalMIMEHeaderKey(name)
		if _, repeated := r.Header[key]; repeated || !isPlainField(key, value) {
			return false
		}
		if key == "Host" {
			if r.Host != "" || value == "" || !all(value, inHost) {
				return false
			}
			r.Host = value
			continue
		}
		values[0] = value
		r.Header[key], values = values[:1:1], values[1:]
	}
	return r.Host != ""
}

// isPlainField reports whether a header line may be in a plain request: it does not change where
// the request ends, what happens to the connection, or what net/http does with other lines.
func isPlainField(key, value string) bool {
	switch key {
	case "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Expect", "Pragma", "Proxy-Connection", "Http2-Settings":
		return false
	case "Connection":
		return strings.EqualFold(value, "keep-alive")
	}
	return true
}
