package nodes

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	leaseLength = 10 * time.Second
	// leaseMargin is how much earlier than the database the holder of a lease regards it as ended.
	leaseMargin = 2 * time.Second
	leaseExtend = 2 * time.Second
	// retryLease is how often a node that wants a lease tries again.
	retryLease = 100 * time.Millisecond
)

// HeldError says which node has a lease, and for what.
type HeldError struct{ Lease }

func (e *HeldError) Error() string { return fmt.Sprintf("%s, on the node %s", e.What, e.Node) }

// Hold waits until this node has a lease, and returns a context that is cancelled when the node
// loses it. release ends the lease.
func (n *Node) Hold(ctx context.Context, name, what string) (held context.Context, release func(), err error) {
	for {
		held, release, err := n.TryHold(ctx, name, what)
		other, isHeld := errors.AsType[*HeldError](err)
		if !isHeld {
			return held, release, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("%w: %w", other, ctx.Err())
		case <-time.After(retryLease):
		}
	}
}

// TryHold is [Node.Hold] without waiting. If another node has the lease, or this one has it
// already, the error is a [*HeldError].
func (n *Node) TryHold(ctx context.Context, name, what string) (held context.Context, release func(), err error) {
	began := time.Now()
	short, cancelShort := context.WithTimeout(ctx, roundTrip)
	defer cancelShort()
	l, err := n.opt.Store.Acquire(short, name, what, n.number, 0, leaseLength)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("ask PostgreSQL whether another node does it (lease %s), so nothing was done; look at the database, and try again: %w", name, err)
	case l.Fence == 0:
		return nil, nil, &HeldError{l}
	}
	held, lose := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); n.extend(held, lose, l, began) }()
	release = func() {
		lose()
		<-ended
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), roundTrip)
		defer cancel()
		if err := n.opt.Store.Release(last, name, l.Fence); err != nil {
			n.opt.Log.Warn("can't end a lease; it ends by itself", "lease", name, "err", err)
		}
	}
	return held, release, nil
}

// extend extends a lease until its context is done, and cancels that when the lease is lost.
func (n *Node) extend(held context.Context, lose func(), l Lease, since time.Time) {
	defer lose()
	for {
		select {
		case <-held.Done():
			return
		case <-time.After(leaseExtend):
		}
		began := time.Now()
		short, cancel := context.WithTimeout(held, roundTrip)
		again, err := n.opt.Store.Acquire(short, l.Name, l.What, n.number, l.Fence, leaseLength)
		cancel()
		switch {
		case held.Err() != nil:
			return
		case err == nil && again.Fence == l.Fence:
			since = began
		case err == nil || time.Since(since) > leaseLength-leaseMargin-leaseExtend:
			n.opt.Log.Warn("lost a lease; another node continues", "lease", l.Name, "err", err)
			return
		}
	}
}

// RunAlone calls fn while this node has a lease, so that of all nodes only one runs it. fn must
// return soon after its context is done. RunAlone returns when ctx is done.
func (n *Node) RunAlone(ctx context.Context, name string, fn func(context.Context)) {
	const gap = 2 * time.Second
	for ctx.Err() == nil {
		held, release, err := n.TryHold(ctx, name, name)
		if err == nil {
			fn(held)
			release()
		}
		select {
		case <-ctx.Done():
		case <-time.After(gap):
		}
	}
}

// Once reports whether this is the first time that any node asks for a name, within the time that
// it is kept. undo makes it as if nobody had asked.
func (n *Node) Once(ctx context.Context, name string, keep time.Duration) (first bool, undo func(), err error) {
	short, cancel := context.WithTimeout(ctx, roundTrip)
	defer cancel()
	name = "once " + name
	l, err := n.opt.Store.Acquire(short, name, "", n.number, 0, keep)
	if err != nil || l.Fence == 0 {
		return false, func() {}, err
	}
	return true, func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), roundTrip)
		defer cancel()
		if err := n.opt.Store.Release(last, name, l.Fence); err != nil {
			n.opt.Log.Warn("can't undo", "name", name, "err", err)
		}
	}, nil
}
