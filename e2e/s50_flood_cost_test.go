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

// cpu is the processor time that the server has used, to 10 ms.
func (s *site) cpu() time.Duration {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
	s.must(err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	var user, system int64
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	return time.Duration(user+system) * time.Second / 100
}

// line is a connection that sends one request after the other. It is cheaper
// than a http.Client, so that a flood leaves time for the server.
type line struct {
	host string
	conn net.Conn
	in   *bufio.Reader
	body bytes.Buffer
}

func (s *site) line() *line { return &line{host: strings.TrimPrefix(s.URL, "http://")} }

// get sends a request and returns the code of the refusal, or "". The server
// may close the connection after it.
func (l *line) get(path, token, from string) (code string, err error) {
	if err = l.open(); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", path, l.host)
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	if from != "" {
		fmt.Fprintf(&b, "X-Forwarded-For: %s\r\n", from)
	}
	if _, err = io.WriteString(l.conn, b.String()+"\r\n"); err != nil {
		return "", err
	}
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	l.body.Reset()
	if _, err = l.body.ReadFrom(res.Body); res.Close {
		l.close()
	}
	if res.StatusCode == http.StatusOK {
		return "", err
	}
	_, after, _ := strings.Cut(l.body.String(), `"code":"`)
	code, _, _ = strings.Cut(after, `"`)
	return code, err
}

func (l *line) open() (err error) {
	if l.conn == nil {
		if l.conn, err = net.Dial("tcp", l.host); err == nil {
			l.in = bufio.NewReader(l.conn)
		}
	}
	return err
}

func (l *line) close() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}

// cost is how much processor time the server uses for a request, of n over so
// many connections.
func (s *site) cost(conns, n int, code string, request func(n int) (path, token, from string)) time.Duration {
	s.t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	before := s.cpu()
	for range conns {
		wg.Go(func() {
			l := s.line()
			defer l.close()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if got, err := l.get(request(i)); got != code || err != nil {
					s.t.Errorf("request %d: %q, %v, want %q", i, got, err, code)
					return
				}
			}
		})
	}
	wg.Wait()
	return (s.cpu() - before) / time.Duration(n)
}

// TestS50FloodCost: requests of an address that a rule blocks cost no more than
// calls that are admitted, whatever token they carry: 4,000 requests of each
// kind. The times of the server's processor depend on the machine, so what is
// checked is generous.
func TestS50FloodCost(t *testing.T) {
	const policy = "policy: {spike: {calls: 1000000}, token: {calls: 1000000, records: 100000000}, address: {bindings: 3, then: block, block: [1h], records: 0}}"
	const call, search, blocked, n = "/v1/items/i1?client_id=acme", "/v1/items?q=item&client_id=acme", "203.0.113.1", 4000
	s := newStrictSite(t, trusting+policy)
	all := s.tokens(3*n + 12)
	own, uncleared, admitted, fresh, fresh200 := all[:3], all[11], all[12:n+12], all[n+12:2*n+12], all[2*n+12:]
	for _, token := range all[3:12] {
		s.mustGet("/v1/items/i1", token, blocked)
	}
	forged := func(i int) string {
		head, sig := uncleared[:strings.LastIndexByte(uncleared, '.')+1], []byte(uncleared[strings.LastIndexByte(uncleared, '.')+1:])
		for k := range 6 {
			sig[k] = "ABCDEFGHIJKLMNOP"[i>>(4*k)&15]
		}
		return head + string(sig)
	}
	cost := map[string]time.Duration{}
	for _, c := range []struct {
		name, code string
		conns      int
		request    func(n int) (path, token, from string)
	}{
		{"warm-up", "", 16, func(n int) (string, string, string) { return call, own[n%3], fmt.Sprintf("192.0.2.%d", n%3) }},
		{"admitted item", "", 16, func(n int) (string, string, string) { return call, own[n%3], fmt.Sprintf("192.0.2.%d", n%3) }},
		{"admitted search", "", 16, func(n int) (string, string, string) { return search, own[n%3], fmt.Sprintf("192.0.2.%d", n%3) }},
		{"admitted, fresh tokens", "", 16, func(n int) (string, string, string) {
			return call, admitted[n], fmt.Sprintf("10.0.%d.%d", n>>8, n&255)
		}},
		{"blocked, fresh tokens", "address_blocked", 16, func(n int) (string, string, string) { return call, fresh[n], blocked }},
		{"blocked, fresh tokens (200)", "address_blocked", 200, func(n int) (string, string, string) { return call, fresh200[n], blocked }},
		{"blocked, one token", "address_blocked", 16, func(n int) (string, string, string) { return call, uncleared, blocked }},
		{"blocked, no token", "token_missing", 16, func(n int) (string, string, string) { return call, "", blocked }},
		{"bad signatures (200)", "token_invalid", 200, func(n int) (string, string, string) { return call, forged(n), blocked }},
		{"one bad signature (200)", "token_invalid", 200, func(n int) (string, string, string) { return call, forged(0), blocked }},
	} {
		at := time.Now()
		cost[c.name] = s.cost(c.conns, n, c.code, c.request)
		t.Logf("%-28s %4d µs of processor time a request (%d in %v)", c.name, cost[c.name].Microseconds(), n, time.Since(at).Round(time.Millisecond))
	}
	for flood, call := range map[string]string{
		"blocked, fresh tokens": "admitted, fresh tokens", "blocked, fresh tokens (200)": "admitted, fresh tokens", "blocked, one token": "admitted item",
		"blocked, no token": "admitted item", "bad signatures (200)": "admitted, fresh tokens", "one bad signature (200)": "admitted, fresh tokens",
	} {
		if cost[flood] > 3*cost[call] {
			t.Errorf("%s: %v a request, %s: %v", flood, cost[flood], call, cost[call])
		}
	}
}
