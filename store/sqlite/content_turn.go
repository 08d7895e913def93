package sqlite

import (
	"context"
	"fmt"
	"runtime"
	"time"
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

// expensive is the cost from which a search needs a turn, in places of the
// full text: about 10 ms of work.
const expensive = 20_000

// maxTurns is how many expensive searches run at the same time. One processor
// is left to everything else, where there is more than one.
func maxTurns() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// turn waits until a search of that cost may run, in the order of arrival, and
// returns what must be called when it is done. Other searches never wait: an
// item and a rare word are found as fast as ever while expensive searches run.
func (db *DB) turn(ctx context.Context, cost int) (done func(), err error) {
	if cost < expensive {
		return func() {}, nil
	}
	done = func() { <-db.turns }
	select {
	case db.turns <- struct{}{}:
		return done, nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, db.times.turn)
	defer cancel()
	select {
	case db.turns <- struct{}{}:
		return done, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other searches: %w", ctx.Err())
	}
}

// cost is an upper bound of the places of the full text that a search looks
// at. It is known before the search runs, from how many items have its words.
func (s selection) cost(facets int) int {
	return s.tokens*s.least + s.ranked + s.merged + facets*min(s.least, facetable)
}
