package e2e

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// tally counts answers by code, "" for those with data, from many goroutines.
type tally struct {
	mu    sync.Mutex
	codes map[string]int
}

func (c *tally) add(a answer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes == nil {
		c.codes = map[string]int{}
	}
	if err != nil {
		c.codes["no answer: "+err.Error()]++
		return
	}
	c.codes[a.code()]++
}

func (c *tally) want(t *testing.T, want map[string]int) {
	t.Helper()
	if fmt.Sprint(c.codes) != fmt.Sprint(want) {
		t.Errorf("answers by code %v, want %v", c.codes, want)
	}
}

// TestExactlyItsCalls: 90 calls at once on a token of 30.
func TestExactlyItsCalls(t *testing.T) {
	s := newSite(t, trusting+"policy: {token: {calls: 30}}")
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
		t.Errorf("%d calls charged", n)
	}
}

// TestTwoFirstCalls: two first calls at once from two addresses are never both
// answered, in 1,000 tries.
func TestTwoFirstCalls(t *testing.T) {
	s := newSite(t, trusting)
	var wg sync.WaitGroup
	var both, none atomic.Int32
	work := make(chan string)
	for range 8 {
		wg.Go(func() {
			for token := range work {
				switch s.answered(token, "192.0.2.1", "203.0.113.9") {
				case 0:
					none.Add(1)
				case 2:
					both.Add(1)
				}
			}
		})
	}
	for _, token := range s.tokens(1000) {
		work <- token
	}
	close(work)
	wg.Wait()
	if both.Load() != 0 || none.Load() != 0 {
		t.Errorf("of 1,000 pairs of first calls, %d were both answered, %d not at all", both.Load(), none.Load())
	}
}

// answered makes one call from each address at once, and counts the answers.
func (s *site) answered(token string, from ...string) int {
	var wg sync.WaitGroup
	var got tally
	for _, addr := range from {
		wg.Go(func() { got.add(s.get("/v1/items/i1", token, addr)) })
	}
	wg.Wait()
	if got.codes[""]+got.codes["token_hijacked"] != len(from) {
		s.t.Errorf("answers by code: %v", got.codes)
	}
	return got.codes[""]
}

// TestS3BoundOnce: 64 first calls at once from 64 addresses; 200 tokens, 200
// winners.
func TestS3BoundOnce(t *testing.T) {
	s := newSite(t, trusting)
	addresses := make([]string, 64)
	for n := range addresses {
		addresses[n] = fmt.Sprintf("192.0.2.%d", n)
	}
	winners := 0
	for _, token := range s.tokens(200) {
		winners += s.answered(token, addresses...)
	}
	if winners != 200 {
		t.Errorf("%d winners", winners)
	}
}

// TestS2ExactUnderConcurrency: 256 clients send 60,000 calls with 50 tokens of
// 1,000 calls; 50,000 are answered, and no token has more than its own.
func TestS2ExactUnderConcurrency(t *testing.T) {
	s := newSite(t, trusting+"policy: {token: {calls: 1000, records: 1000000}}")
	tokens := s.tokens(50)
	const clients, each = 256, 235 // 60,160 calls
	answered := make([]atomic.Int32, len(tokens))
	var other tally
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for n := range each {
				i := (c*each + n) % len(tokens)
				a, err := s.get("/v1/items/i1", tokens[i], "192.0.2.1")
				if err == nil && a.code() == "" {
					answered[i].Add(1)
				} else {
					other.add(a, err)
				}
			}
		})
	}
	wg.Wait()
	for i := range answered {
		if n := answered[i].Load(); n != 1000 {
			t.Errorf("token %d was answered %d times", i, n)
		}
	}
	other.want(t, map[string]int{"token_exhausted": clients*each - 50_000})
	if n := s.charged(); n != 50_000 {
		t.Errorf("%d calls charged", n)
	}
}
