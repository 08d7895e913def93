package e2e

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flood is a kind of request that many clients send at full speed. request returns a complete
// request; status is what each must get.
type flood struct {
	name    string
	status  []int
	conns   int
	closing bool // a connection for each request
	request func(n int) string
}

// TestFloods floods the server in seven ways. Meanwhile 8 visitors call 20 times a second each. All
// of them are served, the memory stays within bounds, and no call is lost. With -hard, each flood
// lasts a minute, and the visitors' median is at most 100 ms.
func TestFloods(t *testing.T) {
	s := newServer(t, trusting+"policy: {token: {calls: 1000000, records: 100000000}}")
	v := &steadyVisitors{server: s, tokens: s.tokens(8)}
	v.during(func() { time.Sleep(time.Second) })
	p50, p99 := v.latencies()
	memory := s.memory()
	t.Logf("%-20s visitors p50 %v, p99 %v, %d MB", "no flood", p50, p99, memory)
	length := time.Duration(sized(2, 60)) * time.Second
	maxP50, maxP99 := 5*time.Second, 10*time.Second // other programs may use the processors
	if *hard {
		maxP50, maxP99 = 100*time.Millisecond, time.Second
	}
	for _, f := range s.floods() {
		var sent int64
		v.during(func() { sent = s.sendFlood(f, length) })
		p50, p99 := v.latencies()
		now := s.memory()
		t.Logf("%-20s visitors p50 %v, p99 %v, %d MB, %d requests/s", f.name, p50, p99, now, sent/int64(length.Seconds()))
		if p50 > maxP50 || p99 > maxP99 {
			t.Errorf("%s: the median of the visitors is %v, p99 is %v; want at most %v and %v", f.name, p50, p99, maxP50, maxP99)
		}
		if now-memory > 200 {
			t.Errorf("%s: the memory grew from %d to %d MB", f.name, memory, now)
		}
		if sent == 0 {
			t.Errorf("%s: nothing was sent", f.name)
		}
	}
	for i, token := range v.tokens {
		if calls := s.show(token).Calls; int64(calls) != v.answered[i].Load() {
			t.Errorf("visitor %d: %d calls counted, %d answered", i, calls, v.answered[i].Load())
		}
	}
}

// floods returns the kinds of floods.
func (s *server) floods() []flood {
	valid := s.tokens(1)[0]
	const host = "Host: a\r\n"
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\n" + host + "\r\n" }
	oauth := func(secret, form string) string {
		basic := base64.StdEncoding.EncodeToString([]byte("acme:" + secret))
		return fmt.Sprintf("POST /oauth/token HTTP/1.1\r\n%sAuthorization: Basic %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", host, basic, len(form), form)
	}
	unused := s.manyTokens(100 * sized(30, 1000))
	return []flood{
		{"malformed tokens", []int{200, 401, 404}, 64, false, func(n int) string { return get(invalidPath(valid, n)) }},
		{"new tokens", []int{200}, 16, false, func(int) string { return oauth(s.secret, "grant_type=client_credentials&count=100") }},
		{"first calls", []int{200, 401}, 64, false, func(n int) string {
			return "GET /v1/items/i1?client_id=acme&access_token=" + unused[n%len(unused)] + " HTTP/1.1\r\n" + host + fmt.Sprintf("X-Forwarded-For: 10.%d.%d.%d\r\n\r\n", n>>16&255, n>>8&255, n&255)
		}},
		{"wrong secrets", []int{401}, 64, false, func(n int) string { return oauth(fmt.Sprint("stile_wrong-", n), "grant_type=client_credentials") }},
		{"pictures", []int{404}, 64, false, func(n int) string {
			return get(fmt.Sprintf("/v1/challenges/%043d/picture.png", n))
		}},
		{"unknown routes", []int{404}, 64, false, func(n int) string { return get(fmt.Sprint("/v1/", n, "/x")) }},
		{"new connections", []int{401}, 64, true, func(int) string { return get("/v1/items?client_id=acme") }},
	}
}

// manyTokens obtains n tokens, 100 in a request.
func (s *server) manyTokens(n int) (all []string) {
	s.t.Helper()
	for len(all) < n {
		req, err := http.NewRequest("POST", s.URL+"/oauth/token", strings.NewReader("grant_type=client_credentials&count=100"))
		s.must(err)
		req.SetBasicAuth("acme", s.secret)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := s.client.Do(req)
		s.must(err)
		text, err := io.ReadAll(res.Body)
		s.must(err)
		res.Body.Close()
		_, list, _ := strings.Cut(string(text), `"access_tokens":["`)
		list, _, _ = strings.Cut(list, `"]`)
		if strings.Count(list, `","`) != 99 {
			s.t.Fatalf("not 100 tokens: %.200s", text)
		}
		all = append(all, strings.Split(list, `","`)...)
	}
	return all
}

// sendFlood sends requests of a flood for a time, and returns how many were answered.
func (s *server) sendFlood(f flood, length time.Duration) int64 {
	var next, answered atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(length)
	for range f.conns {
		wg.Go(func() {
			c := s.newConn()
			defer c.close()
			for time.Now().Before(end) {
				status, err := c.exchange(f.request(int(next.Add(1))))
				if err != nil || !slices.Contains(f.status, status) {
					s.t.Errorf("%s: status %d, want one of %v, %v", f.name, status, f.status, err)
					return
				}
				answered.Add(1)
				if f.closing {
					c.close()
				}
			}
		})
	}
	wg.Wait()
	return answered.Load()
}

// exchange sends a complete request and returns the status of its response.
func (c *conn) exchange(request string) (int, error) {
	if err := c.open(); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(c.net, request); err != nil {
		return 0, err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	if res.Close {
		c.close()
	}
	return res.StatusCode, err
}

// steadyVisitors call at a steady pace, each with a token and from an address of its own.
type steadyVisitors struct {
	*server
	tokens   []string
	answered [8]atomic.Int64
	mu       sync.Mutex
	took     []time.Duration
}

// during lets the visitors call while fn runs.
func (v *steadyVisitors) during(fn func()) {
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range v.tokens {
		wg.Go(func() {
			for next := time.Now(); !stop.Load(); next = next.Add(50 * time.Millisecond) {
				time.Sleep(time.Until(next))
				v.call(i, next)
			}
		})
	}
	fn()
	stop.Store(true)
	wg.Wait()
}

// call measures from the time that the call was due, so that a slow call counts for those that it
// delays.
func (v *steadyVisitors) call(i int, due time.Time) {
	a, err := v.get("/v1/items/i1", v.tokens[i], addressOf(i))
	if err != nil || a.code() != "" {
		v.t.Errorf("visitor %d: %q, %v", i, a.code(), err)
		return
	}
	v.answered[i].Add(1)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.took = append(v.took, time.Since(due))
}

// latencies returns the median and the 99th percentile since it was last called.
func (v *steadyVisitors) latencies() (p50, p99 time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	defer func() { v.took = nil }()
	return quantile(v.took, .5).Round(10 * time.Microsecond), quantile(v.took, .99).Round(10 * time.Microsecond)
}
