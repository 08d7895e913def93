package states

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"stile.example/stile/tokens"
)

// slowEngine is a memory whose scans wait until they are released.
type slowEngine struct {
	*memory
	release chan struct{}
}

func (e *slowEngine) Each(ctx context.Context, kind byte, fn func(Key, []byte) error) error {
	select {
	case <-e.release:
	case <-ctx.Done():
		return ctx.Err()
	}
	return e.memory.Each(ctx, kind, fn)
}

// TestScanDelaysNothing: while the states that did not fit are found by a scan, which may take
// hours, others are transferred. Settle fails in time if the scan does not end.
func TestScanDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, sink := &slowEngine{memory: newMemory(), release: make(chan struct{})}, newTable()
		st, err := Open(t.Context(), e, sink, Options{Log: slog.New(slog.DiscardHandler), Now: time.Now, Node: 1})
		if err != nil {
			t.Fatal(err)
		}
		update(t, st, 1)
		missed := st.dirtyTokens.take() // as if it had not fitted
		st.dirtyTokens.missed.Store(true)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go st.Run(ctx)
		time.Sleep(time.Hour)
		update(t, st, 2)
		time.Sleep(2 * transferEvery)
		if !sink.has(tokens.ID{2}) {
			t.Error("a state waits for the scan")
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := st.Settle(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("settle during the scan: %v", err)
		}
		close(e.release)
		if err := st.Settle(t.Context()); err != nil {
			t.Errorf("settle after the scan: %v", err)
		}
		if !sink.has(missed[0].ID) {
			t.Error("the scan has not stored the state that was missed")
		}
		stop()
	})
}

// stuckTable is a table that stores tokens only when it is released.
type stuckTable struct {
	*table
	release chan struct{}
}

func (t *stuckTable) PutTokens(ctx context.Context, list []Token) error {
	select {
	case <-t.release:
		return t.table.PutTokens(ctx, list)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestTransferDelaysNothing: a loss of the engine's memory is noticed while a long transfer is
// under way, and the transfer ends.
func TestTransferDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, sink := newMemory(), &stuckTable{newTable(), make(chan struct{})}
		st, err := Open(t.Context(), m, sink, Options{Log: slog.New(slog.DiscardHandler), Now: time.Now, Node: 1})
		if err != nil {
			t.Fatal(err)
		}
		update(t, st, 1)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go st.Run(ctx)
		time.Sleep(time.Minute)
		m.flush()
		before := st.NotBefore()
		time.Sleep(5 * time.Second)
		if st.NotBefore() == before {
			t.Error("the loss was not noticed")
		}
		close(sink.release)
		time.Sleep(time.Second)
		if !sink.has(tokens.ID{1}) {
			t.Error("the transfer has not ended")
		}
		stop()
	})
}

// has reports whether a state is stored.
func (t *table) has(id tokens.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, stored := t.tokens[id]
	return stored
}

func update(t *testing.T, st *Store, id byte) {
	t.Helper()
	if err := st.Update(t.Context(), tokens.ID{id}, counting); err != nil {
		t.Fatal(err)
	}
}
