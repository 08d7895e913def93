package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

var _ tokens.Store = (*DB)(nil)

// ErrBusy means that too many steps already wait to be written.
var ErrBusy = errors.New("too many steps are waiting to be written")

// ErrClosed means that the database was closed.
var ErrClosed = errors.New("the database is closed")

// step is an Update, or an UpdateAddress, that waits for the writer.
type step struct {
	id     tokens.ID
	fn     func(tokens.State) tokens.State
	addr   addrKey
	addrFn func(addresses.State) addresses.State // nil: the step is for a token

	err     error
	claimed atomic.Bool   // by the writer, or by a caller that gave up
	done    chan struct{} // one message when err is set; then the step belongs to the caller again
}

// claim claims the step, and reports whether it was not claimed before.
func (s *step) claim() bool { return s.claimed.CompareAndSwap(false, true) }

// Update implements [tokens.Store]. A step whose ctx ends while it still waits is not applied. fn
// must not call the database.
func (db *DB) Update(ctx context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := db.writer.steps.Get().(*step)
	s.id, s.fn = id, fn
	return db.writer.enqueue(ctx, s)
}

// Peek implements [tokens.Store].
func (db *DB) Peek(id tokens.ID) (tokens.State, bool) { return db.writer.mem.peek(id) }

// enqueue puts a step in the queue, and returns its result.
func (w *writer) enqueue(ctx context.Context, s *step) error {
	s.err = nil
	s.claimed.Store(false)
	select {
	case w.queue <- s:
	default:
		w.release(s)
		return ErrBusy
	}
	return w.wait(ctx, s)
}

// wait returns the result of a queued step. A step that is given up stays in the queue, where the
// writer finds that it is claimed. Every tickInterval, wait checks whether ctx has ended: most
// steps are done in a millisecond, and waiting for the end of each context would take 13 % more
// processor time per call (BenchmarkGate with a timeout for each call).
func (w *writer) wait(ctx context.Context, s *step) error {
	for {
		var gone error
		select {
		case <-s.done:
			err := s.err
			w.release(s)
			return err
		case <-w.ticker.next():
			gone = w.gone(ctx)
		}
		if gone != nil && s.claim() {
			return gone
		}
	}
}

// gone returns the reason not to wait any longer, or nil.
func (w *writer) gone(ctx context.Context) error {
	select {
	case <-w.closed:
		return ErrClosed
	default:
		return ctx.Err()
	}
}

// release returns a step to the pool.
func (w *writer) release(s *step) {
	s.fn, s.addrFn = nil, nil
	w.steps.Put(s)
}

// Live returns how many tokens are in memory, which means that they were used recently, and are not
// dead.
func (db *DB) Live() int { return int(db.writer.mem.live.Load()) }

// readToken reads the row of a state. A token without one has the zero State.
func readToken(q *sql.DB, id tokens.ID) (tokens.State, error) {
	var b []byte
	err := q.QueryRow(`SELECT state FROM tokens WHERE id = ?`, id[:]).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return tokens.State{}, nil
	}
	if err != nil {
		return tokens.State{}, err
	}
	return tokens.DecodeState(b)
}
