package sqlite

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"stile.example/stile/tokens"
)

const (
	// flushBytes is how much journal starts a flush: 350,000 calls. After a kill, a journal of that
	// size delays the next start by a few tenths of a second.
	flushBytes = 24 << 20
	flushRows  = 64      // rows that are written with a commit, unless its batch has more
	flushScan  = 1 << 15 // states that are examined with a commit, since finding dirty ones takes time
	idleFlush  = time.Minute
	idleRows   = 256 // rows that are written with a commit that no step waits for
)

// flush walks over the shards of the states in memory and writes the rows of dirty states, a few
// with each commit: 5,000 rows in one commit would delay calls by 15 ms. The zero flush is not
// under way.
type flush struct {
	on    bool
	upTo  int64       // the journal's last row when it began
	shard int         // the first whose dirty states have not been collected
	rest  []tokens.ID // collected, and still to be written
	ahead int         // the next value of shard, when the rows that are due are written
	next  []tokens.ID // the next value of rest
}

// startFlush starts a flush if the journal has at least that many bytes, and no flush is under way.
func (w *writer) startFlush(bytes int) {
	if w.flush.on || w.journal < bytes || w.journal == 0 {
		return
	}
	w.flush = flush{on: true, upTo: w.seq}
	w.journal = 0
	w.flushedAt = w.db.opt.Now()
}

// due returns the states that must be written next, at most n, and reports whether the flush is
// done after them.
func (f *flush) due(m *stateTable, n int) (due []tokens.ID, done bool) {
	if !f.on {
		return nil, false
	}
	f.next, f.ahead = f.rest, f.shard
	for seen := 0; len(f.next) < n && f.ahead < len(m.shards) && seen < flushScan; f.ahead++ {
		seen += m.shards[f.ahead].len()
		f.next = append(f.next, m.shards[f.ahead].unwritten()...)
	}
	due = f.next[:min(n, len(f.next))]
	f.next = f.next[len(due):]
	return due, len(f.next) == 0 && f.ahead == len(m.shards)
}

// advance notes that the states that were due are written.
func (f *flush) advance(m *stateTable, due []tokens.ID, done bool) {
	for _, id := range due {
		sl := m.find(id)
		s := sl.state()
		sl.setListed(sl.listedNext(&s))
		sl.setDirty(false)
	}
	f.rest, f.shard = f.next, f.ahead
	if done {
		*f = flush{}
	}
}

// unwritten returns the ids of the dirty states in a shard, in order.
func (sh *shard) unwritten() (dirty []tokens.ID) {
	for id, sl := range sh.all() {
		if sl.isDirty() {
			dirty = append(dirty, id)
		}
	}
	slices.SortFunc(dirty, compareIDs)
	return dirty
}

func compareIDs(a, b tokens.ID) int { return bytes.Compare(a[:], b[:]) }

// idle flushes while no step waits, and returns after how long it should be called again.
func (w *writer) idle() time.Duration {
	if now := w.db.opt.Now(); now.Sub(w.flushedAt) >= idleFlush || now.Before(w.flushedAt) {
		w.startFlush(1)
	}
	if !w.flush.on || w.write(nil, idleRows) != nil || len(w.queue) > 0 {
		return time.Second
	}
	return 0
}

// flushAll flushes until the journal is empty.
func (w *writer) flushAll() error {
	for w.startFlush(1); w.flush.on; w.startFlush(1) {
		if err := w.write(nil, 4*idleRows); err != nil {
			return fmt.Errorf("write tokens: %w", err)
		}
	}
	return nil
}
