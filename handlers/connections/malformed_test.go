package connections

import (
	"net"
	"strings"
	"testing"
)

// TestAsMalformed checks which bytes are net/http's own refusals, and that no part of another
// response is.
func TestAsMalformed(t *testing.T) {
	for text, want := range map[string]Malformed{
		"HTTP/1.1 400 Bad Request" + errorHeaders + "400 Bad Request":                                               {400, ""},
		"HTTP/1.1 400 Bad Request: malformed Host header" + errorHeaders + "400 Bad Request: malformed Host header": {400, "malformed Host header"},
		"HTTP/1.1 501 Not Implemented" + errorHeaders + "Unsupported transfer encoding":                             {501, ""},
		"HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nDate: x\r\nContent-Length: 0\r\n\r\n":              {417, ""},
		"": {}, "HTTP/1.1 ": {}, "HTTP/1.1 4": {}, "HTTP/1.1 100 Continue\r\n\r\n": {}, "HTTP/1.1 200 OK" + errorHeaders + "x": {},
		"HTTP/1.1 417 is a status, says an item": {}, "HTTP/1.1 417 " + strings.Repeat("x", 2000) + "\r\nConnection: close\r\n\r\n": {},
		"HTTP/1.1 404 Not Found\r\nCache-Control: no-store" + errorHeaders + "x": {}, "HTTP/1.1 4xx Odd" + errorHeaders: {},
	} {
		if why, ok := asMalformed([]byte(text)); why != want || ok != (want != Malformed{}) {
			t.Errorf("%.60q: %+v %v, want %+v", text, why, ok, want)
		}
	}
}

// FuzzRequestLine checks that no request line, in any pieces, makes parsing fail or grow, and that
// the line is the same in whatever pieces it comes.
func FuzzRequestLine(f *testing.F) {
	f.Add([]byte("GET /%?callback=cb HTTP/1.1\r\nHost: a\r\n\r\n"), 7)
	f.Add([]byte("GET http://a?x HTTP/1.1"), 1)
	f.Add([]byte("\r\n\r\n?&%"), 3)
	f.Fuzz(func(t *testing.T, b []byte, at int) {
		var whole, cut requestLine
		whole.read(b)
		at = max(0, min(at, len(b)))
		cut.read(b[:at])
		cut.read(b[at:])
		from := &net.TCPAddr{}
		one, two := whole.parse(from), cut.parse(from)
		if one.Method != two.Method || *one.URL != *two.URL || len(whole.text) > maxLine || len(one.URL.Path) > maxLine+1 {
			t.Errorf("%q: %q %+v, in two pieces %q %+v", b, one.Method, one.URL, two.Method, two.URL)
		}
	})
}
