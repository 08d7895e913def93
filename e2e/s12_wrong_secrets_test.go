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

// tokenRequest asks the token endpoint as a client does, from an address, and
// returns the whole answer and how long it took.
func (s *site) tokenRequest(client, secret, from string) (answer string, took time.Duration, err error) {
	req, err := http.NewRequest("POST", s.URL+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return "", 0, err
	}
	req.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Forwarded-For", from)
	began := time.Now()
	res, err := s.client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer res.Body.Close()
	body := make([]byte, 4096)
	n, _ := res.Body.Read(body)
	return fmt.Sprint(res.StatusCode, " ", res.Header.Get("Www-Authenticate"), " ", string(body[:n])), time.Since(began), nil
}

// TestS12WrongSecrets: during 10,000 wrong secrets the p99 of clients with right
// ones is under 50 ms, behind the same address too. Clients that exist and those
// that do not get the same answer in the same time, and the log stays short.
func TestS12WrongSecrets(t *testing.T) {
	s := newSite(t, trusting)
	const all, guesser = 10_000, "203.0.113.9"
	var next atomic.Int64
	var wg sync.WaitGroup
	var mu sync.Mutex
	answers, times := map[string]int{}, map[string][]time.Duration{}
	for range 8 {
		wg.Go(func() {
			for i := next.Add(1); i <= all; i = next.Add(1) {
				client := []string{"acme", "nobody"}[i%2]
				answer, took, err := s.tokenRequest(client, fmt.Sprint("stile_wrong-", i), guesser)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				answers[answer]++
				times[client] = append(times[client], took)
				mu.Unlock()
			}
		})
	}
	right := map[string][]time.Duration{}
	for _, from := range []string{guesser, "198.51.100.1"} {
		wg.Go(func() {
			for n := 0; n < 150 || next.Load() < all; n++ {
				answer, took, err := s.tokenRequest("acme", s.secret, from)
				if err != nil || !strings.HasPrefix(answer, "200 ") {
					t.Errorf("the right secret from %s: %.100s %v", from, answer, err)
					return
				}
				mu.Lock()
				right[from] = append(right[from], took)
				mu.Unlock()
				time.Sleep(time.Millisecond) // a server asks when a visitor comes
			}
		})
	}
	wg.Wait()
	if len(answers) != 1 || answers[`401 Basic realm="stile", charset="UTF-8" {"error":"invalid_client","error_description":"the client or its secret is not known"}`] != all {
		t.Errorf("answers: %v", answers)
	}
	for from, took := range right {
		p99 := quantile(took, .99)
		t.Logf("right secrets from %s: %d, p50 %v, p99 %v", from, len(took), quantile(took, .5), p99)
		if p99 > 50*time.Millisecond {
			t.Errorf("right secrets from %s: p99 is %v", from, p99)
		}
	}
	known, unknown := quantile(times["acme"], .5), quantile(times["nobody"], .5)
	t.Logf("wrong secrets: p50 %v of a client that exists, %v of one that does not", known, unknown)
	if diff := (known - unknown).Abs(); diff > max(known, unknown)/4 {
		t.Errorf("the time tells whether a client exists: %v and %v", known, unknown)
	}
	s.must(s.Stop())
	named := regexp.MustCompile(`"code":"invalid_client",.*"address":"203\.0\.113\.0/24",.*"client":"(acme|\(unknown\))"`)
	lines, good := strings.Count(s.Log(), `"invalid_client"`), len(named.FindAllString(s.Log(), -1))
	if lines == 0 || lines > 24 || good != lines {
		t.Errorf("%d lines in the log, of which %d name the address and the client", lines, good)
	}
}

func quantile(d []time.Duration, q float64) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	if len(d) == 0 {
		return 0
	}
	return d[int(q*float64(len(d)-1))]
}
