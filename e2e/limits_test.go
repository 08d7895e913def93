package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// isConnectError reports whether a request never reached the server.
func isConnectError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || errors.Is(err, syscall.ECONNREFUSED)
}

// memory returns the server's resident memory, in MB.
func (s *server) memory() int {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	s.must(err)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			kb, err := strconv.Atoi(f[1])
			s.must(err)
			return kb >> 10
		}
	}
	s.t.Fatal("VmRSS is missing")
	return 0
}

// TestS4ForgedAddresses: the server ignores headers that name an address, unless they come from a
// trusted proxy. 10,000 calls from 10,000 forged addresses count as calls from one.
func TestS4ForgedAddresses(t *testing.T) {
	s := newServer(t, "policy: {token: {calls: 100000}}")
	token := s.tokens(1)[0]
	var got tally
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := w; n < 10_000; n += 8 {
				forged := fmt.Sprintf("198.18.%d.%d", n>>8, n&255)
				got.add(s.forged(token, forged))
			}
		})
	}
	wg.Wait()
	got.want(t, map[string]int{"": 10_000})
	s.must(s.Stop())
	for file, text := range s.files() {
		if strings.Contains(text, "198.18.") || strings.Contains(text, "\xff\xff\xc6\x12") {
			t.Errorf("%s contains a forged address", file)
		}
	}
	if strings.Contains(s.Log(), "198.18.") {
		t.Error("the log contains a forged address")
	}
}

// forged makes a call with headers that claim an address.
func (s *server) forged(token, from string) (response, error) {
	req, err := http.NewRequest("GET", s.URL+"/v1/items/i1?client_id=acme", nil)
	if err != nil {
		return response{}, err
	}
	req.Header = http.Header{"Authorization": {"Bearer " + token}, "X-Forwarded-For": {from}, "X-Real-Ip": {from}, "Forwarded": {"for=" + from}}
	return s.do(req)
}

// TestS23Sizes: requests that are too large are refused with the right status, and use little
// memory.
func TestS23Sizes(t *testing.T) {
	s := newServer(t, "")
	token := s.tokens(1)[0]
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	before := s.memory()
	for range 20 {
		if code := s.send("GET /v1/items HTTP/1.1\r\nHost: a\r\nX-Large: " + strings.Repeat("x", 20_000) + "\r\n\r\n"); code != 431 {
			t.Errorf("headers of 20 kB: %d", code)
		}
		for _, path := range []string{"/v1/items", "/v1/token", "/oauth/token", "/oauth/introspect", "/oauth/revoke"} {
			if code := s.post(path, "a="+strings.Repeat("x", 2<<20)); code != 413 {
				t.Errorf("POST %s of 2 MB: %d", path, code)
			}
			if code, _ := s.raw("POST", path, form, strings.Repeat("a&", 8_000)); code != 400 {
				t.Errorf("POST %s of 8,000 parameters: %d", path, code)
			}
		}
		if code := s.post("/v1/items", strings.Repeat("a=b&", 100_000)); code != 413 {
			t.Errorf("100,000 parameters: %d", code)
		}
	}
	if grown := s.memory() - before; grown > 50 {
		t.Errorf("memory grew by %d MB", grown)
	}
	if a := s.mustGet("/v1/items", token, ""); a.code() != "" {
		t.Errorf("a call afterwards: %s", a.code())
	}
}

// post sends a form, and returns the status.
func (s *server) post(path, body string) int {
	s.t.Helper()
	return s.send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body))
}

// send sends a request, and reads the status while it sends. A server that refuses a request before
// its end closes the connection; a client that has not read the status by then gets a reset.
func (s *server) send(request string) (status int) {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	s.must(err)
	defer conn.Close()
	go io.WriteString(conn, request)
	line, err := bufio.NewReader(conn).ReadString('\n')
	s.must(err)
	_, err = fmt.Sscanf(line, "HTTP/1.1 %d", &status)
	s.must(err)
	return status
}

// TestR6SlowClients: the server closes 500 connections with slow headers, 500 with slow bodies, 500
// with slow readers and 10,000 idle ones (20,000 with -hard) in time. Meanwhile it serves others.
func TestR6SlowClients(t *testing.T) {
	s := newServer(t, "")
	token := s.tokens(1)[0]
	host := strings.TrimPrefix(s.URL, "http://")
	var slow []net.Conn
	dial := func(n int, send string) {
		for range n {
			c, err := net.Dial("tcp", host)
			s.must(err)
			t.Cleanup(func() { c.Close() })
			_, err = io.WriteString(c, send)
			s.must(err)
			slow = append(slow, c)
		}
	}
	dial(500, "GET /v1/items HTTP/1.1\r\nHost: a\r\nX-Slow: ")
	dial(500, "POST /v1/items HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\na=")
	dial(500, strings.Repeat("GET /v1/items?callback=cb HTTP/1.1\r\nHost: a\r\n\r\n", 20))
	dial(s.idle(), "")

	var took []time.Duration
	for range 200 {
		start := time.Now()
		if a := s.mustGet("/v1/items", token, ""); a.code() != "" {
			t.Fatalf("another client was refused: %s", a.code())
		}
		took = append(took, time.Since(start))
	}
	t.Logf("%d slow and idle connections, memory %d MB, slowest of 200 other calls %v", len(slow), s.memory(), maximum(took))
	if mb := s.memory(); mb > 300 {
		t.Errorf("memory is %d MB", mb)
	}
	end := time.Now().Add(20 * time.Second) // the limit is 10 s; a busy machine may take longer
	for _, c := range slow {
		c.SetReadDeadline(end)
		if _, err := io.Copy(io.Discard, bufio.NewReader(c)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a slow connection is still open")
		}
	}
}

// idle returns how many idle connections to open, or what the limit on open files leaves for them.
func (s *server) idle() int {
	var l syscall.Rlimit
	s.must(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l))
	return min(sized(10_000, 20_000), int(l.Cur)-2_000)
}

func maximum(d []time.Duration) (m time.Duration) {
	for _, v := range d {
		m = max(m, v)
	}
	return m
}
