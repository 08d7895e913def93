package load

import (
	"strings"
	"testing"
)

func TestResponseSize(t *testing.T) {
	const start = "HTTP/1.1 200 OK\r\nDate: today\r\n"
	for _, tt := range []struct {
		name, in string
		size     int
		err      string // contained in the error; "": none
	}{
		{"complete", start + "Content-Length: 5\r\n\r\nhello", 56, ""},
		{"more than one", start + "Content-Length: 5\r\n\r\nhelloHTTP/1.1", 56, ""},
		{"in lower case", start + "content-length:5\r\n\r\nhello", 55, ""},
		{"begun header", start + "Content-Le", 0, ""},
		{"header without its end", start + "Content-Length: 5\r\n", 0, ""},
		{"begun body", start + "Content-Length: 5\r\n\r\nhel", 0, ""},
		{"nothing", "", 0, ""},
		{"another body", start + "Content-Length: 5\r\n\r\nhullo", 0, "unexpected body"},
		{"a shorter body", start + "Content-Length: 2\r\n\r\nhe", 0, "unexpected body"},
		{"another status", "HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nhello", 0, "unexpected status"},
		{"another version", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, "unexpected status"},
		{"no length", start + "\r\nhello", 0, "without Content-Length"},
		{"two lengths", start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 0, "more than one"},
		{"negative length", start + "Content-Length: -5\r\n\r\nhello", 0, "invalid Content-Length"},
		{"huge length", start + "Content-Length: 99999999999999999999\r\n\r\nhello", 0, "invalid Content-Length"},
		{"endless header", start + strings.Repeat("X: y\r\n", 5000), 0, "a header of more than"},
	} {
		size, err := responseSize([]byte(tt.in), []byte("hel"))
		if size != tt.size || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %d, %v; want %d, %q", tt.name, size, err, tt.size, tt.err)
		}
	}
}

// FuzzResponseSize checks that a response that is complete has the size it says, however much of it
// was read before.
func FuzzResponseSize(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		size, err := responseSize(in, nil)
		switch {
		case err != nil && size != 0, size < 0, size > len(in):
			t.Fatalf("%d, %v of %d bytes", size, err, len(in))
		case size == 0:
			return
		}
		if again, err := responseSize(in[:size], nil); again != size || err != nil {
			t.Fatalf("%d, then %d, %v", size, again, err)
		}
		if again, err := responseSize(in[:size-1], nil); again != 0 || err != nil && size > maxHeader {
			t.Fatalf("%d without its last byte is %d, %v", size, again, err)
		}
	})
}
