package connections

import (
	"net/http"
	"strings"
	"testing"
)

// BenchmarkRequestLine measures what a request's line costs a connection: the copy of 1.5 KB, and
// the lock.
func BenchmarkRequestLine(b *testing.B) {
	c := &refusingConn{refuse: func(http.ResponseWriter, *http.Request, Malformed) {}}
	head := []byte("GET /v1/items?access_token=" + strings.Repeat("x", 1400) + " HTTP/1.1\r\nHost: a\r\n\r\n")
	body := []byte("HTTP/1.1 200 OK\r\n\r\n{}")
	for b.Loop() {
		c.mu.Lock()
		c.request.read(head)
		c.mu.Unlock()
		c.respond(body)
	}
}
