// Package turns decides which searches run, and when. [Lanes] is a fair queue in front of them, and
// [Flights] merges equal searches that run at the same time. It knows nothing of what a search
// does.
package turns

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Costs of searches, in positions of the full text that a search reads.
const (
	Expensive = 20_000 // from this cost on a search is not quick: about 10 ms of work
	Long      = 60_000 // from this cost on it is long: about 30 ms of work

	cheap  = 2_000   // the minimum that a search is charged: about 1 ms of work
	credit = 200_000 // how far a caller that had few turns can be ahead of the others, at most
)

// maxCallers is the maximum of callers whose turns each lane counts: about 1 MB.
const maxCallers = 16_384

// Caller is who a search is for: an address together with the tenant whose token it uses.
type Caller struct {
	Address netip.Addr
	Tenant  uint32
}

// Lanes is three queues, by the cost of searches. So an item or a rare word does not wait for the
// end of a search for an ordinary word, nor that search for the end of a long one. If there are
// more than two processors, ordinary and long searches together leave one of them to everything
// else. Lanes is safe for concurrent use.
type Lanes struct{ quick, ordinary, long queue }

// NewLanes returns lanes with as many turns as the processors can work on.
func NewLanes(processors int) *Lanes {
	l := &Lanes{}
	l.quick.free = max(2, processors)
	l.ordinary.free = max(1, processors/2)
	l.long.free = max(1, (processors-1)/2)
	return l
}

// Do runs fn, a search of that cost, when it is the caller's turn. It waits until ctx is done, and
// at most for limit. The shares are those of the caller in the work; less than 1 means 1.
func (l *Lanes) Do(
	ctx context.Context, who Caller, shares, cost int, limit time.Duration, fn func() error,
) error {
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	q := l.of(cost)
	if err := q.take(wait, who, max(cost, cheap)/max(1, shares)); err != nil {
		return fmt.Errorf("wait for other searches: %w", err)
	}
	defer q.give()
	return fn()
}

func (l *Lanes) of(cost int) *queue {
	switch {
	case cost >= Long:
		return &l.long
	case cost >= Expensive:
		return &l.ordinary
	}
	return &l.quick
}

// queue bounds how many searches run at the same time. It serves those that wait by fair queueing:
// each caller gets the same part of the work, however many of its searches wait. Virtual time is
// the work that was done for each of those that wait. A caller that had few turns recently is ahead
// of the others, by at most credit. The zero value gives no turns.
type queue struct {
	mu      sync.Mutex
	free    int
	running int
	waiting []*waiter      // in the order of arrival
	now     int            // virtual time: the latest start of a search that had its turn
	ends    map[Caller]int // when the caller's searches end, in virtual time
}

// waiter is a search that waits or has its turn.
type waiter struct {
	start, end int           // in virtual time
	turn       chan struct{} // closed when the turn has come
}

// take waits for a turn, which [queue.give] must end.
func (q *queue) take(ctx context.Context, who Caller, cost int) error {
	w := q.join(who, cost)
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
		if q.leave(w) {
			return ctx.Err()
		}
		return nil // the turn had come
	}
}

// join adds a search to the queue. It has its turn immediately if one is free.
func (q *queue) join(who Caller, cost int) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	start := max(q.now-credit, q.ends[who])
	w := &waiter{start: start, end: start + max(1, cost), turn: make(chan struct{})}
	q.setEnd(who, w.end)
	q.waiting = append(q.waiting, w)
	q.next()
	return w
}

// setEnd stores when a caller's searches end. If that is too much to store, it evicts the callers
// that had few turns recently, or else all.
func (q *queue) setEnd(who Caller, end int) {
	if len(q.ends) >= maxCallers {
		maps.DeleteFunc(q.ends, func(_ Caller, end int) bool { return end <= q.now-credit })
		if len(q.ends) > maxCallers/2 {
			q.ends = nil
		}
	}
	if q.ends == nil {
		q.ends = map[Caller]int{}
	}
	q.ends[who] = end
}

// give ends a turn.
func (q *queue) give() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free++
	q.running--
	q.next()
	if q.running == 0 {
		q.now, q.ends = 0, nil // no search waits, so no caller has had too much
	}
}

// leave stops waiting, and reports whether the turn had not come yet.
func (q *queue) leave(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	return i >= 0
}

// next gives the free turns to the searches that would end first.
func (q *queue) next() {
	for q.free > 0 && len(q.waiting) > 0 {
		first := 0
		for i, w := range q.waiting {
			if w.end < q.waiting[first].end {
				first = i
			}
		}
		w := q.waiting[first]
		q.waiting = slices.Delete(q.waiting, first, first+1)
		q.now = max(q.now, w.start)
		q.free--
		q.running++
		close(w.turn)
	}
}
