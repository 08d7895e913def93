package sqlite

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"stile.example/stile/tokens"
)

const (
	queueLen = 8192 // steps that may wait
	batchLen = 1024 // steps of one commit
)

// writer is the goroutine that steps tokens and addresses. Memory and journal are its own;
// others talk to it by its channels.
type writer struct {
	db      *DB
	mem     *stateTable
	addrs   addressCache // the addresses that tokens are bound to
	changes []change     // of the batch that is being written
	row     []byte       // of the journal, kept for its room
	seq     int64        // of the journal's last row
	journal int          // bytes written to it since the last fold began
	fold    flush
	folded  time.Time // when the last fold began
	failing bool
	at      uint32 // when the batch at hand began, Unix seconds

	queue           chan *step
	jobs            chan func() // run between two batches
	closing, closed chan struct{}
	pulse           *sharedTicker
	closeErr        error // good once closed is
	steps           sync.Pool
}

// change is a state that a batch changed, and what it was before.
type change struct {
	id    tokens.ID
	at    *slot // good as long as memory has not moved
	moved uint32
	old   tokens.State
	fresh bool // it was not in memory
	dirty bool // it was newer than its row already
}

// slot is where a changed state is now.
func (w *writer) slot(c change) *slot {
	if c.moved == w.mem.layout {
		return c.at
	}
	return w.mem.find(c.id)
}

func startWriter(db *DB) *writer {
	w := &writer{
		db:      db,
		folded:  db.opt.Now(),
		addrs:   newAddressCache(maxAddresses),
		mem:     newStateTable(db.opt.KeepIdle, db.opt.MaxStates),
		queue:   make(chan *step, queueLen),
		jobs:    make(chan func()),
		closing: make(chan struct{}),
		closed:  make(chan struct{}),
		steps:   sync.Pool{New: func() any { return &step{done: make(chan struct{}, 1)} }},
	}
	w.pulse = startTicker(w.closed)
	go w.run()
	return w
}

func (w *writer) run() {
	defer close(w.closed)
	batch := make([]*step, 0, batchLen)
	idle := time.NewTimer(time.Second)
	for {
		select {
		case s := <-w.queue:
			w.awaitBatch()
			w.commitBatch(w.collect(batch, s))
		case job := <-w.jobs:
			job()
		case <-idle.C:
			idle.Reset(w.idle())
		case <-w.closing:
			w.closeErr = w.finish(batch)
			return
		}
		w.mem.evictIdle(w.now())
	}
}

// awaitBatch lets those come who are about to, as long as any do: batches are ten
// times as long, and each costs one commit.
func (w *writer) awaitBatch() {
	for n := -1; n != len(w.queue); {
		n = len(w.queue)
		runtime.Gosched()
	}
}

// collect is the steps that wait now, s first, without those given up.
func (w *writer) collect(batch []*step, s *step) []*step {
	for {
		if s.claim() {
			batch = append(batch, s)
		}
		if len(batch) == cap(batch) {
			return batch
		}
		select {
		case s = <-w.queue:
		default:
			return batch
		}
	}
}

// commitBatch takes the steps, commits what they changed, and answers them: also
// those that changed nothing, since they may have seen what others did.
func (w *writer) commitBatch(batch []*step) {
	w.at = w.now()
	for _, s := range batch {
		s.err = w.apply(s)
	}
	err := w.commit()
	for _, s := range batch {
		if err != nil {
			s.err = err
		}
		s.done <- struct{}{}
	}
}

func (w *writer) apply(s *step) error {
	if s.addrFn != nil {
		return w.applyToAddress(s)
	}
	sl, err := w.load(s.id)
	if err != nil {
		w.report(err)
		return fmt.Errorf("read token: %w", err)
	}
	var old tokens.State
	if sl != nil {
		old = sl.state
	}
	next, err := call(w, s.fn, old)
	if err == nil && next != old {
		w.change(s.id, sl, next)
	}
	return err
}

// load is the slot of id, read from its row if need be; nil if there is none.
func (w *writer) load(id tokens.ID) (*slot, error) {
	if sl := w.mem.find(id); sl != nil {
		sl.used = w.at
		return sl, nil
	}
	s, err := readToken(w.db.write, id)
	if err != nil || s == (tokens.State{}) {
		return nil, err
	}
	return w.mem.put(id, s, w.at), nil
}

// call calls fn, and survives it.
func call[S any](w *writer, fn func(S) S, old S) (next S, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.db.opt.Log.Error("a step panicked", "panic", p, "stack", string(debug.Stack()))
			next, err = old, fmt.Errorf("step: panic: %v", p)
		}
	}()
	return fn(old), nil
}

// change puts a new state into memory, to be committed or undone.
func (w *writer) change(id tokens.ID, sl *slot, next tokens.State) {
	fresh := sl == nil
	if fresh {
		sl = w.mem.put(id, tokens.State{}, w.at)
	}
	if !sl.touched {
		w.changes = append(w.changes, change{id, sl, w.mem.layout, sl.state, fresh, sl.dirty})
	}
	w.mem.assign(sl, next)
	sl.dirty, sl.touched = true, true
}

// undo takes back what a batch changed in memory.
func (w *writer) undo() {
	for _, c := range w.changes {
		if c.fresh {
			w.mem.drop(c.id)
			continue
		}
		sl := w.slot(c)
		w.mem.assign(sl, c.old)
		sl.dirty, sl.touched = c.dirty, false
	}
	w.changes = w.changes[:0]
	w.addrs.undo()
}

// do runs fn on the writer, between two batches.
func (w *writer) do(ctx context.Context, fn func()) error {
	done := make(chan struct{})
	select {
	case w.jobs <- func() { defer close(done); fn() }:
		<-done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closed:
		return ErrClosed
	}
}

// finish serves whoever still waits and writes all rows.
func (w *writer) finish(batch []*step) error {
	for {
		select {
		case s := <-w.queue:
			w.commitBatch(w.collect(batch, s))
		default:
			return w.flushAll()
		}
	}
}

// stop ends the writer when all that waits has been answered.
func (w *writer) stop() error {
	close(w.closing)
	<-w.closed
	return w.closeErr
}

// report says once that the file cannot be used, and once that it can again.
func (w *writer) report(err error) {
	switch failing := err != nil; {
	case failing && !w.failing:
		w.db.opt.Log.Error("the store does not work", "err", err)
	case !failing && w.failing:
		w.db.opt.Log.Info("the store works again")
	}
	w.failing = err != nil
}

func (w *writer) now() uint32 { return uint32(w.db.opt.Now().Unix()) }
