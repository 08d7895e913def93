package connections

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"
	"weak"
)

// sent is a connection that a client has sent text to, and that keeps what is written.
type sent struct {
	watched
	text *bytes.Reader
	out  bytes.Buffer
}

func (s *sent) Read(b []byte) (int, error)  { return s.text.Read(b) }
func (s *sent) Write(b []byte) (int, error) { return s.out.Write(b) }
func (s *sent) RemoteAddr() net.Addr        { return &net.TCPAddr{} }

// TestHanded checks that a connection gives back the bytes that were read before others, and that
// its first request, and no other, must arrive in time.
func TestHanded(t *testing.T) {
	under := &sent{text: bytes.NewReader([]byte("lo"))}
	c := Handed(under, []byte("hel"), epoch.Add(3*time.Second), nil)
	if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	c.SetReadDeadline(epoch.Add(2 * time.Second))
	c.SetReadDeadline(epoch.Add(8 * time.Second))
	c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	c.SetReadDeadline(epoch.Add(9 * time.Second))
	if got := fmt.Sprint(under.set); got != "[r2s r3s r9s]" {
		t.Errorf("deadlines set: %s", got)
	}
}

// TestHandedFrees checks that a connection does not keep the bytes that were read before: it may be
// idle for long.
func TestHandedFrees(t *testing.T) {
	before := make([]byte, 4<<10)
	at := weak.Make(&before[0])
	c := Handed(&sent{text: bytes.NewReader(nil)}, before, time.Time{}, nil)
	before = nil
	if n, err := io.Copy(io.Discard, c); n != 4<<10 || err != nil {
		t.Fatal(n, err)
	}
	for end := time.Now().Add(10 * time.Second); at.Value() != nil; runtime.GC() {
		if time.Now().After(end) {
			t.Fatal("the connection keeps what was read")
		}
	}
	runtime.KeepAlive(c)
}

// TestRefusing checks that a refuser responds instead of net/http, with the request in the bytes
// that were handed over.
func TestRefusing(t *testing.T) {
	under := &sent{text: bytes.NewReader([]byte(" HTTP/1.1\r\n"))}
	c := Handed(under, []byte("GET /v1/%zz?a=b"), time.Time{}, func(w http.ResponseWriter, r *http.Request, why Malformed) {
		fmt.Fprintf(w, "%s %s %s %d", r.Method, r.URL.RawPath, r.URL.RawQuery, why.Status)
	})
	io.ReadAll(c)
	own := []byte("HTTP/1.1 400 Bad Request" + errorHeaders + "400 Bad Request")
	if n, err := c.Write(own); n > len(own) || err != nil {
		t.Error(n, err)
	}
	if _, body, _ := bytes.Cut(under.out.Bytes(), []byte("\r\n\r\n")); string(body) != "GET /v1/%zz a=b 400" {
		t.Errorf("%q", under.out.String())
	}
}
