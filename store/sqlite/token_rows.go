package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"stile.example/stile/store/tables/rows"
	"stile.example/stile/store/tables/tokenlist"
	"stile.example/stile/tokens"
)

// The row of a token has its state, and columns for lists of tokens (see package tokenlist). Every
// index of such a column costs time when it changes. So a flush changes only the state, unless the
// token is new or dead, or its last use in the row is older than listEvery.

// listEvery is how far the last use in a row may lag, in seconds.
const listEvery = 300

// listedNext returns the last use that the row of a slot has after a flush.
func (sl slot) listedNext(s *tokens.State) uint32 {
	if used := tokenlist.LastUse(*s); sl.isRelisted(s) || used >= sl.listed()+listEvery {
		return used
	}
	return sl.listed()
}

// isRelisted reports whether more than the last use of a slot may differ from its row. The binding
// of a token never changes, and neither does the state of a dead one.
func (sl slot) isRelisted(s *tokens.State) bool {
	return sl.listed() == 0 || s.Dead != tokens.None || s.Bound.Kind == tokens.Unbound
}

// writeSlot writes the row of a slot, with as few columns as possible.
func writeSlot(tx *sql.Tx, id tokens.ID, sl slot) (err error) {
	s := sl.state()
	switch next := sl.listedNext(&s); {
	case sl.isRelisted(&s):
		return writeToken(tx, id, s)
	case next != sl.listed():
		_, err = tx.Exec(`UPDATE tokens SET state = ?, used = ? WHERE id = ?`, sl.packed(), next, id[:])
	default:
		_, err = tx.Exec(`UPDATE tokens SET state = ? WHERE id = ?`, sl.packed(), id[:])
	}
	return err
}

// writeToken writes the row of a state. The zero State means that the token was never seen, so it
// has no row.
func writeToken(tx *sql.Tx, id tokens.ID, s tokens.State) error {
	if s == (tokens.State{}) {
		_, err := tx.Exec(`DELETE FROM tokens WHERE id = ?`, id[:])
		return err
	}
	_, err := tx.Exec(`
		INSERT INTO tokens (id, tenant, expires, state, used, issued, dead, address)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET
			tenant = excluded.tenant, state = excluded.state, used = excluded.used, dead = excluded.dead, address = excluded.address`,
		id[:], s.Tenant, s.Expires, tokens.AppendPacked(nil, &s), tokenlist.LastUse(s), s.IssuedAt, s.Dead, tokenlist.BoundAddress(s))
	return err
}

// listOld fills in the columns for lists of rows that an older version wrote, in steps. It may be
// killed at any point and then be run again.
func (db *DB) listOld(ctx context.Context) error {
	for more := true; more; {
		err := db.tx(ctx, func(tx *sql.Tx) error {
			old, err := readUnlisted(ctx, tx, 4096)
			more = len(old) > 0
			for _, o := range old {
				if err == nil {
					_, err = tx.ExecContext(ctx, `UPDATE tokens SET used = ?, issued = ?, dead = ?, address = ? WHERE id = ?`,
						tokenlist.LastUse(o.state), o.state.IssuedAt, o.state.Dead, tokenlist.BoundAddress(o.state), o.id[:])
				}
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("prepare the lists of tokens: %w", err)
		}
	}
	return nil
}

// readUnlisted reads some rows that an older version wrote.
func readUnlisted(ctx context.Context, tx *sql.Tx, n int) ([]expiredToken, error) {
	return rows.All(ctx, tx, func(r rows.Row) (o expiredToken, err error) {
		var id, b []byte
		if err := r.Scan(&id, &b); err != nil {
			return o, err
		}
		if o.state, err = tokens.DecodeState(b); err != nil {
			return o, fmt.Errorf("token %x: %w", id, err)
		}
		o.id = tokens.ID(id)
		return o, nil
	}, `SELECT id, state FROM tokens INDEXED BY tokens_unlisted WHERE used IS NULL LIMIT ?`, n)
}

const (
	settleBytes = 256 << 10 // journal that Settle flushes: about 2,000 states
	settleSteps = 8
)

// Settle writes the rows of recently used tokens, so that lists have them. On a busy server, that
// is left to the next flush, a minute later at most, and settled is false.
func (db *DB) Settle(ctx context.Context) (settled bool, err error) {
	w := db.writer
	for step := 0; step < settleSteps && !settled && err == nil; step++ {
		var fault error
		busy := false
		err = w.do(ctx, func() {
			if busy = w.journal > settleBytes; busy {
				return
			}
			w.startFlush(1)
			if w.flush.on {
				fault = w.write(nil, idleRows)
			}
			settled = !w.flush.on && w.journal == 0
		})
		if err == nil {
			err = fault
		}
		if busy {
			return false, err
		}
	}
	return settled, err
}
