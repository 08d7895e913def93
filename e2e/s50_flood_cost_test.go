package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// cpu returns the processor time that the server has used, in steps of 10 ms.
func (s *server) cpu() time.Duration {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
	s.must(err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	var user, system int64
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	return time.Duration(user+system) * time.Second / 100
}

// conn is a connection that sends requests in sequence. It uses less processor time than a
// http.Client, which leaves more for the server during a flood.
type conn struct {
	host string
	net  net.Conn
	in   *bufio.Reader
	body bytes.Buffer
}

// newConn returns a connection that is opened by its first request.
func (s *server) newConn() *conn { return &conn{host: strings.TrimPrefix(s.URL, "http://")} }

// get sends a request, and returns the code of the refusal, or "". The server may close the
// connection afterwards.
func (c *conn) get(path, token, from string) (code string, err error) {
	if err = c.open(); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", path, c.host)
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	if from != "" {
		fmt.Fprintf(&b, "X-Forwarded-For: %s\r\n", from)
	}
	if _, err = io.WriteString(c.net, b.String()+"\r\n"); err != nil {
		return "", err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	c.body.Reset()
	if _, err = c.body.ReadFrom(res.Body); res.Close {
		c.close()
	}
	if res.StatusCode == http.StatusOK {
		return "", err
	}
	_, after, _ := strings.Cut(c.body.String(), `"code":"`)
	code, _, _ = strings.Cut(after, `"`)
	return code, err
}

// open connects, unless the connection is open.
func (c *conn) open() (err error) {
	if c.net == nil {
		if c.net, err = net.Dial("tcp", c.host); err == nil {
			c.in = bufio.NewReader(c.net)
		}
	}
	return err
}

func (c *conn) close() {
	if c.net != nil {
		c.net.Close()
		c.net = nil
	}
}

// cost returns how much processor time the server uses for a request. It sends n requests over
// conns connections.
func (s *server) cost(conns, n int, code string, request func(n int) (path, token, from string)) time.Duration {
	s.t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	before := s.cpu()
	for range conns {
		wg.Go(func() {
			c := s.newConn()
			defer c.close()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if got, err := c.get(request(i)); got != code || err != nil {
					s.t.Errorf("request %d: %q, %v, want %q", i, got, err, code)
					return
				}
			}
		})
	}
	wg.Wait()
	return (s.cpu() - before) / time.Duration(n)
}

// TestS50FloodCost: requests of an address that a rule blocks cost no more than calls that are
// admitted, whatever token they carry. The test sends 4,000 requests of each kind. Processor times
// depend on the machine, so up to three times the cost is accepted.
func TestS50FloodCost(t *testing.T) {
	const policy = "policy: {spike: {calls: 1000000}, token: {calls: 1000000, records: 100000000}, address: {bindings: 3, then: block, block: [1h], records: 0}}"
	s := newStrictServer(t, trusting+policy)
	cost := map[string]time.Duration{}
	for _, k := range s.floodKinds() {
		start := time.Now()
		cost[k.name] = s.cost(k.conns, floodSize, k.code, k.request)
		t.Logf("%-28s %4d µs of processor time a request (%d in %v)", k.name, cost[k.name].Microseconds(), floodSize, time.Since(start).Round(time.Millisecond))
	}
	for flood, call := range map[string]string{
		"blocked, new tokens": "admitted, new tokens", "blocked, new tokens (200)": "admitted, new tokens", "blocked, one token": "admitted item",
		"blocked, no token": "admitted item", "invalid signatures (200)": "admitted, new tokens", "one invalid signature (200)": "admitted, new tokens",
	} {
		if cost[flood] > 3*cost[call] {
			t.Errorf("%s: %v a request, %s: %v", flood, cost[flood], call, cost[call])
		}
	}
}

// floodSize is the number of requests of each kind.
const floodSize = 4000

// floodKind is a kind of request, over a number of connections, with the code that is expected.
type floodKind struct {
	name, code string
	conns      int
	request    func(n int) (path, token, from string)
}

// floodKinds returns the kinds of requests in order. It blocks an address that some of them use.
func (s *server) floodKinds() []floodKind {
	s.t.Helper()
	const call, search, blocked, n = "/v1/items/i1?client_id=acme", "/v1/items?q=item&client_id=acme", "203.0.113.1", floodSize
	all := s.tokens(3*n + 12)
	own, uncleared, admitted, unused, unused200 := all[:3], all[11], all[12:n+12], all[n+12:2*n+12], all[2*n+12:]
	for _, token := range all[3:12] {
		s.mustGet("/v1/items/i1", token, blocked)
	}
	ownCall := func(path string) func(int) (string, string, string) {
		return func(n int) (string, string, string) { return path, own[n%3], fmt.Sprintf("192.0.2.%d", n%3) }
	}
	newCall := func(n int) (string, string, string) { return call, admitted[n], fmt.Sprintf("10.0.%d.%d", n>>8, n&255) }
	return []floodKind{
		{"warm-up", "", 16, ownCall(call)},
		{"admitted item", "", 16, ownCall(call)},
		{"admitted search", "", 16, ownCall(search)},
		{"admitted, new tokens", "", 16, newCall},
		{"blocked, new tokens", "address_blocked", 16, func(n int) (string, string, string) { return call, unused[n], blocked }},
		{"blocked, new tokens (200)", "address_blocked", 200, func(n int) (string, string, string) { return call, unused200[n], blocked }},
		{"blocked, one token", "address_blocked", 16, func(n int) (string, string, string) { return call, uncleared, blocked }},
		{"blocked, no token", "token_missing", 16, func(n int) (string, string, string) { return call, "", blocked }},
		{"invalid signatures (200)", "token_invalid", 200, func(n int) (string, string, string) { return call, forgeSignature(uncleared, n), blocked }},
		{"one invalid signature (200)", "token_invalid", 200, func(n int) (string, string, string) { return call, forgeSignature(uncleared, 0), blocked }},
	}
}

// forgeSignature returns a token with invalid signature number i.
func forgeSignature(token string, i int) string {
	dot := strings.LastIndexByte(token, '.') + 1
	sig := []byte(token[dot:])
	for k := range 6 {
		sig[k] = "ABCDEFGHIJKLMNOP"[i>>(4*k)&15]
	}
	return token[:dot] + string(sig)
}
