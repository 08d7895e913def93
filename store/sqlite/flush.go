package sqlite

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"stile.example/stile/tokens"
)

const (
	foldBytes = 32 << 20 // of journal that start a fold: a kill then costs seconds at most at the next start
	foldRows  = 64       // of a commit, if the batch itself has no more
	foldScan  = 1 << 15  // states looked at with a commit: finding what is dirty takes time too
	idleFold  = time.Minute
	idleRows  = 256 // of a commit for which nobody waits
)

// flush is a walk over the shards of memory that writes the rows of what is
// dirty. The zero fold is none.
type flush struct {
	on    bool
	upTo  int64       // the journal's last row when it began
	shard int         // the first whose dirty states have not been collected
	rest  []tokens.ID // collected, and still to be written
	ahead int         // what shard will be when what is due is written
	next  []tokens.ID // what rest will be then
}

// startFlush begins a fold if there is at least so much in the journal, and
// none is under way.
func (w *writer) startFlush(bytes int) {
	if w.fold.on || w.journal < bytes || w.journal == 0 {
		return
	}
	w.fold = flush{on: true, upTo: w.seq}
	w.journal = 0
	w.folded = w.db.opt.Now()
}

// due is what is to be written next, n rows at most, and whether the fold is
// done then.
func (f *flush) due(m *stateTable, n int) (due []tokens.ID, done bool) {
	if !f.on {
		return nil, false
	}
	f.next, f.ahead = f.rest, f.shard
	for seen := 0; len(f.next) < n && f.ahead < len(m.shards) && seen < foldScan; f.ahead++ {
		seen += len(m.shards[f.ahead].index)
		f.next = append(f.next, m.shards[f.ahead].unwritten()...)
	}
	due = f.next[:min(n, len(f.next))]
	f.next = f.next[len(due):]
	return due, len(f.next) == 0 && f.ahead == len(m.shards)
}

// advance notes that what was due is written.
func (f *flush) advance(m *stateTable, due []tokens.ID, done bool) {
	for _, id := range due {
		m.find(id).dirty = false
	}
	f.rest, f.shard = f.next, f.ahead
	if done {
		*f = flush{}
	}
}

// unwritten is the ids of what is dirty in a shard, in order.
func (sh *shard) unwritten() (dirty []tokens.ID) {
	for id, i := range sh.index {
		if sh.slot(i).dirty {
			dirty = append(dirty, id)
		}
	}
	slices.SortFunc(dirty, compareIDs)
	return dirty
}

func compareIDs(a, b tokens.ID) int { return bytes.Compare(a[:], b[:]) }

// idle does what is left to do while nobody waits, and returns when to come
// again.
func (w *writer) idle() time.Duration {
	if now := w.db.opt.Now(); now.Sub(w.folded) >= idleFold || now.Before(w.folded) {
		w.startFlush(1)
	}
	if !w.fold.on || w.write(nil, idleRows) != nil || len(w.queue) > 0 {
		return time.Second
	}
	return 0
}

// flushAll leaves nothing in the journal.
func (w *writer) flushAll() error {
	for w.startFlush(1); w.fold.on; w.startFlush(1) {
		if err := w.write(nil, 4*idleRows); err != nil {
			return fmt.Errorf("write tokens: %w", err)
		}
	}
	return nil
}
