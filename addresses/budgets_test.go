package addresses_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	. "stile.example/stile/addresses"
)

// memScopes is a store of scopes for [Policy.Apply].
type memScopes map[Scope]State

func (m memScopes) step(s Scope, p Policy, e Event) (v Verdict, err error) {
	m[s], v = Step(m[s], p, e)
	return v, nil
}

func (m memScopes) apply(t *testing.T, p Policy, a string, tenant uint32, e Event) Verdict {
	t.Helper()
	v, err := p.Apply(netip.MustParseAddr(a), tenant, e, m.step)
	if err != nil {
		t.Fatal(err)
	}
	if b, isBind := e.(Bind); isBind && (v.Status == Crowded || v.Status == Suspicious) {
		// The token's step issues a challenge.
		m.apply(t, p, a, tenant, Issued{b.At, v.Shared})
	}
	return v
}

var budgets = Policy{Bindings: 25, Per: time.Hour, Records: 375, SolveRatio: 0.2, Block: []time.Duration{time.Hour, 4 * time.Hour}}

// TestS50TenantsHarmOnlyThemselves checks that, whatever the tokens of one tenant do at an address,
// the address is at most crowded for those of another tenant.
func TestS50TenantsHarmOnlyThemselves(t *testing.T) {
	w := memScopes{}
	for n := range 2000 {
		v := w.apply(t, budgets, "192.0.2.1", 1, Bind{At: midnight.Add(time.Duration(n) * time.Second), Records: 20})
		if n > 60 && n < 3600 && v.Status != Blocked {
			t.Fatalf("binding %d of the hostile tenant: %v", n, v.Status)
		}
	}
	at := midnight.Add(2001 * time.Second)
	for n := range 25 {
		if v := w.apply(t, budgets, "192.0.2.1", 2, Bind{At: at, Records: 20}); v.Status != Crowded || !v.Shared || v.Allowance != 100 {
			t.Fatalf("binding %d of another tenant, with the records of the day used up: %+v", n, v)
		}
	}
	unlimited := budgets
	unlimited.Records = 0
	w = memScopes{}
	for range 60 {
		w.apply(t, unlimited, "192.0.2.1", 1, Bind{At: midnight})
	}
	for n := range 25 {
		if v := w.apply(t, unlimited, "192.0.2.1", 2, Bind{At: midnight}); v.Status != Clear || v.Allowance != 0 {
			t.Fatalf("binding %d of another tenant: %+v", n, v)
		}
	}
}

// TestS50SharedBudgetsNeverBlock checks that challenges because of a shared budget never lead to a
// block or to a picture, however few are solved.
func TestS50SharedBudgetsNeverBlock(t *testing.T) {
	w := memScopes{}
	for n := range 300 {
		at := midnight.Add(time.Duration(n) * 5 * time.Minute)
		v := w.apply(t, budgets, "192.0.2.1", uint32(1+n%10), Bind{At: at, Records: 50})
		if v.Status != Clear && v.Status != Crowded {
			t.Fatalf("binding %d: %v", n, v.Status)
		}
		if n > 10 && v.Status != Crowded {
			t.Fatalf("binding %d: %v", n, v.Status)
		}
	}
}

// TestS56Networks checks that the /56 and the /48 around IPv6 addresses have 8 and 32 times the
// budgets of an address, and become crowded at most.
func TestS56Networks(t *testing.T) {
	for name, c := range map[string]struct {
		address func(n int) string
		records uint32 // delivered without a challenge in a day
	}{
		"one /64":          {func(int) string { return "2001:db8::" }, 375},
		"26 /64s, one /56": {func(n int) string { return fmt.Sprintf("2001:db8:0:%x::", n%26) }, 8 * 375},
		"a whole /56":      {func(n int) string { return fmt.Sprintf("2001:db8:0:%x::", n%256) }, 8 * 375},
		"a whole /48":      {func(n int) string { return fmt.Sprintf("2001:db8:0:%x::", n*257%65536) }, 32 * 375},
		"two /48s":         {func(n int) string { return fmt.Sprintf("2001:db8:%x:%x::", n%2, n*257%65536) }, 64 * 375},
		"IPv4":             {func(n int) string { return fmt.Sprintf("192.0.%d.%d", n%2, n/2%8) }, 16 * 375},
	} {
		w, delivered := memScopes{}, uint32(0)
		for n := range 20_000 {
			at := midnight.Add(time.Duration(n) * 4 * time.Second)
			tenant := uint32(1 + n%3) // of three tenants, so that bindings matter less
			v := w.apply(t, budgets, c.address(n), tenant, Bind{At: at, Records: 5})
			if v.Status == Clear {
				delivered += v.Allowance
			}
			if v.Shared && v.Status != Crowded && v.Status != Clear {
				t.Fatalf("%s: the status of a network is %v", name, v.Status)
			}
		}
		if delivered > c.records || delivered < c.records/2 {
			t.Errorf("%s: %d records without a challenge, want at most %d, and at least half of that", name, delivered, c.records)
		}
	}
}

// TestS56Bindings checks that the bindings of one tenant count in the networks too.
func TestS56Bindings(t *testing.T) {
	w, clear := memScopes{}, 0
	for n := range 2000 {
		v := w.apply(t, budgets, fmt.Sprintf("2001:db8:0:%x::", n*257%65536), 1, Bind{At: midnight, Records: 1})
		switch v.Status {
		case Clear:
			clear++
		case Crowded:
		default:
			t.Fatalf("binding %d: %v", n, v.Status)
		}
	}
	if clear != 32*25 {
		t.Errorf("%d bindings of a /48 were clear, want %d", clear, 32*25)
	}
}

// TestAllowedWithinANetwork checks that an allowed /64 with a budget of its own does not count in
// the networks around it, and that an allowed /48 has the budget of its own.
func TestAllowedWithinANetwork(t *testing.T) {
	for r, want := range map[string]Status{"2001:db8::/64": Clear, "2001:db8::/48": Clear} {
		s := newMemStore()
		b := open(t, s, budgets)
		if err := b.Put(t.Context(), Entry{Range: netip.MustParsePrefix(r), Kind: Allow, Bindings: 5000}); err != nil {
			t.Fatal(err)
		}
		for n := range 2000 {
			v, err := b.Apply(t.Context(), netip.MustParseAddr("2001:db8::"), 1, midnight, Bind{At: midnight, Records: 1})
			if err != nil || v.Status != want {
				t.Fatalf("%s: binding %d: %v, %v", r, n, v.Status, err)
			}
		}
	}
}

// TestRangesThatEmbed checks that an IPv6 address that embeds an IPv4 address is listed as IPv4,
// and that a wider range of such addresses is an error.
func TestRangesThatEmbed(t *testing.T) {
	for in, want := range map[string]string{"64:ff9b::203.0.113.9": "203.0.113.9/32", "2002:cb00:7109::/128": "203.0.113.9/32"} {
		if got, err := ParseRange(in); err != nil || got.String() != want {
			t.Errorf("ParseRange(%s) = %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"2002::/16", "64:ff9b::/96", "2002:cb00:7109::/48", "2001::/32"} {
		if got, err := ParseRange(in); err == nil {
			t.Errorf("ParseRange(%s) = %v, which would match no address", in, got)
		}
	}
}
