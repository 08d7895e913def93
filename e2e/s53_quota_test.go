package e2e

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestS53QuotaIsNotHeld: of a month with 30 calls left, refused calls hold none:
// twenty honest calls among a flood of refused ones are answered.
func TestS53QuotaIsNotHeld(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {spike: {calls: 1}, challenge: {ignored: 100}, address: {bindings: 1000}}")
	s.command("tenant", "set", "acme", "--calls-per-month", "100")
	for _, token := range s.tokens(70) {
		if a := s.mustGet("/v1/items/i1", token, "192.0.2.1"); a.code() != "" {
			t.Fatal(a.code())
		}
	}
	challenged := s.tokens(1)[0]
	s.mustGet("/v1/items/i1", challenged, "192.0.2.66") // 29 are left
	var flood sync.WaitGroup
	var refused atomic.Int64
	stop := make(chan struct{})
	for range 50 {
		flood.Go(func() {
			for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
				select {
				case <-stop:
					return
				default:
				}
				if a, err := s.get("/v1/items?q=item", challenged, "192.0.2.66"); err == nil && a.code() != "" {
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
	for n, token := range s.tokens(20) {
		a := s.mustGet("/v1/items/i1", token, "192.0.2.2")
		if a.code() != "" {
			t.Errorf("honest call %d: %s, retry after %v", n, a.code(), a.Error.RetryAfter)
		}
	}
	close(stop)
	flood.Wait()
	if got := s.charged(); got != 91 {
		t.Errorf("%d calls were charged, want 91", got)
	}
	for _, token := range s.tokens(9) {
		s.mustGet("/v1/items/i1", token, "192.0.2.2")
	}
	if a := s.mustGet("/v1/items/i1", s.tokens(1)[0], "192.0.2.2"); a.code() != "tenant_exhausted" {
		t.Errorf("the call after the last one: %q", a.code())
	}
}
