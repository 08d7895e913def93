package addresses_test

import (
	"net/netip"
	"testing"
	"time"

	. "stile.example/stile/addresses"
)

// TestOnProposal checks that a registry reports a proposal for a permanent block when it begins,
// and not at the blocks that follow. After a lift, the next one is reported again.
func TestOnProposal(t *testing.T) {
	p := Policy{Bindings: 1, Per: time.Hour, Then: ThenBlock, Block: []time.Duration{time.Minute, time.Hour}}
	reg, err := OpenRegistry(t.Context(), newMemStore(), p)
	if err != nil {
		t.Fatal(err)
	}
	var proposed []State
	reg.OnProposal(func(s Scope, st State) {
		if s != OfTenant(netip.MustParseAddr("198.51.100.7"), 3) || !st.Propose {
			t.Errorf("%v %+v", s, st)
		}
		proposed = append(proposed, st)
	})
	at := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	block := func() {
		t.Helper()
		for range 3 {
			if _, err := reg.Apply(t.Context(), netip.MustParseAddr("198.51.100.7"), 3, at, Bind{At: at}); err != nil {
				t.Fatal(err)
			}
		}
		at = at.Add(3 * time.Hour)
	}
	for n, want := range []int{0, 1, 1, 1} {
		if block(); len(proposed) != want {
			t.Errorf("after %d blocks: %d proposals, want %d", n+1, len(proposed), want)
		}
	}
	if err := reg.Remove(t.Context(), netip.MustParsePrefix("198.51.100.7/32"), at); err != nil {
		t.Fatal(err)
	}
	if block(); len(proposed) != 1 {
		t.Error("the first block after a lift is proposed")
	}
	if block(); len(proposed) != 2 || proposed[1].LastStepBlocks != 1 {
		t.Errorf("after a lift: %+v", proposed)
	}
}
