package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// introspector is an introspection endpoint that takes 20 ms to respond. A token that begins with
// "valid" is active.
type introspector struct {
	*httptest.Server
	invalid atomic.Int64 // requests about invalid tokens
}

func newIntrospector(t *testing.T) *introspector {
	i := &introspector{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/introspect" {
			http.NotFound(w, r)
			return
		}
		token := r.PostFormValue("token")
		time.Sleep(20 * time.Millisecond)
		if !strings.HasPrefix(token, "valid") {
			i.invalid.Add(1)
			io.WriteString(w, `{"active":false}`)
			return
		}
		now := time.Now().Unix()
		fmt.Fprintf(w, `{"active":true,"client_id":"app","aud":"stile","jti":%q,"iat":%d,"exp":%d}`, token, now, now+600)
	}))
	t.Cleanup(i.Close)
	return i
}

// callOpaque makes a call with an opaque token from an address. It returns the code of the refusal,
// or "", and whether the response has Retry-After.
func (s *server) callOpaque(token, from string) (code string, hasRetry bool) {
	req, err := http.NewRequest("GET", s.URL+"/v1/items/i1?"+url.Values{"client_id": {"acme"}, "access_token": {token}}.Encode(), nil)
	if err != nil {
		return err.Error(), false
	}
	req.Header.Set("X-Forwarded-For", from)
	res, err := s.client.Do(req)
	if err != nil {
		return err.Error(), false
	}
	defer res.Body.Close()
	var a response
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return err.Error(), false
	}
	return a.code(), res.Header.Get("Retry-After") != ""
}

// TestS59OpaqueFlood: invalid opaque tokens from one address, and then from 60 more, cause no
// refusal of a visitor with a valid token. One address causes at most 5 introspections a minute.
// Its other invalid tokens are refused as overloaded.
func TestS59OpaqueFlood(t *testing.T) {
	i := newIntrospector(t)
	program := unstarted(t, "")
	s := &server{t: t, Server: program, client: newClient()}
	s.write("introspection", "s3cret")
	program.Settings = trusting + fmt.Sprintf("issuers:\n  - issuer: %s\n    audience: [stile]\n    clients: {app: acme}\n"+
		"    introspection: {url: %s/introspect, client_id: stile, client_secret_file: introspection}\n", i.URL, i.URL)
	s.must(s.Start())
	t.Cleanup(func() { s.Kill() })
	s.fillCorpus()
	for _, c := range []struct {
		addresses int
		limit     int64 // of introspections of invalid tokens
	}{{1, 5}, {60, 5 + 60*5}} {
		var f opaqueFlood
		start := time.Now()
		end := start.Add(3 * time.Second)
		var flood sync.WaitGroup
		for worker := range 16 {
			flood.Go(func() { f.send(s, c.addresses, worker, end) })
		}
		admitted, refused := s.visitOpaque(c.addresses, end)
		flood.Wait()
		made := i.invalid.Load()
		rate := float64(made) / time.Since(start).Seconds()
		t.Logf("%d addresses: %d invalid tokens, %d introspections so far (%.1f a second), %d overloaded; valid tokens: %d admitted, refused: %v",
			c.addresses, f.sent.Load(), made, rate, f.overloaded.Load(), admitted, refused)
		if len(refused) > 0 || admitted < 20 || made > c.limit || c.addresses == 1 && rate > 10 {
			t.Errorf("valid tokens: %d admitted, refused: %v; introspections of invalid ones: %d, want at most %d", admitted, refused, made, c.limit)
		}
		f.check(t)
	}
}

// opaqueFlood counts the responses to invalid opaque tokens.
type opaqueFlood struct {
	sent, invalid, overloaded, noRetry, other atomic.Int64
}

// send sends up to 5,000 invalid tokens, each once, until end.
func (f *opaqueFlood) send(s *server, addresses, worker int, end time.Time) {
	for n := 0; time.Now().Before(end) && n < 5000; n++ {
		from := fmt.Sprintf("203.0.113.%d", 100+(worker+n)%addresses)
		code, hasRetry := s.callOpaque(fmt.Sprintf("invalid-%d-%d-%d", addresses, worker, n), from)
		f.sent.Add(1)
		switch code {
		case "token_invalid":
			f.invalid.Add(1)
		case "overloaded":
			f.overloaded.Add(1)
			if !hasRetry {
				f.noRetry.Add(1)
			}
		default:
			f.other.Add(1)
		}
	}
}

func (f *opaqueFlood) check(t *testing.T) {
	t.Helper()
	if f.other.Load() > 0 || f.noRetry.Load() > 0 || f.overloaded.Load() == 0 || f.invalid.Load() == 0 {
		t.Errorf("invalid tokens: %d token_invalid, %d overloaded, of which %d without Retry-After, %d other",
			f.invalid.Load(), f.overloaded.Load(), f.noRetry.Load(), f.other.Load())
	}
}

// visitOpaque makes calls with valid tokens until end: 4 visitors at a time, who call twice each.
// It returns the number of admitted calls, and of refused calls by code.
func (s *server) visitOpaque(addresses int, end time.Time) (admitted int, refused map[string]int) {
	var visitors sync.WaitGroup
	var mu sync.Mutex
	refused = map[string]int{}
	for n := 0; time.Now().Before(end); n++ {
		for v := range 4 {
			visitors.Go(func() {
				for range 2 {
					code, _ := s.callOpaque(fmt.Sprintf("valid-%d-%d-%d", addresses, n, v), fmt.Sprintf("198.51.%d.%d", n%250, v+addresses))
					mu.Lock()
					if code == "" {
						admitted++
					} else {
						refused[code]++
					}
					mu.Unlock()
				}
			})
		}
		visitors.Wait()
	}
	return admitted, refused
}
