package e2e

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestS53RefusedCallsHoldNoQuota: of a month with about 30 calls left, refused calls reserve none.
// 20 calls are admitted during a flood of refused ones.
func TestS53RefusedCallsHoldNoQuota(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {spike: {calls: 1}, challenge: {ignored: 100}, address: {bindings: 1000}}")
	s.command("tenant", "set", "acme", "--calls-per-month", "100")
	for _, token := range s.tokens(70) {
		if a := s.mustGet("/v1/items/i1", token, "192.0.2.1"); a.code() != "" {
			t.Fatal(a.code())
		}
	}
	challenged := s.tokens(1)[0]
	s.mustGet("/v1/items/i1", challenged, "192.0.2.66") // 29 are left
	stop := s.floodRefused(challenged, "192.0.2.66")
	for n, token := range s.tokens(20) {
		a := s.mustGet("/v1/items/i1", token, "192.0.2.2")
		if a.code() != "" {
			t.Errorf("call %d during the flood: %s, retry after %v", n, a.code(), a.Error.RetryAfter)
		}
	}
	stop()
	if got := s.charged(); got != 91 {
		t.Errorf("%d calls were charged, want 91", got)
	}
	for _, token := range s.tokens(9) {
		s.mustGet("/v1/items/i1", token, "192.0.2.2")
	}
	if a := s.mustGet("/v1/items/i1", s.tokens(1)[0], "192.0.2.2"); a.code() != "tenant_exhausted" {
		t.Errorf("a call over the quota: %q", a.code())
	}
}

// floodRefused calls from 50 clients with a token that is challenged. It returns once over 100
// calls were refused. The flood continues until stop is called, or for 20 s.
func (s *server) floodRefused(token, from string) (stop func()) {
	s.t.Helper()
	var flood sync.WaitGroup
	var refused atomic.Int64
	var stopped atomic.Bool
	deadline := time.Now().Add(20 * time.Second)
	for range 50 {
		flood.Go(func() {
			for time.Now().Before(deadline) && !stopped.Load() {
				if a, err := s.get("/v1/items?q=item", token, from); err == nil && a.code() != "" {
					refused.Add(1)
				}
			}
		})
	}
	s.until("flooded", func() string {
		if refused.Load() > 100 {
			return "flooded"
		}
		return ""
	})
	return func() {
		stopped.Store(true)
		flood.Wait()
	}
}
