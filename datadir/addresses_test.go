package datadir

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/settings"
	"stile.example/stile/tokens"
)

// openDir opens a data directory where an address may bind one token.
func openDir(t *testing.T) *Dir {
	t.Helper()
	s, err := settings.Load(settings.Source{Flags: map[string]string{"data": t.TempDir(), "policy.address.bindings": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), s, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// TestAddressChecker checks the translation of every status. An unknown status is a block.
func TestAddressChecker(t *testing.T) {
	for status, want := range map[addresses.Status]tokens.AddressVerdict{
		addresses.Blocked:    {Blocked: true},
		addresses.Clear:      {},
		addresses.Crowded:    {Kind: tokens.Work},
		addresses.Suspicious: {Kind: tokens.Picture},
		99:                   {Blocked: true},
	} {
		v := addresses.Verdict{Status: status, Allowance: 7}
		if status != addresses.Clear {
			v.Level, v.Limit, v.Seen, v.OverRecords = 2, 3, 4, true
			want.Limit, want.Seen, want.OverRecords = 3, 4, true
		}
		if !want.Blocked {
			want.Level, want.Allowance = v.Level, v.Allowance
		}
		if got := addressVerdict(v); got != want {
			t.Errorf("status %d: %+v, want %+v", status, got, want)
		}
	}
	d := openDir(t)
	n, at := d.Gate.Addresses, time.Now()
	from := netip.MustParseAddr("203.0.113.9")
	bound := func(isNew bool) tokens.Kind {
		t.Helper()
		c, err := n.Check(t.Context(), tokens.AddressUse{From: from, Tenant: 1, At: at, NewBinding: isNew, Records: 1})
		if err != nil {
			t.Fatal(err)
		}
		return c.Kind
	}
	for _, isNew := range []bool{true, false, false} { // only the first one is a binding
		if got := bound(isNew); got != tokens.NoKind {
			t.Errorf("within its budget: %v", got)
		}
	}
	if got := bound(true); got != tokens.Work {
		t.Errorf("over it: %v", got)
	}
	if err := n.ChallengeSolved(t.Context(), tokens.AddressChallenge{From: from, Tenant: 1, At: at}); err != nil {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := n.Check(gone, tokens.AddressUse{From: from, Tenant: 1, At: at, NewBinding: true, Records: 1}); err == nil && !c.Blocked && c.Kind == tokens.NoKind {
		t.Errorf("a fault admits: %+v", c)
	}
}
