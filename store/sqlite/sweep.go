package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"stile.example/stile/tokens"
)

const (
	// sweepAfter is how long after its expiry a token is removed. It is more than a day: if the clock
	// is set back by a day, no token becomes valid that the store has never seen.
	sweepAfter = 25 * time.Hour
	sweepRows  = 500 // at a time, so that calls do not wait longer
)

// Sweep moves the usage of tokens that expired long ago to the ledger, and removes the tokens. It
// also removes the addresses whose states no longer matter. A token whose state can't be read
// stays, and is an error in the end.
func (db *DB) Sweep(ctx context.Context, now time.Time) error {
	before := now.Add(-sweepAfter).Unix()
	var last expiredToken
	var damaged error
	err := db.inSteps(ctx, func(w *writer) (int, error) {
		dead, err := w.sweep(last, before)
		for _, c := range dead {
			last, damaged = c, cmp.Or(damaged, c.damaged)
		}
		return len(dead), err
	})
	if err == nil {
		err = db.inSteps(ctx, func(w *writer) (int, error) { return w.sweepAddresses(now) })
	}
	if err = cmp.Or(err, damaged); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// inSteps runs fn on the writer repeatedly, until it removes fewer rows than it may.
func (db *DB) inSteps(ctx context.Context, fn func(*writer) (n int, err error)) error {
	for {
		var n int
		var fault error
		err := db.writer.do(ctx, func() { n, fault = fn(db.writer) })
		if err = cmp.Or(err, fault); err != nil || n < sweepRows {
			return err
		}
	}
}

// expiredToken is a token that expired long ago.
type expiredToken struct {
	id      tokens.ID
	expires int64
	state   tokens.State
	damaged error // why the state can't be read
}

// sweep moves the next tokens after last, and returns them. A token that is dirty, because it was
// just tried, stays until the next sweep.
func (w *writer) sweep(last expiredToken, before int64) (dead []expiredToken, err error) {
	dead, err = readExpired(w.db.write, last, before)
	if err != nil || len(dead) == 0 {
		return nil, err
	}
	w.db.used.Lock() // its readers must not see a token both in the sum and in the ledger
	defer w.db.used.Unlock()
	var row []byte // removes them in the journal too, or they would be restored from it
	err = w.db.tx(context.Background(), func(tx *sql.Tx) error {
		for _, c := range dead {
			if c.damaged != nil || w.busyWith(c.id) {
				continue
			}
			if err := moveToLedger(tx, c); err != nil {
				return err
			}
			w.db.used.Change(&c.state, &tokens.State{})
			row = appendRecord(row, c.id, &tokens.State{})
		}
		return addToJournal(tx, w.seq+1, row, w.db.used.AppendChanged(nil))
	})
	w.report(err)
	if err != nil {
		w.db.used.Undo()
		return nil, err
	}
	w.db.used.Keep()
	w.db.checkpointer.wrote(len(dead))
	w.wrote(row)
	w.forget(dead)
	return dead, nil
}

// busyWith reports whether a token is dirty.
func (w *writer) busyWith(id tokens.ID) bool {
	sl := w.mem.find(id)
	return sl != nil && sl.isDirty()
}

// forget drops the swept tokens from memory.
func (w *writer) forget(dead []expiredToken) {
	for _, c := range dead {
		if !w.busyWith(c.id) {
			w.mem.drop(c.id)
		}
	}
}

// readExpired reads the next tokens after last that expired before a time.
func readExpired(q *sql.DB, last expiredToken, before int64) (dead []expiredToken, err error) {
	rows, err := q.Query(`
		SELECT id, expires, state FROM tokens
		WHERE expires < ? AND (expires, id) > (?, ?)
		ORDER BY expires, id LIMIT ?`, before, last.expires, last.id[:], sweepRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, state []byte
		var c expiredToken
		if err := rows.Scan(&id, &c.expires, &state); err != nil {
			return nil, err
		}
		copy(c.id[:], id)
		if c.state, err = tokens.DecodeState(state); err != nil || len(id) != len(c.id) {
			c.damaged = fmt.Errorf("token %x can't be read; `stile fsck` says more", id)
		}
		dead = append(dead, c)
	}
	return dead, rows.Err()
}

// moveToLedger writes a token's totals to the ledger and deletes its row.
func moveToLedger(tx *sql.Tx, c expiredToken) error {
	for u := range c.state.Uses() {
		_, err := tx.Exec(`
			INSERT INTO ledger (tenant, day, route, token, calls, records)
			VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, day, route, token)
			DO UPDATE SET calls = max(calls, excluded.calls), records = max(records, excluded.records)`,
			c.state.Tenant, u.Day, u.Route, c.id[:], u.Calls, u.Records)
		if err != nil {
			return err
		}
	}
	return writeToken(tx, c.id, tokens.State{})
}
