package refusals

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// away is a store that does not work while it is set.
type away struct {
	Store
	err error
}

func (a *away) AddRefusals(context.Context, []Refusal, int) error { return a.err }

// TestLost checks that a store that does not work is logged once, and that it works again once.
func TestLost(t *testing.T) {
	var log bytes.Buffer
	store := &away{err: errors.New("PostgreSQL was not asked")}
	r := NewRecorder(store, slog.New(slog.NewTextHandler(&log, nil)))
	for range 50 {
		r.add(t.Context(), make([]Refusal, 2))
	}
	store.err = nil
	r.add(t.Context(), make([]Refusal, 1))
	r.add(t.Context(), make([]Refusal, 1))
	if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "lost=100") {
		t.Errorf("%d lines:\n%s", n, &log)
	}
}
