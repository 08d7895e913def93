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

// writer is the goroutine that steps tokens and addresses. Only it uses the states in memory and
// the journal; other goroutines use its channels.
type writer struct {
	db        *DB
	mem       *stateTable
	addrs     addressCache      // the addresses that tokens are bound to
	changes   []change          // of the batch at hand, which are in memory once they are durable
	changed   map[tokens.ID]int // the place of a token in changes
	row       []byte            // of the journal, reused
	sums      []byte            // of the journal's row, reused
	seq       int64             // of the journal's last row
	journal   int               // bytes written to it since the last flush began
	flush     flush
	flushedAt time.Time // when the last flush began
	failing   bool
	at        uint32 // when the batch at hand began, Unix seconds

	queue           chan *step
	jobs            chan func() // run between two batches
	closing, closed chan struct{}
	ticker          *sharedTicker
	closeErr        error     // valid once closed is closed
	steps           sync.Pool // saves 8 % of the processor time of a call (BenchmarkGate)
}

// change is a state that a batch changed.
type change struct {
	id        tokens.ID
	old, next tokens.State
	end       int // of the packed next in the journal's row
}

// newWriter returns a writer that does not run yet.
func newWriter(db *DB) *writer {
	return &writer{
		db:        db,
		changed:   map[tokens.ID]int{},
		flushedAt: db.opt.Now(),
		addrs:     newAddressCache(maxAddresses),
		mem:       newStateTable(db.opt.KeepIdle, db.opt.MaxStates),
		queue:     make(chan *step, queueLen),
		jobs:      make(chan func()),
		closing:   make(chan struct{}),
		closed:    make(chan struct{}),
		steps:     sync.Pool{New: func() any { return &step{done: make(chan struct{}, 1)} }},
	}
}

func (w *writer) start() {
	w.ticker = startTicker(w.closed)
	go w.run()
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

// awaitBatch yields until the queue stops growing. Batches become about ten times larger (14 steps
// instead of 1.6), and each costs one commit. With 64 callers that saves more than half of the
// processor time of a call (BenchmarkGate).
func (w *writer) awaitBatch() {
	for n := -1; n != len(w.queue); {
		n = len(w.queue)
		runtime.Gosched()
	}
}

// collect returns the steps that wait now, beginning with s, except those that were given up.
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

// commitBatch applies the steps, commits what they changed, and then returns to all of them. A step
// that changed nothing waits too, since it may have read what another step changed.
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
	at, isChanged := w.changed[s.id]
	var old tokens.State
	if isChanged {
		old = w.changes[at].next
	} else if err := w.load(s.id, &old); err != nil {
		w.report(err)
		return fmt.Errorf("read token: %w", err)
	}
	next, err := call(w, s.fn, old)
	switch {
	case err != nil || next == old:
	case isChanged:
		w.changes[at].next = next
	default:
		w.changed[s.id] = len(w.changes)
		w.changes = append(w.changes, change{id: s.id, old: old, next: next})
	}
	return err
}

// load reads the state of id, the zero State if the token was never seen. A state that is not in
// memory is read from its row.
func (w *writer) load(id tokens.ID, s *tokens.State) (err error) {
	if sl := w.mem.find(id); sl != nil {
		sl.setUsed(w.at)
		*s = sl.state()
		return nil
	}
	if *s, err = readToken(w.db.write, id); err == nil && *s != (tokens.State{}) {
		w.mem.set(id, tokens.AppendPacked(nil, s), isAlive(s), w.at)
	}
	return err
}

// call calls fn. A panic of fn is returned as an error.
func call[S any](w *writer, fn func(S) S, old S) (next S, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.db.opt.Log.Error("a step panicked", "panic", p, "stack", string(debug.Stack()))
			next, err = old, fmt.Errorf("step: panic: %v", p)
		}
	}()
	return fn(old), nil
}

// forgetBatch forgets what a batch changed.
func (w *writer) forgetBatch() {
	w.changes = w.changes[:0]
	clear(w.changed)
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

// finish applies the steps that still wait, and writes all rows.
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

// stop ends the writer when all steps that wait are done.
func (w *writer) stop() error {
	close(w.closing)
	<-w.closed
	return w.closeErr
}

// report logs once that the file can't be used, and once that it can be used again.
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
