package storetest

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// spend makes calls by a tenant's token, with two records each.
func spend(t *testing.T, s Store, id tokens.ID, tenant uint32, at time.Time, route tokens.Route, calls int) {
	t.Helper()
	g := tokens.Gate{Store: s}
	p := allowed(1000)
	for range calls {
		c := callFrom(netip.MustParseAddr("2001:db8::"))
		c.Tenant, c.At, c.Route = tenant, at, route
		if v, err := g.Apply(t.Context(), id, p, c); err != nil || v.Outcome != tokens.Admit {
			t.Fatalf("%+v, %v", v, err)
		}
	}
}

func wantUsage(t *testing.T, s Store, tenant, from, to string, want ...usage.Line) {
	t.Helper()
	got, err := s.Usage(t.Context(), tenant, from, to)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("usage of %q from %q to %q:\ngot  %+v, %v\nwant %+v", tenant, from, to, got, err, want)
	}
}

var (
	aItems = usage.Line{Tenant: "a", Day: "2026-03-01", Route: "items", Calls: 7, Records: 14}
	aItem  = usage.Line{Tenant: "a", Day: "2026-03-02", Route: "item", Calls: 2, Records: 4}
	bItems = usage.Line{Tenant: "b", Day: "2026-03-01", Route: "items", Calls: 1, Records: 2}
)

// threeLines makes the calls that the three lines above count.
func threeLines(t *testing.T, s Store) {
	t.Helper()
	a, b := add(t, s, "a"), add(t, s, "b")
	spend(t, s, tokens.ID{1}, a.Number, noon, tokens.Items, 3)
	spend(t, s, tokens.ID{2}, a.Number, noon, tokens.Items, 4)
	spend(t, s, tokens.ID{3}, b.Number, noon, tokens.Items, 1)
	spend(t, s, tokens.ID{2}, a.Number, noon.Add(13*time.Hour), tokens.Item, 2)
}

func usageAtOnce(t *testing.T, open func() Store) {
	s := with(t, open)
	a := add(t, s, "a")
	for n := 1; n <= 20; n++ {
		spend(t, s, tokens.ID{byte(n % 3)}, a.Number, noon, tokens.Related, 1)
		wantUsage(t, s, "", "", "", usage.Line{Tenant: "a", Day: "2026-03-01", Route: "related", Calls: int64(n), Records: 2 * int64(n)})
	}
}

func usageBounds(t *testing.T, open func() Store) {
	s := with(t, open)
	threeLines(t, s)
	wantUsage(t, s, "", "", "", aItems, aItem, bItems)
	wantUsage(t, s, "a", "", "", aItems, aItem)
	wantUsage(t, s, "a", "2026-03-02", "", aItem)
	wantUsage(t, s, "", "", "2026-03-01", aItems, bItems)
	wantUsage(t, s, "", "2026-03-01", "2026-03-02", aItems, aItem, bItems)
	wantUsage(t, s, "", "2026-03-03", "")
	wantUsage(t, s, "nobody", "", "")
	if _, err := s.Usage(t.Context(), "", "yesterday", ""); err == nil {
		t.Error("yesterday is accepted as a day")
	}
}

func usageSwept(t *testing.T, open func() Store) {
	s := open()
	threeLines(t, s)
	closed(t, s) // a store need not sweep a token that was just used
	s = open()
	for range 2 {
		if err := s.Sweep(t.Context(), noon.Add(100*time.Hour)); err != nil {
			t.Fatal(err)
		}
		wantUsage(t, s, "", "", "", aItems, aItem, bItems)
		wantUsage(t, s, "b", "2026-03-01", "2026-03-01", bItems)
	}
	if got := read(t, s, tokens.ID{1}); got != (tokens.State{}) {
		t.Errorf("not removed: %+v", got)
	}
	closed(t, s)
	wantUsage(t, with(t, open), "", "", "", aItems, aItem, bItems)
}

func usageOfRemoved(t *testing.T, open func() Store) {
	s := with(t, open)
	threeLines(t, s)
	if err := s.RemoveTenant(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, s, "a", "", "", aItems, aItem)
	again := add(t, s, "a")
	spend(t, s, tokens.ID{9}, again.Number, noon, tokens.Items, 1)
	more := aItems
	more.Calls, more.Records = 8, 16
	wantUsage(t, s, "", "", "", more, aItem, bItems)
}

// usageClock sweeps a day too early, as if the clock were wrong by a day. The tokens must stay,
// since the clock may be set back.
func usageClock(t *testing.T, open func() Store) {
	s := open()
	threeLines(t, s)
	closed(t, s)
	s = with(t, open)
	if err := s.Sweep(t.Context(), noon.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, tokens.ID{1}); got.Used.Total().Calls != 3 {
		t.Errorf("a token that expired a day ago: %+v", got)
	}
}
