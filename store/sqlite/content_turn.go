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
	turn   time.Duration // that a question waits for its turn, before its own time begins
}

var searchTimes = times{
	whole:  200 * time.Millisecond,
	total:  50 * time.Millisecond,
	facets: 100 * time.Millisecond,
	turn:   2 * time.Second,
}

// Costs of questions, in places of the full text.
const (
	cheap     = 2_000   // of a question that looks at fewer: about 1 ms of work
	expensive = 20_000  // from this cost on, a search is not quick: about 10 ms of work
	long      = 60_000  // from this cost on, it is long: about 30 ms of work
	credit    = 200_000 // how far an asker that had few turns is ahead of the others, at most
)

// maxAskers is how many askers are noted in each lane: about 1 MB.
const maxAskers = 16_384

// cores is how many processors Go was given at the start, without the spare one
// that commands.serve adds.
var cores = runtime.GOMAXPROCS(0)

// lanes are the turns of questions by what they cost, so that an item or a rare
// word does not wait for the end of a search for an ordinary word, and that one
// not for the end of a long one. Together, ordinary and long searches leave one
// processor to everything else, if there are more than two.
type lanes struct{ quick, ordinary, long turns }

// open gives as many turns as so many processors can work on.
func (l *lanes) open(cores int) {
	l.quick.free, l.ordinary.free, l.long.free = max(2, cores), max(1, cores/2), max(1, (cores-1)/2)
}

func (l *lanes) of(cost int) *turns {
	switch {
	case cost >= long:
		return &l.long
	case cost >= expensive:
		return &l.ordinary
	}
	return &l.quick
}

// inTurn runs fn, a question of that cost, when the turn of its asker has come.
func (db *DB) inTurn(ctx context.Context, cost int, fn func() error) error {
	wait, cancel := context.WithTimeout(ctx, db.times.turn)
	defer cancel()
	t, who := db.turns.of(cost), content.AskerOf(ctx)
	if err := t.take(wait, asker{who.Address, who.Tenant}, max(cost, cheap)/max(1, who.Share)); err != nil {
		return fmt.Errorf("wait for other questions: %w", err)
	}
	defer t.give()
	return fn()
}

// turns bounds how many questions run at the same time. Those that wait are
// served by fair queueing: each asker gets the same part of the work, however
// many questions it has waiting. Virtual time is the work that was done for each
// of those who wait. An asker that had few turns recently is ahead of the
// others, by at most credit. The zero value gives no turns.
type turns struct {
	mu      sync.Mutex
	free    int
	running int
	waiting []*waiter     // in the order of arrival
	now     int           // virtual time: the latest start of a question that had its turn
	ends    map[asker]int // when the asker's questions end, in virtual time
}

// asker is an address together with the tenant whose token it uses.
type asker struct {
	from   netip.Addr
	tenant uint32
}

// waiter is a question that waits or has its turn.
type waiter struct {
	start, end int           // in virtual time
	turn       chan struct{} // closed when the turn has come
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

// note keeps when an asker's questions end. If that is too much to keep, it
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
