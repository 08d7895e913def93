package e2e

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// tally counts responses by code ("" for those with data). It is for concurrent use.
type tally struct {
	mu    sync.Mutex
	codes map[string]int
}

func (c *tally) add(a response, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes == nil {
		c.codes = map[string]int{}
	}
	if err != nil {
		c.codes["no response: "+err.Error()]++
		return
	}
	c.codes[a.code()]++
}

func (c *tally) want(t *testing.T, want map[string]int) {
	t.Helper()
	if fmt.Sprint(c.codes) != fmt.Sprint(want) {
		t.Errorf("responses by code %v, want %v", c.codes, want)
	}
}

// TestCallLimitIsExact: of 90 simultaneous calls with a token that is limited to 30, exactly 30 are
// admitted.
func TestCallLimitIsExact(t *testing.T) {
	s := newServer(t, trusting+"policy: {token: {calls: 30}}")
	token := s.tokens(1)[0]
	var got tally
	var wg sync.WaitGroup
	for range 90 {
		wg.Go(func() { got.add(s.get("/v1/items/i1", token, "192.0.2.1")) })
	}
	wg.Wait()
	got.want(t, map[string]int{"": 30, "token_exhausted": 60})
	if v := s.show(token); v.Calls != 30 || v.Active || v.Reason != "token_exhausted" {
		t.Errorf("token show: %+v", v)
	}
	if n := s.charged(); n != 30 {
		t.Errorf("%d calls were charged, want 30", n)
	}
}

// TestTwoFirstCalls: of two simultaneous first calls from two addresses, exactly one is admitted,
// in 1,000 attempts.
func TestTwoFirstCalls(t *testing.T) {
	s := newServer(t, trusting)
	var wg sync.WaitGroup
	var both, none atomic.Int32
	pending := make(chan string)
	for range 8 {
		wg.Go(func() {
			for token := range pending {
				switch s.admitted(token, "192.0.2.1", "203.0.113.9") {
				case 0:
					none.Add(1)
				case 2:
					both.Add(1)
				}
			}
		})
	}
	for _, token := range s.tokens(1000) {
		pending <- token
	}
	close(pending)
	wg.Wait()
	if both.Load() != 0 || none.Load() != 0 {
		t.Errorf("of 1,000 pairs of first calls, both were admitted in %d, and none in %d", both.Load(), none.Load())
	}
}

// admitted makes one call from each address simultaneously, and counts the admitted ones.
func (s *server) admitted(token string, from ...string) int {
	var wg sync.WaitGroup
	var got tally
	for _, addr := range from {
		wg.Go(func() { got.add(s.get("/v1/items/i1", token, addr)) })
	}
	wg.Wait()
	if got.codes[""]+got.codes["token_hijacked"] != len(from) {
		s.t.Errorf("responses by code: %v", got.codes)
	}
	return got.codes[""]
}

// TestS3BoundOnce: of 64 simultaneous first calls from 64 addresses, exactly one is admitted, for
// each of 200 tokens.
func TestS3BoundOnce(t *testing.T) {
	s := newServer(t, trusting)
	addresses := make([]string, 64)
	for n := range addresses {
		addresses[n] = fmt.Sprintf("192.0.2.%d", n)
	}
	admitted := 0
	for _, token := range s.tokens(200) {
		admitted += s.admitted(token, addresses...)
	}
	if admitted != 200 {
		t.Errorf("%d first calls of 200 tokens were admitted", admitted)
	}
}

// TestS2ExactUnderConcurrency: 256 clients send 60,160 calls with 50 tokens, each of which is
// limited to 1,000 calls. Exactly 1,000 calls of each token are admitted.
func TestS2ExactUnderConcurrency(t *testing.T) {
	s := newServer(t, trusting+"policy: {token: {calls: 1000, records: 1000000}}")
	tokens := s.tokens(50)
	const clients, each = 256, 235 // 60,160 calls
	admitted := make([]atomic.Int32, len(tokens))
	var other tally
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for n := range each {
				i := (c*each + n) % len(tokens)
				a, err := s.get("/v1/items/i1", tokens[i], "192.0.2.1")
				if err == nil && a.code() == "" {
					admitted[i].Add(1)
				} else {
					other.add(a, err)
				}
			}
		})
	}
	wg.Wait()
	for i := range admitted {
		if n := admitted[i].Load(); n != 1000 {
			t.Errorf("%[2]d calls of token %[1]d were admitted, want 1,000", i, n)
		}
	}
	other.want(t, map[string]int{"token_exhausted": clients*each - 50_000})
	if n := s.charged(); n != 50_000 {
		t.Errorf("%d calls were charged, want 50,000", n)
	}
}
