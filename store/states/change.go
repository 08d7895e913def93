package states

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// change is a change of one value by the steps of a batch, while it is decided and stored.
//
// The steps are applied to the value that this node knows. The swap succeeds only if the engine
// still has that value. Otherwise the engine returns what it has, and the steps are applied again.
// A step that changes nothing, because it is refused, is decided about a value that was read during
// the change.
//
// The reply to a swap may be lost, and the swap may still arrive later. So each swap names its
// attempt, and the change looks for its own attempts in whatever value it meets afterwards.
type change[K comparable, S comparable] struct {
	k     *keeper[K, S]
	key   K
	at    Key
	batch []*step[S]

	base    []byte // the value that the steps are applied to; nil: none
	old     value  // base, parsed
	isFresh bool   // base was read during this change

	tries []try[S] // swaps that may have happened
}

// try is a swap that was sent.
type try[S comparable] struct {
	swap   Swap
	writer writer
	next   S
	value  value
	base   []byte

	failed bool // a value of its version was met that it has not written
}

// change applies a batch, and returns nil once that is stored.
func (k *keeper[K, S]) change(ctx context.Context, key K, batch []*step[S]) error {
	ctx = k.st.deadlines.Within(context.Background(), k.st.timeFor(ctx))
	c := &change[K, S]{k: k, key: key, at: Key{k.kind, k.name(key)}, batch: batch}
	if e, known := k.recall(key); known {
		c.base = e.raw
	}
	err := c.parse()
	for n := 0; err == nil; n++ {
		var done bool
		if done, err = c.round(ctx); done {
			k.st.report(nil)
			return nil
		}
		if err == nil && n > 2 {
			err = pause(ctx, n) // others change the same value at the same time
		}
	}
	if len(c.tries) > 0 {
		k.forget(key) // the swap may arrive yet
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	k.st.report(err)
	return err
}

// timeFor returns how long a change may take: until the deadline of its leader, which waits for it.
// It is at least the time of one operation, since others may have just begun to wait.
func (st *Store) timeFor(ctx context.Context) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return st.opt.ChangeTimeout
	}
	return min(st.opt.ChangeTimeout, max(st.opt.Timeout, time.Until(end)))
}

// pause waits up to a few milliseconds.
func pause(ctx context.Context, n int) error {
	return pauseFor(ctx, rand.N(time.Duration(min(n, 20))*time.Millisecond/2))
}

func pauseFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// parse reads base into old.
func (c *change[K, S]) parse() (err error) {
	if c.old = (value{}); c.base != nil {
		c.old, err = parseValue(c.base)
	}
	return err
}

// round decides and swaps once, and reports whether the change is stored.
func (c *change[K, S]) round(ctx context.Context) (done bool, err error) {
	epoch := c.k.st.notBefore.Load()
	next, spender, changed, err := c.decide()
	if err != nil {
		return false, err
	}
	if !changed {
		if c.isFresh {
			c.keep()
			return true, nil
		}
		return c.read(ctx)
	}
	t := c.try(next, spender, epoch)
	was, swapped, err := c.swap(ctx, t.swap)
	switch {
	case err == nil && swapped:
		c.stored(t)
		return true, nil
	case err == nil:
		return c.meet(ctx, was)
	case errors.Is(err, ErrUsed):
		return c.used(ctx, spender)
	case errors.Is(err, ErrForgot):
		return false, c.forgot(ctx)
	case errors.Is(err, ErrUnknown):
		c.tries = append(c.tries, t)
		return c.readPatiently(ctx)
	}
	return false, err
}

// decide applies the steps to base. spender is the step whose Once is spent with the change.
func (c *change[K, S]) decide() (next S, spender *step[S], changed bool, err error) {
	var old S
	if c.base != nil {
		if old, err = c.k.decode(c.old.state); err != nil {
			return old, nil, false, err
		}
	}
	next = old
	for _, s := range c.batch {
		if s.isOver {
			continue
		}
		was := next
		if next, err = call(c.k.st, s.fn, was); err != nil {
			s.err, s.isOver = err, true
		}
		if s.spent = next != was && s.once != (Once{}); s.spent {
			spender = s
		}
	}
	return next, spender, next != old || spender != nil, nil
}

// try returns the swap for a decision.
func (c *change[K, S]) try(next S, spender *step[S], epoch int64) try[S] {
	w := writer{c.k.st.opt.Node, c.k.st.attempts.Add(1)}
	v := value{epoch: c.old.epoch, version: c.old.version + 1, writers: by(w, c.old.writers), state: c.k.encode(nil, next)}
	if c.base == nil {
		v.epoch = uint32(epoch)
	}
	s := Swap{Key: c.at, Known: c.base, Next: v.encode(), NotBefore: epoch, Expires: c.k.expires(next, c.k.st.opt.Now())}
	if spender != nil {
		s.Once = spender.once
	}
	return try[S]{swap: s, writer: w, next: next, value: v, base: c.base}
}

func (c *change[K, S]) swap(ctx context.Context, s Swap) (Present, bool, error) {
	return c.k.st.engine.Swap(c.k.st.deadlines.Within(ctx, c.k.st.opt.Timeout), s)
}

func (c *change[K, S]) get(ctx context.Context) (Present, error) {
	return c.k.st.engine.Get(c.k.st.deadlines.Within(ctx, c.k.st.opt.Timeout), c.at)
}

// read reads the value.
func (c *change[K, S]) read(ctx context.Context) (done bool, err error) {
	p, err := c.get(ctx)
	if errors.Is(err, ErrForgot) {
		return false, c.forgot(ctx)
	}
	if err != nil {
		return false, err
	}
	return c.meet(ctx, p)
}

// readPatiently reads the value after a reply was lost, again and again while the engine does not
// answer.
func (c *change[K, S]) readPatiently(ctx context.Context) (done bool, err error) {
	for n := 1; ; n++ {
		if done, err = c.read(ctx); err == nil || ctx.Err() != nil {
			return done, err
		}
		if pause(ctx, 4*n) != nil {
			return false, err
		}
	}
}

// meet continues with what the engine has. It reports whether that is what this change has written.
func (c *change[K, S]) meet(ctx context.Context, p Present) (done bool, err error) {
	c.isFresh = true
	known, isKnown := c.k.recall(c.key)
	if p.Value == nil {
		c.k.st.raise(p.NotBefore)
		c.base, c.old = nil, value{}
		if v, err := parseValue(known.raw); isKnown && err == nil && int64(v.epoch) >= p.NotBefore {
			return c.restore(ctx, v, known)
		}
		c.k.forget(c.key)
		return false, nil
	}
	c.base = p.Value
	if err := c.parse(); err != nil {
		return false, err
	}
	if t, err := c.lost(); t != nil || err != nil {
		return err == nil, errors.Join(err, c.found(t))
	}
	if v, err := parseValue(known.raw); isKnown && err == nil && v.isNewer(c.old) {
		return c.restore(ctx, v, known)
	}
	return false, nil
}

// lost returns the swap that was stored although its reply was lost, or nil.
func (c *change[K, S]) lost() (*try[S], error) {
	for i := range c.tries {
		t := &c.tries[i]
		switch {
		case c.old.wrote(t.writer):
			return t, nil
		case t.failed:
		case c.old.mayHide(t.value.version):
			return nil, errors.New("many other nodes have changed the value since")
		default:
			t.failed = c.old.version >= t.value.version
		}
	}
	return nil, nil
}

// restore writes a value back that the engine has lost: after a failover it has an older one, or
// none. If the swap fails, it meets what is there then.
func (c *change[K, S]) restore(ctx context.Context, v value, known entry) (done bool, err error) {
	epoch := c.k.st.notBefore.Load()
	v.version++
	v.writers = by(writer{c.k.st.opt.Node, c.k.st.attempts.Add(1)}, v.writers)
	s := Swap{Key: c.at, Known: c.base, Next: v.encode(), Expires: time.Unix(known.expires, 0), NotBefore: epoch}
	_, swapped, err := c.swap(ctx, s)
	switch {
	case errors.Is(err, ErrForgot):
		return false, c.forgot(ctx)
	case err != nil && !errors.Is(err, ErrUnknown):
		return false, err
	case !swapped:
		if err := pause(ctx, 2); err != nil {
			return false, err
		}
		return c.readPatiently(ctx)
	}
	c.k.st.restored.Add(1)
	c.base = s.Next
	c.k.remember(c.key, entry{s.Next, known.expires, known.live})
	return false, c.parse()
}

// found finishes a change whose reply was lost: an earlier swap of it was stored. Its decisions are
// those about the value that it was based on.
func (c *change[K, S]) found(t *try[S]) error {
	if t == nil {
		return nil
	}
	met := c.base
	c.base = t.base
	if err := c.parse(); err != nil {
		return err
	}
	if _, _, _, err := c.decide(); err != nil {
		return err
	}
	if bytes.Equal(met, t.swap.Next) {
		c.stored(*t)
		return nil
	}
	c.k.noteChanged(c.key, *t) // others have changed it since
	c.base = met
	if err := c.parse(); err != nil {
		return err
	}
	c.keep()
	return nil
}

// used handles that the Once of a step was spent before. It may have been spent by a swap of this
// change whose reply was lost.
func (c *change[K, S]) used(ctx context.Context, spender *step[S]) (done bool, err error) {
	if len(c.tries) > 0 {
		if done, err := c.read(ctx); done || err != nil {
			return done, err
		}
	}
	if spender != nil {
		spender.err, spender.isOver = ErrUsed, true
	}
	return false, nil
}

// forgot handles that the engine has lost its memory.
func (c *change[K, S]) forgot(ctx context.Context) error {
	c.k.forget(c.key)
	c.base, c.old, c.isFresh = nil, value{}, false
	return c.k.st.beginEpoch(ctx, c.at)
}

// keep caches the value that was read.
func (c *change[K, S]) keep() {
	if c.base == nil {
		return
	}
	if s, err := c.k.decode(c.old.state); err == nil {
		expires := c.k.expires(s, c.k.st.opt.Now())
		c.k.remember(c.key, entry{c.base, expires.Unix(), c.k.isLive(s)})
	}
}

// stored caches a value that was written.
func (c *change[K, S]) stored(t try[S]) {
	c.k.remember(c.key, entry{t.swap.Next, t.swap.Expires.Unix(), c.k.isLive(t.next)})
	c.k.noteChanged(c.key, t)
}

func (k *keeper[K, S]) noteChanged(key K, t try[S]) {
	if k.changed != nil {
		k.changed(key, t.value, t.next)
	}
}
