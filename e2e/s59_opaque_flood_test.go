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

// desk is an introspection endpoint that takes 20 ms for an answer. A token
// that begins with "good" is active.
type desk struct {
	*httptest.Server
	made atomic.Int64 // questions about made-up tokens
}

func newDesk(t *testing.T) *desk {
	d := &desk{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/introspect" {
			http.NotFound(w, r)
			return
		}
		token := r.PostFormValue("token")
		time.Sleep(20 * time.Millisecond)
		if !strings.HasPrefix(token, "good") {
			d.made.Add(1)
			io.WriteString(w, `{"active":false}`)
			return
		}
		now := time.Now().Unix()
		fmt.Fprintf(w, `{"active":true,"client_id":"app","aud":"stile","jti":%q,"iat":%d,"exp":%d}`, token, now, now+600)
	}))
	t.Cleanup(d.Close)
	return d
}

// opaque sends a call with a token from an address, and returns the code of
// the refusal, or "".
func (s *site) opaque(token, from string) (code string, retry bool) {
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
	var a answer
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return err.Error(), false
	}
	return a.code(), res.Header.Get("Retry-After") != ""
}

// TestS59_OpaqueFlood: made-up opaque tokens from one address, and then from 60
// more, refuse no visitor with a valid one. One address makes the server ask
// five times a minute, and its other made-up tokens are overloaded.
func TestS59_OpaqueFlood(t *testing.T) {
	d := newDesk(t)
	server := newServer(t, "")
	s := &site{t: t, Server: server, client: newClient()}
	s.write("introspection", "s3cret")
	server.Settings = trusting + fmt.Sprintf("issuers:\n  - issuer: %s\n    audience: [stile]\n    clients: {app: acme}\n"+
		"    introspection: {url: %s/introspect, client_id: stile, client_secret_file: introspection}\n", d.URL, d.URL)
	s.must(s.Start())
	t.Cleanup(func() { s.Kill() })
	s.fillCorpus()
	for _, c := range []struct {
		addresses int
		most      int64 // questions about made-up tokens
	}{{1, 5}, {60, 5 + 60*5}} {
		var sent, invalid, busy, noRetry, other atomic.Int64
		var flood, visitors sync.WaitGroup
		start := time.Now()
		end := start.Add(3 * time.Second)
		for worker := range 16 {
			flood.Go(func() {
				for n := 0; time.Now().Before(end) && n < 5000; n++ {
					from := fmt.Sprintf("203.0.113.%d", 100+(worker+n)%c.addresses)
					code, retry := s.opaque(fmt.Sprintf("made-%d-%d-%d", c.addresses, worker, n), from)
					sent.Add(1)
					switch code {
					case "token_invalid":
						invalid.Add(1)
					case "overloaded":
						busy.Add(1)
						if !retry {
							noRetry.Add(1)
						}
					default:
						other.Add(1)
					}
				}
			})
		}
		refused := map[string]int{}
		good := 0
		for n := 0; time.Now().Before(end); n++ { // 4 visitors at a time, each calls twice
			var mu sync.Mutex
			for v := range 4 {
				visitors.Go(func() {
					for range 2 {
						code, _ := s.opaque(fmt.Sprintf("good-%d-%d-%d", c.addresses, n, v), fmt.Sprintf("198.51.%d.%d", n%250, v+c.addresses))
						mu.Lock()
						if good++; code != "" {
							refused[code]++
						}
						mu.Unlock()
					}
				})
			}
			visitors.Wait()
		}
		flood.Wait()
		made := d.made.Load()
		rate := float64(made) / time.Since(start).Seconds()
		t.Logf("%d addresses: %d made-up tokens, %d reached the endpoint by now (%.1f a second), %d overloaded; %d calls with valid tokens, refused: %v",
			c.addresses, sent.Load(), made, rate, busy.Load(), good, refused)
		if len(refused) > 0 || good < 20 || made > c.most || c.addresses == 1 && rate > 10 {
			t.Errorf("valid tokens refused: %v of %d; questions: %d", refused, good, made)
		}
		if other.Load() > 0 || noRetry.Load() > 0 || busy.Load() == 0 || invalid.Load() == 0 {
			t.Errorf("made-up tokens: %d invalid, %d overloaded of which %d without Retry-After, %d else", invalid.Load(), busy.Load(), noRetry.Load(), other.Load())
		}
	}
}
