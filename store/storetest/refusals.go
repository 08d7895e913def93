package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"stile.example/stile/refusals"
)

func refuse(t *testing.T, s Store, some ...refusals.Refusal) {
	t.Helper()
	if err := s.AddRefusals(t.Context(), some, refusals.Most); err != nil {
		t.Fatal(err)
	}
}

func wantRefusal(t *testing.T, s Store, ref string, want refusals.Refusal) {
	t.Helper()
	if got, err := s.Refusal(t.Context(), ref); err != nil || got != want {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func refusalFields(t *testing.T, open func() Store) {
	s, n := open(), 0
	some := make([]refusals.Refusal, 2)
	for i := range some {
		fill(t, reflect.ValueOf(&some[i]).Elem(), &n)
	}
	some[1].Observed, some[1].Tenant, some[1].Rule = false, "", "" // optional fields
	refuse(t, s, some...)
	refuse(t, s)
	for range 2 {
		wantRefusal(t, s, some[0].Ref, some[0])
		wantRefusal(t, s, some[1].Ref, some[1])
		if _, err := s.Refusal(t.Context(), "ABCD-EFGH"); !errors.Is(err, refusals.ErrNotFound) {
			t.Errorf("an unknown reference: %v", err)
		}
		closed(t, s)
		s = open()
	}
	closed(t, s)
}

// refusalsKept: of two refusals with the same Ref, the first is stored. The refusals that are added
// together with the second are stored too.
func refusalsKept(t *testing.T, open func() Store) {
	s := with(t, open)
	first := refusals.Refusal{Ref: "A", At: noon, Code: "first"}
	other := refusals.Refusal{Ref: "B", At: noon, Code: "other"}
	refuse(t, s, first)
	refuse(t, s, refusals.Refusal{Ref: "A", At: noon, Code: "second"}, other)
	wantRefusal(t, s, "A", first)
	wantRefusal(t, s, "B", other)
}

// refusalsFirst: the oldest refusal with a code and an Identity is found.
func refusalsFirst(t *testing.T, open func() Store) {
	s := with(t, open)
	want := refusals.Refusal{Ref: "B", At: noon, Code: "c", Identity: "token 1"}
	refuse(t, s, refusals.Refusal{Ref: "A", At: noon.Add(time.Minute), Code: "c", Identity: "token 1"}, want,
		refusals.Refusal{Ref: "C", At: noon.Add(-time.Minute), Code: "c", Identity: "token 1", Observed: true},
		refusals.Refusal{Ref: "D", At: noon.Add(-time.Minute), Code: "c", Identity: "token 2"},
		refusals.Refusal{Ref: "E", At: noon.Add(-time.Minute), Code: "d", Identity: "token 1"})
	if got, err := s.FirstRefusal(t.Context(), "c", "token 1"); err != nil || got != want {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	if _, err := s.FirstRefusal(t.Context(), "d", "token 2"); !errors.Is(err, refusals.ErrNotFound) {
		t.Errorf("of an unknown token: %v", err)
	}
}

// refusalsCounted: adding a refusal again raises its count, and changes nothing else.
func refusalsCounted(t *testing.T, open func() Store) {
	s := with(t, open)
	want := refusals.Refusal{Ref: "A", At: noon, Code: "first"}
	refuse(t, s, want)
	for _, more := range []int64{7, 3, 0, 9} {
		refuse(t, s, refusals.Refusal{Ref: "A", At: noon.Add(time.Minute), Code: "second", More: more})
		want.More = max(want.More, more)
		wantRefusal(t, s, "A", want)
	}
}

// refusalsBounded: adding refusals removes the oldest ones beyond the maximum.
func refusalsBounded(t *testing.T, open func() Store) {
	s := with(t, open)
	const most, all = 100, 1000
	for n := 0; n < all; n += 10 {
		some := make([]refusals.Refusal, 10)
		for i := range some {
			some[i] = refusals.Refusal{Ref: fmt.Sprintf("%04d", n+i), At: noon.Add(time.Duration(n+i) * time.Second)}
		}
		if err := s.AddRefusals(t.Context(), some, most); err != nil {
			t.Fatal(err)
		}
		for i := range n + 10 {
			if i%17 != 0 && max(i-n+most, n-most-i) > 20 { // far from the end
				continue
			}
			_, err := s.Refusal(t.Context(), fmt.Sprintf("%04d", i))
			if gone := errors.Is(err, refusals.ErrNotFound); gone != (i < n+10-most) || (err != nil && !gone) {
				t.Fatalf("after %d, number %d: %v", n+10, i, err)
			}
		}
	}
}

func refusalsPruned(t *testing.T, open func() Store) {
	s := with(t, open)
	some := make([]refusals.Refusal, 1500) // the n-th is n seconds old
	for n := range some {
		some[n] = refusals.Refusal{Ref: fmt.Sprintf("%04d", n*7919%1500), At: noon.Add(-time.Duration(n) * time.Second)}
	}
	refuse(t, s, some...)
	for _, prune := range []struct {
		age        time.Duration
		most, stay int
	}{
		{time.Hour, 1500, 1500},
		{1400 * time.Second, 1500, 1401}, // the refusal of that second stays
		{1400 * time.Second, 2000, 1401},
		{time.Hour, 700, 700},
		{100 * time.Second, 50, 50},
		{-time.Second, 50, 0},
	} {
		if err := s.PruneRefusals(t.Context(), noon.Add(-prune.age), prune.most); err != nil {
			t.Fatal(err)
		}
		for n, f := range some {
			if n%7 != 0 && max(n-prune.stay, prune.stay-n) > 5 { // far from the end
				continue
			}
			_, err := s.Refusal(t.Context(), f.Ref)
			if gone := errors.Is(err, refusals.ErrNotFound); gone != (n >= prune.stay) || (err != nil && !gone) {
				t.Fatalf("pruned to %+v, one of %d s: %v", prune, n, err)
			}
		}
	}
}
