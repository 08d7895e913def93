package plain

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Limits of a plain request. A larger one is handed over.
const (
	maxHead   = 8 << 10 // bytes up to the empty line
	maxFields = 64      // header lines
)

// verdict says which bytes were read.
type verdict uint8

const (
	partial verdict = iota // the beginning of what may be a plain request
	other                  // something else
	whole                  // a plain request, and perhaps the beginning of the next one
)

const (
	begin   = "GET /v1/"
	version = " HTTP/1.1\r\n"
)

// classify returns how many bytes the head has that b begins with, and whether it may be plain. It
// looks at line ends and the first bytes only: parse decides.
func classify(b []byte) (n int, v verdict) {
	if !bytes.HasPrefix(b, []byte(begin)) {
		if len(b) < len(begin) && strings.HasPrefix(begin, string(b)) {
			return 0, partial
		}
		return 0, other
	}
	for at := 0; ; {
		end := bytes.IndexByte(b[at:], '\n')
		switch {
		case end < 0 && len(b) >= maxHead:
			return 0, other
		case end < 0:
			return 0, partial
		case end == 0 || b[at+end-1] != '\r':
			return 0, other
		}
		line := at
		at += end + 1
		if end == 1 { // the empty line
			if at > maxHead || line == 0 {
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
}

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
// net/http. r has the values of the connection already.
func parse(head string, r *request) bool {
	line, rest, _ := strings.Cut(head, "\r\n")
	target, found := strings.CutSuffix(line[len("GET "):], version[:len(version)-2])
	if !found {
		return false
	}
	path, query, asked := strings.Cut(target, "?")
	if !all(path, inPath) || !all(query, inQuery) {
		return false
	}
	r.url = url.URL{Path: path, RawQuery: query, ForceQuery: asked && query == ""}
	r.URL, r.RequestURI = &r.url, target
	r.Method, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Body = http.MethodGet, "HTTP/1.1", 1, 1, http.NoBody
	return parseFields(rest[:len(rest)-2], r)
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
	case "Content-Length", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Expect", "Pragma", "Proxy-Connection", "Http2-Settings":
		return false
	case "Connection":
		return strings.EqualFold(value, "keep-alive")
	}
	return true
}
