package states

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"stile.example/stile/store/breaker"
	"stile.example/stile/tokens"
)

// TestOutcomes: what an engine's error says about the engine. Only silence opens the breaker.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	gone, leave := context.WithCancel(t.Context())
	leave()
	late, end := context.WithTimeout(t.Context(), 0)
	defer end()
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		took time.Duration
		want breaker.Outcome
	}{
		{"no error", t.Context(), nil, 0, breaker.Responded},
		{"a used proof", t.Context(), fmt.Errorf("x: %w", ErrUsed), 0, breaker.Responded},
		{"a lost memory", t.Context(), ErrForgot, 0, breaker.Responded},
		{"the caller left", gone, context.Canceled, time.Second, breaker.GivenUp},
		{"the caller had no time", late, context.DeadlineExceeded, patience / 2, breaker.GivenUp},
		{"no reply", late, fmt.Errorf("%w: %w", ErrUnknown, context.DeadlineExceeded), patience, breaker.Silent},
		{"no connection", t.Context(), fmt.Errorf("x: %w", refused), 0, breaker.Silent},
		{"a lost connection", t.Context(), fmt.Errorf("%w: EOF", ErrUnknown), 0, breaker.Cut},
		{"any other error", t.Context(), errors.New("the memory is full"), 0, breaker.Refused},
	} {
		if got := outcomeOf(c.ctx, c.err, c.took); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// asked counts what reaches an engine.
type asked struct {
	Engine
	gets int
}

func (a *asked) Get(context.Context, Key) (Present, error) {
	a.gets++
	return Present{}, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
}

// TestGuardOpens: an engine that can't be reached is not asked any more, and the error says that
// nothing happened.
func TestGuardOpens(t *testing.T) {
	t.Parallel()
	e := &asked{}
	g := NewGuard(e, breaker.New(breaker.Options{Log: slog.New(slog.DiscardHandler), Trip: 3}))
	var err error
	for range 9 {
		_, err = g.Get(t.Context(), Key{KindToken, "a"})
	}
	if e.gets != 3 || !errors.Is(err, breaker.ErrOpen) || errors.Is(err, ErrUnknown) {
		t.Errorf("it was asked %d times: %v", e.gets, err)
	}
}

// TestWaitIsBounded: a step does not wait for others longer than a change may take.
func TestWaitIsBounded(t *testing.T) { synctest.Test(t, waitIsBounded) }

func waitIsBounded(t *testing.T) {
	stores, _ := nodes(t, 1, newMemory(), newTable())
	st, id := stores[0], tokens.ID{1}
	st.opt.ChangeTimeout = 20 * time.Millisecond
	st.tokens.shard(id).waiting[id] = &chain[tokens.State]{} // as if another changed the value
	began := time.Now()
	err := st.Update(t.Context(), id, counting)
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != st.opt.ChangeTimeout {
		t.Errorf("after %s: %v", took, err)
	}
}
