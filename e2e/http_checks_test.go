package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestHTTPChecks: the server refuses chunked requests, over its own TLS too. The admin listener
// refuses unknown host names.
func TestHTTPChecks(t *testing.T) {
	const chunked = "POST /v1/items HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	s := newServer(t, "admin_hosts: [stile.internal]\n")
	if code := s.send(chunked); code != 400 {
		t.Errorf("a chunked request with a length: %d", code)
	}
	secure := newSecureServer(t, "")
	c, err := secure.dialH1(chunked + "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
	secure.must(err)
	defer c.Close()
	if got := statuses(t, c); len(got) != 1 || got[0] != "400" {
		t.Errorf("a chunked request with a length, then another request, over TLS: %v", got)
	}
	for host, want := range map[string]int{"localhost": 200, "127.0.0.1": 200, "stile.internal:80": 200, "evil.example": 421} {
		req, err := http.NewRequest("GET", s.AdminURL+"/metrics", nil)
		s.must(err)
		req.Host = host
		res, err := s.client.Do(req)
		s.must(err)
		res.Body.Close()
		if res.StatusCode != want || res.Header.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" {
			t.Errorf("/metrics of %s: %d %v", host, res.StatusCode, res.Header)
		}
	}
}

// TestS62MalformedGetsAScript checks that both listeners refuse what net/http can't parse, with
// their headers, and as a script where the callback can be read.
func TestS62MalformedGetsAScript(t *testing.T) {
	s := newServer(t, "")
	for _, url := range []string{s.URL, s.AdminURL} {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		s.must(err)
		defer c.Close()
		_, err = io.WriteString(c, "GET /v1/items/100%?callback=cb HTTP/1.1\r\nHost: localhost\r\n\r\n")
		s.must(err)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		s.must(err)
		body, err := io.ReadAll(res.Body)
		s.must(err)
		if res.StatusCode != 200 || !strings.HasPrefix(string(body), "/**/ typeof cb ") || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v %s", url, res.StatusCode, res.Header, body)
		}
	}
}

// statuses returns the status of each response until the connection ends.
func statuses(t *testing.T, c net.Conn) (all []string) {
	t.Helper()
	in := bufio.NewReader(c)
	for {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return all
		}
		io.Copy(io.Discard, res.Body)
		all = append(all, res.Status[:3])
	}
}
