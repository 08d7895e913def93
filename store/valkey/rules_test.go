package valkey

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/breaker"
	"stile.example/stile/store/states"
)

// TestHalfOfAScript: a script that fails after it has written something leaves it unknown what has
// happened. A command that fails has done nothing.
func TestHalfOfAScript(t *testing.T) {
	t.Parallel()
	e, err := Open(t.Context(), Options{URL: "valkey://" + engines.Valkey(t).Addr})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	half := newScript(`redis.call('SET', KEYS[1], 'a') return redis.call('INCR', KEYS[1])`)
	_, err = e.run(t.Context(), e.lane(0), half, []string{"x"}, nil)
	if err == nil || !errors.Is(e.failed(err, true), states.ErrUnknown) {
		t.Errorf("a script: %v", e.failed(err, true))
	}
	if err == nil || errors.Is(e.failed(err, false), states.ErrUnknown) {
		t.Errorf("a command: %v", e.failed(err, false))
	}
}

// TestPlaceOfATimeout: a call that was given up keeps its place until its connection is closed,
// since it is still in the queue of that. All other calls give it back.
func TestPlaceOfATimeout(t *testing.T) {
	t.Parallel()
	l := newLanes(Target{}, breaker.NewReport("state", slog.New(slog.DiscardHandler)))[0]
	for _, x := range []struct {
		err  error
		held int
	}{{nil, 0}, {errors.New("EOF"), 0}, {&dialError{context.DeadlineExceeded}, 0}, {context.DeadlineExceeded, 1}} {
		leave, err := l.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if leave(x.err); len(l.places) != x.held {
			t.Errorf("after %v: %d places are taken", x.err, len(l.places))
		}
	}
	for end := time.Now().Add(staleAfter + 5*time.Second); len(l.places) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the place is never given back")
		}
	}
}

// TestEvictionsBefore: what a server evicted before this node knew it says nothing, and a server
// that does not respond at the moment is not forgotten.
func TestEvictionsBefore(t *testing.T) {
	t.Parallel()
	e, err := Open(t.Context(), Options{URL: "valkey://" + engines.Valkey(t, "maxmemory-policy allkeys-lru").Addr})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, words := range [][]string{{"SET", "x", "x"}, {"CONFIG", "SET", "maxmemory", "1"}, {"SET", "y", "y"}, {"CONFIG", "SET", "maxmemory", "0"}} {
		_ = e.client.Do(t.Context(), e.client.B().Arbitrary(words...).Build()).Error() // one is refused
	}
	evicted := func(want bool) {
		t.Helper()
		if got, err := e.Evicted(t.Context()); got != want || err != nil {
			t.Errorf("evicted: %v, %v", got, err)
		}
	}
	evicted(false)
	for run, removed := range e.evictions {
		if removed == 0 {
			t.Fatal("the server has evicted nothing")
		}
		e.evictions[run]--
	}
	e.evictions["silent"] = 3
	evicted(true)
	evicted(false)
	if e.evictions["silent"] != 3 {
		t.Errorf("it knows %v", e.evictions)
	}
}
