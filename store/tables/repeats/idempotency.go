// Package repeats stores the requests of the admin API that may be repeated.
package repeats

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"stile.example/stile/idempotency"
	"stile.example/stile/store/tables/rows"
)

var _ idempotency.Store = Table{}

// Table is the table of requests.
type Table struct{ DB rows.DB }

// maxRemoved is how many old records a transaction removes, so that it takes a short time.
const maxRemoved = 1000

// BeginRequest implements [idempotency.Store].
func (t Table) BeginRequest(ctx context.Context, r idempotency.Record, before time.Time, most int) (stored idempotency.Record, began bool, err error) {
	err = t.DB.Write(ctx, func(tx *sql.Tx) error {
		stored, began = idempotency.Record{}, false
		_, err := tx.ExecContext(ctx, `DELETE FROM idempotency WHERE id IN (SELECT id FROM idempotency WHERE at < ? LIMIT ?)`, before.Unix(), maxRemoved)
		if err != nil {
			return err
		}
		stored, err = find(ctx, tx, r.ID)
		if err == nil && stored.At.Before(before) { // one of more than maxRemoved
			_, err = tx.ExecContext(ctx, `DELETE FROM idempotency WHERE id = ?`, r.ID[:])
			if err == nil {
				stored, err = idempotency.Record{}, sql.ErrNoRows
			}
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM idempotency WHERE actor = ?`, r.Actor[:]).Scan(&n); err != nil || n >= most {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO idempotency (id, actor, fingerprint, at, process) VALUES (?, ?, ?, ?, ?)`,
			r.ID[:], r.Actor[:], r.Fingerprint[:], r.At.Unix(), r.Process[:])
		began = err == nil
		return err
	})
	return stored, began, err
}

// ForgetOld removes the records that can't be repeated any more, also if nobody sends another
// request with a key: a response may contain a secret.
func (t Table) ForgetOld(ctx context.Context, now time.Time) error {
	return rows.Prune(ctx, t.DB, maxRemoved, `
		DELETE FROM idempotency WHERE id IN (SELECT id FROM idempotency WHERE at < ? LIMIT ?)`, now.Add(-idempotency.Lasts).Unix())
}

func find(ctx context.Context, tx *sql.Tx, id [sha256.Size]byte) (r idempotency.Record, err error) {
	var key, actor, fingerprint, process []byte
	var at int64
	err = tx.QueryRowContext(ctx, `SELECT id, actor, fingerprint, at, process, response FROM idempotency WHERE id = ?`, id[:]).
		Scan(&key, &actor, &fingerprint, &at, &process, &r.Response)
	copy(r.ID[:], key)
	copy(r.Actor[:], actor)
	copy(r.Fingerprint[:], fingerprint)
	copy(r.Process[:], process)
	r.At = time.Unix(at, 0).UTC()
	return r, err
}

// EndRequest implements [idempotency.Store].
func (t Table) EndRequest(ctx context.Context, id [sha256.Size]byte, response []byte) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE idempotency SET response = ? WHERE id = ?`, response, id[:])
		return err
	})
}

// ForgetRequest implements [idempotency.Store].
func (t Table) ForgetRequest(ctx context.Context, id [sha256.Size]byte) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM idempotency WHERE id = ?`, id[:])
		return err
	})
}
