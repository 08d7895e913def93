// Package values is the engine of states for an installation that has only PostgreSQL, and the
// tables to which the states of any engine are transferred.
//
// All changes that wait at a node are one statement and one transaction: a commit is shared by many
// calls, and a call is one round trip. The statement keeps nothing in a session, so it works
// through PgBouncer in transaction mode.
package values

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"

	"stile.example/stile/store/postgres"
	"stile.example/stile/store/states"
)

const (
	flights     = 2   // batches that are on their way at the same time
	batchLen    = 512 // swaps of one batch
	queueLen    = 8192
	connections = flights + 3 // the others read, and remove what has expired
	cancelWait  = 250 * time.Millisecond
	removeEvery = 15 * time.Second
	removeRows  = 500
)

// ErrClosed means that the engine was closed.
var ErrClosed = errors.New("the engine of states is closed")

// Engine keeps values in PostgreSQL. Its memory is never lost, so it has no epoch. While the server
// does not respond, callers wait for as long as their ctx: a [states.Guard] bounds how many.
type Engine struct {
	pool   *sql.DB
	now    func() time.Time
	log    *slog.Logger
	queue  chan *swap
	closed chan struct{}
	stop   func()
	work   sync.WaitGroup
}

var (
	_ states.Engine  = (*Engine)(nil)
	_ states.Sweeper = (*Engine)(nil)
)

// Open returns an engine in the database of a URL, whose schema must be current.
func Open(ctx context.Context, url string, now func() time.Time, log *slog.Logger) (*Engine, error) {
	cfg, err := postgres.Config(url)
	if err != nil {
		return nil, err
	}
	// Each connection asks once for the types of a statement, and sends values in binary then: with 20
	// states in a batch, that takes 37 % less time of both processors than texts. It prepares nothing
	// under a name, so PgBouncer may give each transaction another session.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	cfg.StatementCacheCapacity, cfg.DescriptionCacheCapacity = 0, 32
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: cancelWait}
	}
	e := &Engine{pool: sql.OpenDB(stdlib.GetConnector(*cfg)), now: now, log: log,
		queue: make(chan *swap, queueLen), closed: make(chan struct{})}
	e.pool.SetMaxOpenConns(connections)
	e.pool.SetMaxIdleConns(connections)
	e.pool.SetConnMaxLifetime(time.Hour)
	e.stop = sync.OnceFunc(func() { close(e.closed) })
	if err := e.Ready(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the states at %s: %w", postgres.Place(cfg), err), e.pool.Close())
	}
	for range flights {
		e.work.Go(e.swapBatches)
	}
	e.work.Go(e.removeSpent)
	return e, nil
}

// keyOf returns a key as it is stored.
func keyOf(k states.Key) []byte { return append([]byte{k.Kind}, k.ID...) }

// Swap implements [states.Engine].
func (e *Engine) Swap(ctx context.Context, s states.Swap) (was states.Present, swapped bool, err error) {
	was, swapped, err = e.swap(ctx, s)
	if err == nil && !swapped && was.Value == nil && s.Known == nil {
		was, err = e.Get(ctx, s.Key) // another node has just added the value
	}
	return was, swapped, err
}

// swap puts a swap in the queue, and waits for its result.
func (e *Engine) swap(ctx context.Context, s states.Swap) (was states.Present, swapped bool, err error) {
	w := &swap{Swap: s, key: keyOf(s.Key), done: make(chan struct{})}
	w.end, _ = ctx.Deadline()
	select {
	case e.queue <- w:
	case <-e.closed:
		return was, false, ErrClosed
	case <-ctx.Done():
		return was, false, ctx.Err()
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if w.taken.CompareAndSwap(false, true) {
			return was, false, ctx.Err()
		}
		return was, false, fmt.Errorf("%w: %w", states.ErrUnknown, ctx.Err())
	case <-e.closed:
		if w.taken.CompareAndSwap(false, true) {
			return was, false, ErrClosed
		}
		<-w.done // a batch that is on its way is bounded in time
	}
	if w.isUsed && w.err == nil {
		w.err = states.ErrUsed
	}
	return states.Present{Value: w.was}, w.swapped, w.err
}

// Get implements [states.Engine].
func (e *Engine) Get(ctx context.Context, k states.Key) (p states.Present, err error) {
	err = e.pool.QueryRowContext(ctx, `SELECT value FROM states WHERE key = $1`, keyOf(k)).Scan(&p.Value)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("read a state: %w", err)
	}
	return p, err
}

const eachRows = 1000 // of one query

// Each implements [states.Engine]. It reads in steps, so that no transaction is open for long.
func (e *Engine) Each(ctx context.Context, kind byte, fn func(states.Key, []byte) error) error {
	for after, n := []byte{kind}, eachRows; n == eachRows; {
		rows, err := e.pool.QueryContext(ctx, `
			SELECT key, value FROM states WHERE key > $1 AND key < $2 ORDER BY key LIMIT $3`, after, []byte{kind + 1}, eachRows)
		if err != nil {
			return fmt.Errorf("read states: %w", err)
		}
		for n = 0; rows.Next(); n++ {
			var value []byte
			if err = rows.Scan(&after, &value); err == nil {
				err = fn(states.Key{Kind: kind, ID: string(after[1:])}, value)
			}
			if err != nil {
				return errors.Join(err, rows.Close())
			}
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("read states: %w", err)
		}
	}
	return nil
}

// Ready implements [states.Engine].
func (e *Engine) Ready(ctx context.Context) error {
	var any bool
	if err := e.pool.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM states)`).Scan(&any); err != nil {
		return fmt.Errorf("read states: %w", err)
	}
	return nil
}

// before is the time of a node, unless it is later than that of the server: a node whose clock is
// wrong must not remove what others need.
const before = `least($1, extract(epoch FROM now())::bigint)`

// Sweep implements [states.Sweeper].
func (e *Engine) Sweep(ctx context.Context, at time.Time) error {
	err := e.remove(ctx, `DELETE FROM states WHERE key IN (
		SELECT key FROM states WHERE expires <= `+before+` ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED)`, at)
	if err == nil {
		err = e.sweepSpent(ctx, at)
	}
	return err
}

func (e *Engine) sweepSpent(ctx context.Context, at time.Time) error {
	return e.remove(ctx, `DELETE FROM states_spent WHERE (key, digest) IN (
		SELECT key, digest FROM states_spent WHERE until <= `+before+` ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED)`, at)
}

// remove runs a statement that removes up to removeRows rows until it removes fewer.
func (e *Engine) remove(ctx context.Context, query string, at time.Time) error {
	for {
		res, err := e.pool.ExecContext(ctx, query, at.Unix(), removeRows)
		if err != nil {
			return fmt.Errorf("remove expired states: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n < removeRows {
			return err
		}
	}
}

// removeSpent removes what was spent and is too old to be used again.
func (e *Engine) removeSpent() {
	tick := time.NewTicker(removeEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-e.closed:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), removeEvery)
		err := e.sweepSpent(ctx, e.now())
		cancel()
		if err != nil && !failing {
			e.log.Warn("used proofs can't be removed", "err", err)
		}
		failing = err != nil
	}
}

// Close implements [states.Engine].
func (e *Engine) Close() error {
	e.stop()
	e.work.Wait()
	return e.pool.Close()
}
