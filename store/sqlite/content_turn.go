package sqlite

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"stile.example/stile/content"
)

// times are the time limits of questions.
type times struct {
	whole  time.Duration // for a search, and for suggestions and related items; the next two are parts of it
	total  time.Duration // for counting matches beyond those that were ranked
	facets time.Duration // for counting facets
	turn   time.Duration // that an expensive search waits for its turn, before its own time begins
}

var searchTimes = times{
	whole:  200 * time.Millisecond,
	total:  50 * time.Millisecond,
	facets: 100 * time.Millisecond,
	turn:   2 * time.Second,
}

// Costs of searches, in places of the full text.
const (
	expensive = 20_000  // from this cost on, a search needs a turn: about 10 ms of work
	long      = 60_000  // from this cost on, it needs one of the turns of long searches: about 30 ms of work
	credit    = 200_000 // how far an asker that had few turns is ahead of the others, at most
)

// maxAskers is how many askers are noted for each kind of turn: about 1 MB.
const maxAskers = 16_384

// cores is how many processors Go was given at the start, without the spare one
// that commands.serve adds.
var cores = runtime.GOMAXPROCS(0)

// turnsOn returns how many turns there are on so many processors, and how many
// for long searches. Together they leave one processor to everything else, if
// there are more than two.
func turnsOn(cores int) (short, long int) { return max(1, cores/2), max(1, (cores-1)/2) }

// turn waits until a search of that cost may run, and returns what must be
// called when it is done. Cheap searches never wait: an item and a rare word
// are found quickly while expensive searches run. Long searches have turns of
// their own, so that a search for an ordinary word does not wait for the end of
// one.
func (db *DB) turn(ctx context.Context, q content.Query, cost int) (done func(), err error) {
	if cost < expensive {
		return func() {}, nil
	}
	t := &db.turns
	if cost >= long {
		t = &db.longTurns
	}
	ctx, cancel := context.WithTimeout(ctx, db.times.turn)
	defer cancel()
	if err := t.take(ctx, asker{q.Asker.Address, q.Tenant}, cost/max(1, q.Asker.Share)); err != nil {
		return nil, fmt.Errorf("wait for other searches: %w", err)
	}
	return t.give, nil
}

// turns bounds how many searches run at the same time. Those that wait are
// served by fair queueing in virtual time, which is the work done for each asker. Each asker gets the same part of the
// work, however many searches it has waiting. One that had few turns recently is
// ahead of the others, by at most credit. The zero value gives no turns.
type turns struct {
	mu      sync.Mutex
	free    int
	running int
	waiting []*waiter     // in the order of arrival
	now     int           // virtual time: the latest start of a search that had its turn
	ends    map[asker]int // when the asker's searches end, in virtual time
}

// asker is an address together with the tenant whose token it uses.
type asker struct {
	from   netip.Addr
	tenant uint32
}

type waiter struct {
	start int // in virtual time
	end   int
	turn  chan struct{} // closed when the turn has come
}

// take waits for a turn. [turns.give] must end it.
func (t *turns) take(ctx context.Context, who asker, cost int) error {
	w := t.join(who, cost)
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
		if t.leave(w) {
			return ctx.Err()
		}
		return nil // the turn had come
	}
}

// join waits in the queue, and has its turn immediately if there is one.
func (t *turns) join(who asker, cost int) *waiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	start := max(t.now-credit, t.ends[who])
	w := &waiter{start: start, end: start + max(1, cost), turn: make(chan struct{})}
	t.note(who, w.end)
	t.waiting = append(t.waiting, w)
	t.next()
	return w
}

// note keeps when an asker's searches end. If that is too much to keep, it
// evicts those that had few turns recently, or else all.
func (t *turns) note(who asker, end int) {
	if len(t.ends) >= maxAskers {
		maps.DeleteFunc(t.ends, func(_ asker, end int) bool { return end <= t.now-credit })
		if len(t.ends) > maxAskers/2 {
			t.ends = nil
		}
	}
	if t.ends == nil {
		t.ends = map[asker]int{}
	}
	t.ends[who] = end
}

// give ends a turn.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	t.running--
	t.next()
	if t.running == 0 {
		t.now, t.ends = 0, nil // nobody waits: nobody has had too much
	}
}

// leave stops waiting, and reports whether the turn had not come yet.
func (t *turns) leave(w *waiter) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.waiting, w)
	if i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	return i >= 0
}

// next gives the free turns to those that would end first.
func (t *turns) next() {
	for t.free > 0 && len(t.waiting) > 0 {
		first := 0
		for i, w := range t.waiting {
			if w.end < t.waiting[first].end {
				first = i
			}
		}
		w := t.waiting[first]
		t.waiting = slices.Delete(t.waiting, first, first+1)
		t.now = max(t.now, w.start)
		t.free--
		t.running++
		close(w.turn)
	}
}

// cost is an upper bound of the places of the full text that a search looks
// at. It is known before the search runs, from how many items have its words.
func (s selection) cost(facets int) int {
	return s.tokens*s.least + s.ranked + s.merged + facets*min(s.least, facetable)
}
