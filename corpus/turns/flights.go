package turns

import (
	"context"
	"sync"
)

// Flights merges equal searches: callers that start a search while an equal one runs share its
// result. The zero Flights is ready for use, and safe for concurrent use.
type Flights[V any] struct {
	mu  sync.Mutex
	all map[string]*flight[V]
}

// flight is one search that runs. Its result may be read when done is closed.
type flight[V any] struct {
	done   chan struct{}
	value  V
	err    error
	failed bool // the caller that ran it left or panicked, so there is no result
}

// Do returns what run returns, or what it returns to a caller that uses the same key at this
// moment. It waits for that as long as ctx lasts. If the other caller gave up, it calls run itself.
func (f *Flights[V]) Do(ctx context.Context, key string, run func() (V, error)) (V, error) {
	for {
		one, isNew := f.join(key)
		if isNew {
			return f.fly(ctx, key, one, run)
		}
		select {
		case <-one.done:
			if !one.failed {
				return one.value, one.err
			}
		case <-ctx.Done():
			var none V
			return none, ctx.Err()
		}
	}
}

// join returns the flight of a key, and reports whether it is a new one, which the caller must fly.
func (f *Flights[V]) join(key string) (one *flight[V], isNew bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.all[key]; ok {
		return one, false
	}
	if f.all == nil {
		f.all = map[string]*flight[V]{}
	}
	one = &flight[V]{done: make(chan struct{}), failed: true}
	f.all[key] = one
	return one, true
}

func (f *Flights[V]) fly(
	ctx context.Context, key string, one *flight[V], run func() (V, error),
) (V, error) {
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.all, key)
		close(one.done)
	}()
	one.value, one.err = run()
	one.failed = one.err != nil && ctx.Err() != nil
	return one.value, one.err
}
