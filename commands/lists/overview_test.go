package lists

import (
	"testing"

	"stile.example/stile/history"
)

// TestLatency checks that a period without calls has no latency, not one of 0 ms.
func TestLatency(t *testing.T) {
	if got := latency(history.Latency{}, 0); got != "no calls" {
		t.Errorf("without calls: %q", got)
	}
	if got := latency(history.Latency{Calls: 1}, 0.426); got != "0.43 ms" {
		t.Errorf("of a call: %q", got)
	}
}
