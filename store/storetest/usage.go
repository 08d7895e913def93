package storetest

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// spend makes calls by a tenant's token, with two records each.
func spend(t *testing.T, s Store, id tokens.ID, tenant uint32, at time.Time, route tokens.Route, calls int) {
	t.Helper()
	g := tokens.Gate{Store: s}
	p := Allowed(1000)
	for range calls {
		c := *callFrom(netip.MustParseAddr("2001:db8::"))
		c.Tenant, c.At, c.Route = tenant, at, route
		if v, err := g.Apply(t.Context(), id, p, &c); err != nil || v.Outcome != tokens.Admit {
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

// The days of the tests.
var today, tomorrow = usage.Day(noon), usage.Day(noon.AddDate(0, 0, 1))

var (
	aItems = usage.Line{Tenant: "a", Day: today, Route: "items", Calls: 7, Records: 14}
	aItem  = usage.Line{Tenant: "a", Day: tomorrow, Route: "item", Calls: 2, Records: 4}
	bItems = usage.Line{Tenant: "b", Day: today, Route: "items", Calls: 1, Records: 2}
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
		wantUsage(t, s, "", "", "", usage.Line{Tenant: "a", Day: today, Route: "related", Calls: int64(n), Records: 2 * int64(n)})
	}
}

// usageConcurrent makes calls by tokens old and new while others read usage and sweep. Each result
// has all calls that were answered before, and none that was not begun. At the end, usage is what
// the states count, token by token, and it is so after the store is opened again.
func usageConcurrent(t *testing.T, open func() Store) {
	s := open()
	a := add(t, s, "a")
	for n := range 40 { // swept below
		old := tokens.State{Tenant: a.Number, IssuedAt: noon.Unix() - 360_000, Expires: noon.Unix() - 270_000, Day: int32(noon.Unix()/86400) - 4}
		old.Used[0][tokens.Items] = tokens.Count{Calls: 2, Records: 4}
		write(t, s, tokens.ID{byte(n), 1}, old)
	}
	closed(t, s)
	s = open()
	const before, callers, each = 80, 8, 150
	var began, answered atomic.Int64
	var calls, wg sync.WaitGroup
	for c := range callers {
		calls.Add(1)
		go func() {
			defer calls.Done()
			for n := range each {
				began.Add(1)
				spend(t, s, tokens.ID{byte(c), byte(n % 7), 2}, a.Number, noon.Add(time.Duration(n/7%3)*9*time.Hour), tokens.Route(n%3), 1)
				answered.Add(1)
			}
		}()
	}
	wg.Go(func() {
		if err := s.Sweep(t.Context(), noon); err != nil {
			t.Error(err)
		}
	})
	for range 2 {
		wg.Go(func() {
			for !t.Failed() {
				least := before + answered.Load()
				lines, err := s.Usage(t.Context(), "", "", "")
				if got, most := total(lines), before+began.Load(); err != nil || got < least || got > most {
					t.Errorf("usage says %d calls, of %d answered and %d begun: %v", got, least, most, err)
					return
				}
				if least == before+callers*each {
					return
				}
			}
		})
	}
	calls.Wait()
	wg.Wait()
	lines, err := s.Usage(t.Context(), "", "", "")
	if err != nil {
		t.Fatal(err)
	}
	want := int64(0)
	for c := range callers {
		for n := range 7 {
			want += int64(read(t, s, tokens.ID{byte(c), byte(n), 2}).Used.Total().Calls)
		}
	}
	if total(lines) != before+want || want != callers*each {
		t.Errorf("usage says %d calls, and the states count %d", total(lines), want)
	}
	closed(t, s)
	wantUsage(t, with(t, open), "", "", "", lines...)
}

func total(lines []usage.Line) (calls int64) {
	for _, l := range lines {
		calls += l.Calls
	}
	return calls
}

func usageBounds(t *testing.T, open func() Store) {
	s := with(t, open)
	threeLines(t, s)
	wantUsage(t, s, "", "", "", aItems, aItem, bItems)
	wantUsage(t, s, "a", "", "", aItems, aItem)
	wantUsage(t, s, "a", tomorrow, "", aItem)
	wantUsage(t, s, "", "", today, aItems, bItems)
	wantUsage(t, s, "", today, tomorrow, aItems, aItem, bItems)
	wantUsage(t, s, "", usage.Day(noon.AddDate(0, 0, 2)), "")
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
		wantUsage(t, s, "b", today, today, bItems)
	}
	if got := read(t, s, tokens.ID{1}); got != (tokens.State{}) && !removesByClock(s) {
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
	// the new tenant may be another organisation
	newer, items, item := aItems, aItems, aItem
	newer.Calls, newer.Records = 1, 2
	items.Tenant, item.Tenant = "a~1", "a~1"
	wantUsage(t, s, "", "", "", newer, items, item, bItems)
	wantUsage(t, s, "a", "", "", newer)
	wantUsage(t, s, "a~1", "", "", items, item)
	wantUsage(t, s, "a~2", "", "")
	wantUsage(t, s, "a~", "", "")
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
