package states

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of updates.
var (
	ErrBusy     = errors.New("too many steps are waiting to be stored")
	errPanicked = errors.New("a step panicked")
)

const (
	maxWaiting = 8192 // steps that may wait, for all keys
	maxLeading = 8192 // values that may be changed at the same time
	maxOfKey   = 1024 // steps that may wait for one key
	maxBatch   = 256  // steps of one swap
	shardCount = 64
)

// keeper keeps the values of one kind. While a swap of a value is on its way, further steps for it
// wait, and go into the next swap together. So many calls of one token cost one round trip.
type keeper[K comparable, S comparable] struct {
	st      *Store
	kind    byte
	name    func(K) string
	decode  func([]byte) (S, error)
	encode  func([]byte, S) []byte
	expires func(s S, now time.Time) time.Time
	isLive  func(S) bool
	changed func(K, value, S) // called after each change that is stored; may be nil

	seed   maphash.Seed
	shards [shardCount]shard[K, S]
}

type shard[K comparable, S comparable] struct {
	mu      sync.Mutex
	waiting map[K]*chain[S] // of the keys that are being changed
	known   knownValues[K]
}

// chain has the steps that wait until the value can be changed again. One of the callers changes
// it: the leader.
type chain[S comparable] struct{ steps []*step[S] }

// step is an update that waits, or is applied.
type step[S comparable] struct {
	fn   func(S) S
	once Once

	spent  bool
	err    error
	isOver bool        // err is set, and fn must not be called again
	taken  atomic.Bool // by a leader, or by its caller, who gave up
	turn   chan bool   // true: it is done; false: its caller leads now; nil: it never waited
}

func (k *keeper[K, S]) start(maxKnown int, idle time.Duration) {
	k.seed = maphash.MakeSeed()
	for i := range k.shards {
		k.shards[i].waiting = map[K]*chain[S]{}
		k.shards[i].known = knownValues[K]{half: max(maxKnown/shardCount/2, 1), idle: idle}
	}
}

func (k *keeper[K, S]) shard(key K) *shard[K, S] {
	return &k.shards[maphash.Comparable(k.seed, key)%shardCount]
}

// update replaces the state of a key by the result of fn. It returns once that is stored, and
// whether once was spent with it.
func (k *keeper[K, S]) update(ctx context.Context, key K, once Once, fn func(S) S) (spent bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s := &step[S]{fn: fn, once: once}
	leads, err := k.join(key, s)
	if err != nil {
		return false, err
	}
	if !leads {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, k.st.opt.ChangeTimeout)
		defer cancel()
		select {
		case done := <-s.turn:
			leads = !done
		case <-ctx.Done():
			if s.taken.CompareAndSwap(false, true) {
				return false, ctx.Err()
			}
			leads = !<-s.turn
		}
	}
	if leads {
		k.lead(ctx, key, s)
	}
	return s.spent, s.err
}

// join adds a step to those that wait for a key, and reports whether there were none: then its
// caller leads.
func (k *keeper[K, S]) join(key K, s *step[S]) (leads bool, err error) {
	sh := k.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := sh.waiting[key]
	if c == nil {
		if k.st.leading.Add(1) > maxLeading {
			k.st.leading.Add(-1)
			return false, ErrBusy
		}
		sh.waiting[key] = &chain[S]{}
		s.taken.Store(true)
		return true, nil
	}
	if len(c.steps) >= maxOfKey || k.st.waiting.Load() >= maxWaiting {
		return false, ErrBusy
	}
	k.st.waiting.Add(1)
	s.turn = make(chan bool, 1)
	c.steps = append(c.steps, s)
	return false, nil
}

// lead applies s and the steps that wait, and then makes another caller the leader.
func (k *keeper[K, S]) lead(ctx context.Context, key K, s *step[S]) {
	defer k.handOver(key)
	if s.err = ctx.Err(); s.err != nil {
		return
	}
	batch := k.collect(key, s)
	defer func() {
		for _, other := range batch[1:] {
			other.turn <- true
		}
	}()
	for _, s := range batch {
		s.err = errPanicked // until it is known better
	}
	err := k.change(ctx, key, batch)
	for _, s := range batch {
		if !s.isOver {
			s.err = err
		}
		s.spent = s.spent && s.err == nil
	}
}

// collect returns the steps that go into one swap, beginning with s. A swap spends one Once, so a
// further step that has one waits for the next swap.
func (k *keeper[K, S]) collect(key K, s *step[S]) []*step[S] {
	sh := k.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := sh.waiting[key]
	batch, later := []*step[S]{s}, c.steps[:0]
	hasOnce := s.once != (Once{})
	for _, s := range c.steps {
		switch {
		case len(batch) >= maxBatch || hasOnce && s.once != (Once{}):
			later = append(later, s)
			continue
		case s.taken.CompareAndSwap(false, true):
			batch = append(batch, s)
			hasOnce = hasOnce || s.once != (Once{})
		}
		k.st.waiting.Add(-1)
	}
	clear(c.steps[len(later):])
	c.steps = later
	return batch
}

// handOver makes the caller of the first step that waits the leader.
func (k *keeper[K, S]) handOver(key K) {
	sh := k.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := sh.waiting[key]
	for len(c.steps) > 0 {
		next := c.steps[0]
		c.steps[0] = nil
		c.steps = c.steps[1:]
		k.st.waiting.Add(-1)
		if next.taken.CompareAndSwap(false, true) {
			next.turn <- false
			return
		}
	}
	delete(sh.waiting, key)
	k.st.leading.Add(-1)
}

// peek returns the state of a key as this node knows it.
func (k *keeper[K, S]) peek(key K) (s S, known bool) {
	e, known := k.recall(key)
	if !known {
		return s, false
	}
	state, err := stateOf(e.raw)
	if err == nil {
		s, err = k.decode(state)
	}
	return s, err == nil
}

func (k *keeper[K, S]) recall(key K) (entry, bool) {
	sh, now := k.shard(key), k.st.opt.Now()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, known := sh.known.use(key, now)
	if known && e.expires <= now.Unix() {
		sh.known.drop(key)
		return entry{}, false
	}
	return e, known
}

func (k *keeper[K, S]) remember(key K, e entry) {
	sh := k.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.known.put(key, e, k.st.opt.Now())
}

func (k *keeper[K, S]) forget(key K) {
	sh := k.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.known.drop(key)
}

// forgetExpired drops the values that expired before now.
func (k *keeper[K, S]) forgetExpired(now time.Time) {
	for i := range k.shards {
		sh := &k.shards[i]
		sh.mu.Lock()
		for _, half := range []map[K]entry{sh.known.newer, sh.known.older} {
			for key, e := range half {
				if e.expires <= now.Unix() {
					sh.known.drop(key)
				}
			}
		}
		sh.mu.Unlock()
	}
}

// live returns how many values that this node knows are live.
func (k *keeper[K, S]) live() (n int) {
	for i := range k.shards {
		k.shards[i].mu.Lock()
		n += k.shards[i].known.live()
		k.shards[i].mu.Unlock()
	}
	return n
}

// call calls the function of a step. A panic is returned as an error.
func call[S any](st *Store, fn func(S) S, old S) (next S, err error) {
	defer func() {
		if p := recover(); p != nil {
			st.opt.Log.Error("a step panicked", "panic", p, "stack", string(debug.Stack()))
			next, err = old, fmt.Errorf("%w: %v", errPanicked, p)
		}
	}()
	return fn(old), nil
}
