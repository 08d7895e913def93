package values

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"stile.example/stile/store/states"
)

// swap is a swap that waits, or is on its way.
type swap struct {
	states.Swap
	key []byte
	end time.Time // when its caller gives up; zero: never

	taken   atomic.Bool // by a batch, or by its caller, who gave up
	was     []byte
	swapped bool
	isUsed  bool
	err     error
	done    chan struct{} // closed when the result is there
}

// swapBatches swaps what waits, in batches, until the engine is closed.
func (e *Engine) swapBatches() {
	var later []*swap // for keys that the last batch had already
	for {
		var first *swap
		if len(later) == 0 {
			select {
			case first = <-e.queue:
			case <-e.closed:
				return
			}
		}
		var batch []*swap
		if batch, later = e.collect(first, later); len(batch) > 0 {
			e.commit(batch)
		}
	}
}

// collect returns the swaps that wait. A statement can swap a key once: further swaps of it are for
// the next batch.
func (e *Engine) collect(first *swap, earlier []*swap) (batch, later []*swap) {
	keys := map[string]bool{}
	add := func(s *swap) {
		switch {
		case len(batch) == batchLen || keys[string(s.key)]:
			later = append(later, s)
		case s.taken.CompareAndSwap(false, true):
			keys[string(s.key)] = true
			batch = append(batch, s)
		}
	}
	for _, s := range earlier {
		add(s)
	}
	if first != nil {
		add(first)
		e.awaitBatch()
	}
	for len(batch)+len(later) < batchLen {
		select {
		case s := <-e.queue:
			add(s)
		default:
			return batch, later
		}
	}
	return batch, later
}

// awaitBatch yields until the queue stops growing, so that batches become larger.
func (e *Engine) awaitBatch() {
	for n := -1; n != len(e.queue); {
		n = len(e.queue)
		runtime.Gosched()
	}
}

const (
	commitTimeout = 1500 * time.Millisecond // as long as a change may take, unless callers wait longer
	maxRepeats    = 3                       // of a batch that the server ended because of others
)

// commit swaps a batch, and returns to all its callers.
func (e *Engine) commit(batch []*swap) {
	defer func() {
		for _, s := range batch {
			close(s.done)
		}
	}()
	within := commitTimeout
	for _, s := range batch {
		within = max(within, time.Until(s.end))
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	err := e.send(ctx, batch)
	for n := 0; n < maxRepeats && mayRepeat(err); n++ {
		err = e.send(ctx, batch)
	}
	if err != nil {
		for _, s := range batch {
			s.swapped, s.err = false, err
		}
	}
}

// mayRepeat reports whether a statement had no effect because of others that ran at the same time.
func mayRepeat(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}

// send sends the statement of a batch, and reads the results.
func (e *Engine) send(ctx context.Context, batch []*swap) error {
	of := make(map[string]*swap, len(batch))
	var keys, knowns, nexts, digests [][]byte
	var expires, untils []int64
	for _, s := range batch {
		of[string(s.key)] = s
		keys, knowns, nexts = append(keys, s.key), append(knowns, s.Known), append(nexts, s.Next)
		expires = append(expires, s.Expires.Unix())
		var digest []byte
		var until int64
		if s.Once != (states.Once{}) {
			digest, until = s.Once.Digest[:], s.Once.Until.Unix()
		}
		digests, untils = append(digests, digest), append(untils, until)
	}
	rows, err := e.pool.QueryContext(ctx, `SELECT key, swapped, used, present FROM swap_states(
		$1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bigint[])`, keys, knowns, nexts, expires, digests, untils)
	if err != nil {
		return outcome(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key sql.RawBytes
		var swapped, used bool
		var present []byte
		if err := rows.Scan(&key, &swapped, &used, &present); err != nil {
			return outcome(err)
		}
		if s := of[string(key)]; s != nil {
			s.swapped, s.isUsed, s.was = swapped, used, present
		}
	}
	return outcome(errors.Join(rows.Err(), rows.Close()))
}

// outcome returns the error of a statement, and says whether it may have happened.
func outcome(err error) error {
	e, isServers := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
		return nil
	case isServers && !saysCut(e.Code), pgconn.SafeToRetry(err):
		return fmt.Errorf("store states: %w", err)
	}
	return fmt.Errorf("store states: %w: %w", states.ErrUnknown, err)
}

// saysCut reports whether an error of the server says that its connection ends, perhaps after a
// commit. Codes that begin with 08 are of PgBouncer, whose server has gone.
func saysCut(code string) bool {
	return strings.HasPrefix(code, "57P") || strings.HasPrefix(code, "08")
}
