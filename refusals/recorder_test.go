package refusals_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	. "stile.example/stile/refusals"
)

// memStore stores refusals, and signals each.
type memStore struct {
	kept   map[string]Refusal
	added  chan int
	pruned chan time.Time
}

func (s *memStore) AddRefusals(_ context.Context, some []Refusal, _ int) error {
	for _, f := range some {
		s.kept[f.Ref] = f
	}
	s.added <- len(some)
	return nil
}

func (s *memStore) Refusal(_ context.Context, ref string) (Refusal, error) {
	if f, ok := s.kept[ref]; ok {
		return f, nil
	}
	return Refusal{}, ErrNotFound
}

func (s *memStore) FirstRefusal(context.Context, string, string) (Refusal, error) {
	return Refusal{}, ErrNotFound
}

func (s *memStore) Refusals(context.Context, Query) ([]Refusal, error) {
	return slices.Collect(maps.Values(s.kept)), nil
}

func (s *memStore) PruneRefusals(_ context.Context, before time.Time, _ int) error {
	s.pruned <- before
	return nil
}

func TestRecorder(t *testing.T) {
	s := &memStore{kept: map[string]Refusal{}, added: make(chan int, 10_000), pruned: make(chan time.Time, 1)}
	r := NewRecorder(s, slog.New(slog.DiscardHandler))
	now := time.Date(2026, 1, 9, 0, 0, 0, 0, time.UTC)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { defer close(ran); r.Run(ctx, func() time.Time { return now }) }()
	if before := <-s.pruned; !before.Equal(now.Add(-Keep)) {
		t.Errorf("pruned before %v", before)
	}

	r.Note(Refusal{Ref: "7QK2-M4T0", Code: "token_exhausted"}, true)
	<-s.added
	r.Note(Refusal{Ref: "0000-0001", Code: "token_invalid"}, false)
	for _, typed := range []string{"7QK2-M4T0", "7qk2m4to", " 7QK2 M4TO "} {
		if f, err := r.Find(ctx, typed); err != nil || f.Code != "token_exhausted" {
			t.Errorf("Find(%q) = %+v, %v", typed, f, err)
		}
	}
	if f, err := r.Find(ctx, "OOOO-OOOL"); err != nil || f.Code != "token_invalid" {
		t.Errorf("one that is not stored: %+v, %v", f, err)
	}
	for n := range Recent {
		r.Note(Refusal{Ref: fmt.Sprintf("%08d", n)}, false)
	}
	if _, err := r.Find(ctx, "0000-0001"); !errors.Is(err, ErrNotFound) {
		t.Errorf("memory is not bounded: %v", err)
	}
	if f, err := r.Find(ctx, "7QK2-M4T0"); err != nil || f.Code != "token_exhausted" {
		t.Errorf("from the store: %+v, %v", f, err)
	}

	r.Note(Refusal{Ref: "LAST", Code: "internal"}, true)
	stop()
	<-ran
	if _, ok := s.kept["LAST"]; !ok {
		t.Error("what was noted before the end is not stored")
	}
}

// TestListOfMemoryAndStore checks that a list has what is only in memory, each refusal once, and
// that refusals that are counted together are one line.
func TestListOfMemoryAndStore(t *testing.T) {
	s := &memStore{kept: map[string]Refusal{}, added: make(chan int, 100)}
	r := NewRecorder(s, slog.New(slog.DiscardHandler))
	at := time.Date(2026, 1, 9, 0, 0, 0, 1234567, time.UTC)
	note := func(ref, code string, after time.Duration) Refusal {
		f := Refusal{Ref: ref, Code: code, Address: "192.0.2.7", At: at.Add(after), Identity: "token " + ref}
		r.Note(f, false)
		return f
	}
	s.kept["0000-0001"] = note("0000-0001", "a", 0) // stored too
	note("0000-0002", "a", time.Second)             // counted with the first
	note("0000-0003", "b", 2*time.Second)
	s.kept["0000-0004"] = Refusal{Ref: "0000-0004", Code: "c", At: at.Add(-time.Hour)} // only stored
	refs := func(q Query) (refs []string) {
		q.Limit = 10
		list, err := r.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			refs = append(refs, fmt.Sprint(f.Ref, "+", f.More))
		}
		return refs
	}
	if got := refs(Query{}); !slices.Equal(got, []string{"0000-0003+0", "0000-0001+1", "0000-0004+0"}) {
		t.Errorf("all: %q", got)
	}
	clear(s.kept)
	if got := refs(Query{Identity: "token 0000-0002"}); !slices.Equal(got, []string{"0000-0002+0"}) {
		t.Errorf("of a token whose refusal is counted with another's: %q", got)
	}
	if got := refs(Query{After: PositionOf(Refusal{Ref: "0000-0003", At: at.Add(2 * time.Second)})}); !slices.Equal(got, []string{"0000-0001+1"}) {
		t.Errorf("after the first: %q", got)
	}
}

// TestListCounts checks that the counts of a list add up to the refusals, whether it is of one
// token or of all, while they are in memory and when the oldest are only stored.
func TestListCounts(t *testing.T) {
	s := &memStore{kept: map[string]Refusal{}, added: make(chan int, 100)}
	r := NewRecorder(s, slog.New(slog.DiscardHandler))
	at := time.Date(2026, 1, 9, 0, 0, 0, 0, time.UTC)
	token := [16]byte{7}
	note := func(n int) Refusal {
		f := Refusal{Ref: fmt.Sprintf("%04d-0000", n), Code: "a", Address: "192.0.2.7", At: at, Identity: "token x", Token: token}
		r.Note(f, false)
		return f
	}
	sum := func(q Query, want int) {
		t.Helper()
		q.Limit = 100_000
		list, err := r.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all := 0
		for _, f := range list {
			all += 1 + int(f.More)
		}
		if all != want {
			t.Errorf("%+v: %d refusals in %d lines, want %d", q, all, len(list), want)
		}
	}
	first := note(1)
	for n := range 3 {
		note(2 + n)
	}
	sum(Query{}, 4)
	sum(Query{Token: token}, 4)
	sum(Query{Identity: "token x"}, 4)
	kept := note(5) // an example of something
	r.Keep(kept)
	s.kept[kept.Ref] = kept
	sum(Query{}, 5)
	sum(Query{Token: token}, 5)
	for n := range Recent - 2 { // the first three are evicted
		note(6 + n)
	}
	first.More = 4 + Recent - 2 - 1
	s.kept[first.Ref] = first
	sum(Query{}, 5+Recent-2)
	sum(Query{Token: token}, 5+Recent-2)
}

// TestPosition checks that a position is read as it was written, and that others are refused.
func TestPosition(t *testing.T) {
	p := Position{time.UnixMilli(1795789261123).UTC(), "7QK2-M4TD"}
	if got, err := ParsePosition(p.String()); err != nil || got != p {
		t.Errorf("%+v, %v", got, err)
	}
	for _, wrong := range []string{"x", "1-2", "-7QK2-M4TD", "zz-7QK2-M4TU", "7QK2-M4TD"} {
		if _, err := ParsePosition(wrong); err == nil {
			t.Errorf("%q is a position", wrong)
		}
	}
}
