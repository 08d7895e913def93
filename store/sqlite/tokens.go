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

// ErrBusy says that too many steps wait to be written already.
var ErrBusy = errors.New("too many steps are waiting to be written")

// ErrClosed says that the database was closed.
var ErrClosed = errors.New("the database is closed")

// step is an Update, or an UpdateAddress, that waits for the writer.
type step struct {
	id     tokens.ID
	fn     func(tokens.State) tokens.State
	addr   addrKey
	addrFn func(addresses.State) addresses.State // nil: it is a token's step

	err     error
	claimed atomic.Bool   // by the writer, or by a caller who has given up
	done    chan struct{} // one message when err is set; then it is the caller's again
}

// claim takes the step away from whoever else might want it, and says whether
// that worked.
func (s *step) claim() bool { return s.claimed.CompareAndSwap(false, true) }

// Update implements [tokens.Store]. A step whose ctx ends while it still
// waits its turn is not taken. fn must not call the database.
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

// enqueue lets a step wait its turn, and returns what became of it.
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

// wait returns what became of a queued step. One that is given up is left to
// the writer, who will find it owned. Whether ctx has ended is looked at now
// and then: most steps are done in a millisecond, and to wait for the end of a
// context costs it a timer.
func (w *writer) wait(ctx context.Context, s *step) error {
	for {
		var gone error
		select {
		case <-s.done:
			err := s.err
			w.release(s)
			return err
		case <-w.pulse.next():
			gone = w.gone(ctx)
		}
		if gone != nil && s.claim() {
			return gone
		}
	}
}

// gone says why there is no use in waiting, if so.
func (w *writer) gone(ctx context.Context) error {
	select {
	case <-w.closed:
		return ErrClosed
	default:
		return ctx.Err()
	}
}

// release gives a step back that is done.
func (w *writer) release(s *step) {
	s.fn, s.addrFn = nil, nil
	w.steps.Put(s)
}

// Live is how many good tokens were used lately, which is to say are in
// memory.
func (db *DB) Live() int { return int(db.writer.mem.live.Load()) }

// readToken reads a state's row; a token without one has the zero State.
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

// writeToken writes a state's row. The zero State, which says never seen, is
// no row.
func writeToken(tx *sql.Tx, id tokens.ID, s tokens.State) error {
	if s == (tokens.State{}) {
		_, err := tx.Exec(`DELETE FROM tokens WHERE id = ?`, id[:])
		return err
	}
	_, err := tx.Exec(`
		INSERT INTO tokens (id, tenant, expires, state)
		VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, state = excluded.state`,
		id[:], s.Tenant, s.Expires, tokens.AppendState(nil, s))
	return err
}
