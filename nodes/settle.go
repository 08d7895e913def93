package nodes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	settleWithin = 3 * time.Second        // how long others have to copy what they count
	settleEvery  = 200 * time.Millisecond // how often a node asks them at most
)

// Unsettled is the error for nodes that did not copy what they count in time. What is read then may
// lack their last seconds.
type Unsettled struct{ Nodes []string }

func (e *Unsettled) Error() string {
	return fmt.Sprintf("the last seconds may be missing: no response from the node %s", strings.Join(e.Nodes, ", "))
}

// settling joins those who ask at the same time: however many read usage, a node asks the others
// once, and then once more.
type settling struct {
	mu   sync.Mutex
	next *asked        // what has not begun yet; nil: nobody waits for it
	turn chan struct{} // has an element while the others are being asked
	last time.Time     // when they were last asked; of the holder of the turn
}

// asked is one time that the other nodes are asked.
type asked struct {
	done chan struct{} // closed when err is there
	err  error
}

// Settle makes all live nodes copy what they count to the database, and waits for that. Nodes that
// die meanwhile are not waited for. If some did not respond in time, the error is [*Unsettled].
func (n *Node) Settle(ctx context.Context) error {
	s := &n.settling
	s.mu.Lock()
	mine := s.next
	if mine == nil {
		mine = &asked{done: make(chan struct{})}
		s.next = mine
		go n.settleNext(context.WithoutCancel(ctx), mine)
	}
	s.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settleNext settles for all who wait for mine, after those who came before. Callers that
// come from then on wait for the next time: what was counted before must be copied.
func (n *Node) settleNext(ctx context.Context, mine *asked) {
	s := &n.settling
	s.turn <- struct{}{}
	time.Sleep(time.Until(s.last.Add(settleEvery)))
	s.mu.Lock()
	s.next = nil
	s.mu.Unlock()
	defer func() { <-s.turn; close(mine.done) }()
	mine.err = n.settle(ctx)
}

func (n *Node) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	all, err := n.opt.Store.Nodes(ctx)
	if err != nil {
		return fmt.Errorf("read the nodes: %w", err)
	}
	anybody := func(Row) bool { return false }
	_, dead := Unscanned(all)
	if len(dead) == 0 && len(Waiting(all, n.number, anybody)) == 0 {
		return n.settleOwn(ctx)
	}
	n.settling.last = time.Now()
	asked, err := n.opt.Store.Increase(ctx, Settling)
	if err == nil {
		err = n.settleOwn(ctx)
	}
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return n.await(ctx, func(r Row) bool { return r.Settled >= asked }, true)
}

// settleOwn copies what this node counts. If much waits, it may not be done in time either.
func (n *Node) settleOwn(ctx context.Context) error {
	err := n.opt.Settle(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Unsettled{[]string{n.opt.Info.Name}}
	}
	return err
}

// AwaitKeys waits until all live nodes use the keys of a counter.
func (n *Node) AwaitKeys(ctx context.Context, counter int64) error {
	ctx, cancel := context.WithTimeout(ctx, DeadAfter+settleWithin)
	defer cancel()
	return n.await(ctx, func(r Row) bool { return r.Keys >= counter }, false)
}

// await waits until done says so of the row of each live node but this one, and, if scanned is set,
// until what dead ones have counted is copied.
func (n *Node) await(ctx context.Context, done func(Row) bool, scanned bool) error {
	for gap := 10 * time.Millisecond; ; gap = min(2*gap, 100*time.Millisecond) {
		all, err := n.opt.Store.Nodes(ctx)
		_, late := Unscanned(all)
		if !scanned {
			late = nil
		}
		late = append(Waiting(all, n.number, done), late...)
		switch {
		case err != nil && ctx.Err() == nil:
			return fmt.Errorf("wait for other nodes: %w", err)
		case err == nil && len(late) == 0:
			return nil
		case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return &Unsettled{late}
		}
		select {
		case <-ctx.Done():
			if len(late) > 0 {
				return &Unsettled{late}
			}
			return ctx.Err()
		case <-time.After(gap):
		}
	}
}
