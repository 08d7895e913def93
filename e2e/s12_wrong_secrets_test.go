package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tokenRequest sends a request to the token endpoint from an address. It returns the status, the
// WWW-Authenticate header and the body, and how long the request took.
func (s *server) tokenRequest(client, secret, from string) (got string, took time.Duration, err error) {
	req, err := http.NewRequest("POST", s.URL+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return "", 0, err
	}
	req.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Forwarded-For", from)
	start := time.Now()
	res, err := s.client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer res.Body.Close()
	body := make([]byte, 4096)
	n, _ := res.Body.Read(body)
	return fmt.Sprint(res.StatusCode, " ", res.Header.Get("Www-Authenticate"), " ", string(body[:n])), time.Since(start), nil
}

// guesses are the responses to wrong secrets, counted, and their times by client.
type guesses struct {
	sent      atomic.Int64
	mu        sync.Mutex
	responses map[string]int
	times     map[string][]time.Duration
}

// TestS12WrongSecrets: while 10,000 wrong secrets arrive, the 99th percentile of requests with the
// right secret is at most 50 ms, even from the same address. The response to a wrong secret, and
// its time, do not depend on whether the client exists. The log stays short.
//
// If other programs use the machine, they delay requests too. In that case the percentile is at
// most 500 ms.
func TestS12WrongSecrets(t *testing.T) {
	s := newServer(t, trusting)
	const all, guesser = 10_000, "203.0.113.9"
	g := &guesses{responses: map[string]int{}, times: map[string][]time.Duration{}}
	var wg sync.WaitGroup
	others, start := s.others(), time.Now()
	for range 8 {
		wg.Go(func() { s.guess(g, all, guesser) })
	}
	var right [2][]time.Duration
	addresses := []string{guesser, "198.51.100.1"}
	for i, from := range addresses {
		wg.Go(func() { right[i] = s.requestDuring(g, all, from) })
	}
	wg.Wait()
	most := 50 * time.Millisecond
	if others = s.others() - others; others >= time.Since(start)/5 {
		t.Logf("other programs used %v of processor time in %v", others, time.Since(start))
		most *= 10
	}
	const want = `401 Basic realm="stile", charset="UTF-8" {"error":"invalid_client","error_description":"unknown client or wrong secret"}`
	if len(g.responses) != 1 || g.responses[want] != all {
		t.Errorf("responses to wrong secrets: %v", g.responses)
	}
	for i, took := range right {
		p99 := quantile(took, .99)
		t.Logf("right secrets from %s: %d, p50 %v, p99 %v", addresses[i], len(took), quantile(took, .5), p99)
		if p99 > most {
			t.Errorf("right secrets from %s: p99 is %v, want at most %v", addresses[i], p99, most)
		}
	}
	known, unknown := quantile(g.times["acme"], .5), quantile(g.times["nobody"], .5)
	t.Logf("wrong secrets: p50 %v of a client that exists, %v of one that does not", known, unknown)
	if diff := (known - unknown).Abs(); diff > max(known, unknown)/4 {
		t.Errorf("the time reveals whether a client exists: %v and %v", known, unknown)
	}
	s.checkSecretsLog()
}

// guess sends wrong secrets for a client that exists and one that does not, in turn, until all are
// sent.
func (s *server) guess(g *guesses, all int64, from string) {
	for i := g.sent.Add(1); i <= all; i = g.sent.Add(1) {
		client := []string{"acme", "nobody"}[i%2]
		got, took, err := s.tokenRequest(client, fmt.Sprint("stile_wrong-", i), from)
		if err != nil {
			s.t.Error(err)
			return
		}
		g.mu.Lock()
		g.responses[got]++
		g.times[client] = append(g.times[client], took)
		g.mu.Unlock()
	}
}

// requestDuring sends right secrets until all wrong ones are sent, but at least 150. It returns how
// long each request took.
func (s *server) requestDuring(g *guesses, all int64, from string) (times []time.Duration) {
	for n := 0; n < 150 || g.sent.Load() < all; n++ {
		got, took, err := s.tokenRequest("acme", s.secret, from)
		if err != nil || !strings.HasPrefix(got, "200 ") {
			s.t.Errorf("the right secret from %s: %.100s %v", from, got, err)
			return times
		}
		times = append(times, took)
		time.Sleep(time.Millisecond) // a tenant's server sends a request when a visitor arrives
	}
	return times
}

// checkSecretsLog stops the server, and checks that the log is short and names address and client.
func (s *server) checkSecretsLog() {
	s.t.Helper()
	s.must(s.Stop())
	complete := regexp.MustCompile(`"code":"invalid_client",.*"address":"203\.0\.113\.0/24",.*("client":"(acme|nobody)","why":"(wrong secret|unknown client)"|"client":"(acme|\(unknown\))","limit":20)`)
	lines, named := strings.Count(s.Log(), `"invalid_client"`), len(complete.FindAllString(s.Log(), -1))
	if lines == 0 || lines > 24 || named != lines {
		s.t.Errorf("%d lines in the log, of which %d name the address and the client; want 1 to 24, all of them:\n%s", lines, named, s.Log())
	}
}

// quantile returns the duration that a share q of all, 0 to 1, does not exceed.
func quantile(d []time.Duration, q float64) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	if len(d) == 0 {
		return 0
	}
	return d[int(q*float64(len(d)-1))]
}
