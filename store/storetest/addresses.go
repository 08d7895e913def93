package storetest

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"stile.example/stile/addresses"
)

// scopes differ in one field each.
var scopes = []addresses.Scope{
	{Range: netip.MustParsePrefix("192.0.2.1/32"), Tenant: 1}, {Range: netip.MustParsePrefix("192.0.2.1/32"), Tenant: 1 << 20},
	{Range: netip.MustParsePrefix("2001:db8::/64")}, {Range: netip.MustParsePrefix("2001:db8::/48")},
}

func readAddress(t *testing.T, s Store, a addresses.Scope) (got addresses.State) {
	t.Helper()
	err := s.UpdateAddress(t.Context(), a, func(s addresses.State) addresses.State { got = s; return s })
	if err != nil {
		t.Fatalf("read %v: %v", a, err)
	}
	return got
}

func writeAddress(t *testing.T, s Store, a addresses.Scope, state addresses.State) {
	t.Helper()
	err := s.UpdateAddress(t.Context(), a, func(addresses.State) addresses.State { return state })
	if err != nil {
		t.Fatalf("write %v: %v", a, err)
	}
}

func eachAddress(t *testing.T, s Store) map[addresses.Scope]addresses.State {
	t.Helper()
	all := map[addresses.Scope]addresses.State{}
	if err := s.EachAddress(t.Context(), func(a addresses.Scope, s addresses.State) { all[a] = s }); err != nil {
		t.Fatal(err)
	}
	return all
}

func addressUnseen(t *testing.T, open func() Store) {
	s := with(t, open)
	if got := readAddress(t, s, scopes[0]); got != (addresses.State{}) {
		t.Errorf("got %+v, want the zero State", got)
	}
	if all := eachAddress(t, s); len(all) != 0 {
		t.Errorf("stored %+v", all)
	}
}

func addressFields(t *testing.T, open func() Store) {
	s, n := open(), 0
	want := map[addresses.Scope]addresses.State{}
	for _, a := range scopes {
		var state addresses.State
		fill(t, reflect.ValueOf(&state).Elem(), &n)
		want[a] = state
		writeAddress(t, s, a, state)
		if got := readAddress(t, s, a); got != state {
			t.Errorf("got  %+v\nwant %+v", got, state)
		}
	}
	if all := eachAddress(t, s); !reflect.DeepEqual(all, want) {
		t.Errorf("each: got  %+v\nwant %+v", all, want)
	}
	closed(t, s)
	s = with(t, open)
	if all := eachAddress(t, s); !reflect.DeepEqual(all, want) {
		t.Errorf("opened again, each: got  %+v\nwant %+v", all, want)
	}
	for a, state := range want {
		if got := readAddress(t, s, a); got != state {
			t.Errorf("opened again: got  %+v\nwant %+v", got, state)
		}
	}
}

// addressZero: the zero State means that an address was never seen, and removes it.
func addressZero(t *testing.T, open func() Store) {
	s := open()
	writeAddress(t, s, scopes[0], addresses.State{Step: 1})
	writeAddress(t, s, scopes[1], addresses.State{Step: 1})
	writeAddress(t, s, scopes[1], addresses.State{})
	for range 2 {
		if all := eachAddress(t, s); len(all) != 1 || all[scopes[0]].Step != 1 {
			t.Errorf("stored %+v", all)
		}
		if got := readAddress(t, s, scopes[1]); got != (addresses.State{}) {
			t.Errorf("removed, but it is %+v", got)
		}
		closed(t, s)
		s = open()
	}
	closed(t, s)
}

func addressesCount(t *testing.T, open func() Store) {
	s := open()
	Concurrently(16, func(int) {
		for n := range 100 {
			err := s.UpdateAddress(context.Background(), scopes[n%4], func(s addresses.State) addresses.State { s.Bucket++; return s })
			if err != nil {
				t.Error(err)
			}
		}
	})
	closed(t, s)
	s = with(t, open)
	for a, state := range eachAddress(t, s) {
		if state.Bucket != 400 || readAddress(t, s, a) != state {
			t.Errorf("%v: %d updates counted of 400", a, state.Bucket)
		}
	}
}

func addressCancelled(t *testing.T, open func() Store) {
	s := with(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.UpdateAddress(ctx, scopes[0], func(s addresses.State) addresses.State { s.Step = 9; return s })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if got := readAddress(t, s, scopes[0]); got != (addresses.State{}) {
		t.Errorf("written with a cancelled context: %+v", got)
	}
}

// addressSwept: an address is removed when it has been clean for long enough: eight days, rounded
// up to an hour, and a margin for the clock of an engine. A permanent block is never removed.
func addressSwept(t *testing.T, open func() Store) {
	s := with(t, open)
	now, week := time.Now(), 7*24*time.Hour
	states := map[addresses.Scope]addresses.State{
		scopes[0]: {Bucket: 1},
		scopes[1]: {Until: now.Add(week).Unix()},
		scopes[2]: {Until: now.Unix(), Step: 2},
		scopes[3]: {Until: addresses.Forever},
	}
	for a, state := range states {
		writeAddress(t, s, a, state)
	}
	for _, sweep := range []struct {
		after time.Duration
		gone  []addresses.Scope
	}{
		{week, nil},
		{week + 26*time.Hour, scopes[:1]},
		{2*week + 23*time.Hour, scopes[:1]},
		{2*week + 26*time.Hour, scopes[:2]},
		{3*week + 23*time.Hour, scopes[:2]},
		{3*week + 26*time.Hour, scopes[:3]},
		{1000 * week, scopes[:3]},
	} {
		if err := s.Sweep(t.Context(), now.Add(sweep.after)); err != nil {
			t.Fatal(err)
		}
		all := eachAddress(t, s)
		for a, want := range states {
			if slices.Contains(sweep.gone, a) && !removesByClock(s) {
				want = addresses.State{}
			}
			if all[a] != want || readAddress(t, s, a) != want {
				t.Errorf("after %v: %v is %+v, want %+v", sweep.after, a, all[a], want)
			}
		}
	}
}

func entries(t *testing.T, s Store) []addresses.Entry {
	t.Helper()
	all, err := s.Entries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func addressList(t *testing.T, open func() Store) {
	s, n := open(), 0
	if all := entries(t, s); len(all) != 0 {
		t.Errorf("listed %+v", all)
	}
	var want []addresses.Entry
	for _, r := range []string{"9.0.0.0/8", "192.0.2.0/24", "192.0.2.0/25", "192.0.2.7/32", "2001:db8::/48", "2001:db8::/64"} {
		var e addresses.Entry
		e.Range = netip.MustParsePrefix(r)
		fillEntry(t, &e, &n)
		want = append(want, e)
	}
	want[1].Until, want[1].Reason, want[1].Bindings = time.Time{}, "", 0 // optional fields
	for _, e := range slices.Backward(want) {
		put(t, s, addresses.Entry{Range: e.Range, Kind: addresses.Allow, Reason: "replaced"})
		put(t, s, e)
	}
	if all := entries(t, s); !reflect.DeepEqual(all, want) {
		t.Errorf("got  %+v\nwant %+v", all, want)
	}
	for _, exists := range []bool{true, false} {
		was, err := s.RemoveEntry(t.Context(), want[2].Range)
		if err != nil || was != exists {
			t.Errorf("removed: %v, %v, want %v", was, err, exists)
		}
	}
	closed(t, s)
	if all := entries(t, with(t, open)); !reflect.DeepEqual(all, slices.Delete(want, 2, 3)) {
		t.Errorf("opened again: got  %+v\nwant %+v", all, want)
	}
}

// fillEntry fills all fields except the range.
func fillEntry(t *testing.T, e *addresses.Entry, n *int) {
	t.Helper()
	v := reflect.ValueOf(e).Elem()
	for i := range v.NumField() {
		if v.Field(i).Type() != reflect.TypeFor[netip.Prefix]() {
			fill(t, v.Field(i), n)
		}
	}
}

func put(t *testing.T, s Store, e addresses.Entry) {
	t.Helper()
	if err := s.PutEntry(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}
