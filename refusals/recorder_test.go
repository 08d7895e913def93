package refusals_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
