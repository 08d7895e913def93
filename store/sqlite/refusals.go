package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"stile.example/stile/refusals"
)

var _ refusals.Store = (*DB)(nil)

const (
	refusalRows = 64  // added in one transaction, so that calls do not wait longer
	pruneRows   = 500 // removed in one transaction
)

// AddRefusals implements [refusals.Store]. Their times are stored to the millisecond.
func (db *DB) AddRefusals(ctx context.Context, some []refusals.Refusal, most int) error {
	for part := range slices.Chunk(some, refusalRows) {
		err := db.tx(ctx, func(tx *sql.Tx) error { return addRefusals(ctx, tx, part) })
		if err != nil {
			return fmt.Errorf("write refusals: %w", err)
		}
		db.checkpointer.wrote(len(part))
		if err := db.keepRefusals(ctx, most); err != nil {
			return err
		}
	}
	return nil
}

func addRefusals(ctx context.Context, tx *sql.Tx, some []refusals.Refusal) error {
	for _, f := range some {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO refusals (ref, at, tenant, code, rule, most, seen, identity, address, page, detail, observed, more)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (ref) DO UPDATE SET more = excluded.more WHERE excluded.more > more`,
			f.Ref, f.At.UnixMilli(), f.Tenant, f.Code, f.Rule, f.Limit, f.Seen, f.Identity, f.Address, f.Page, f.Detail, f.Observed, f.More)
		if err != nil {
			return err
		}
	}
	return nil
}

// Refusal implements [refusals.Store].
func (db *DB) Refusal(ctx context.Context, ref string) (f refusals.Refusal, err error) {
	return db.readRefusal(ctx, `WHERE ref = ?`, ref)
}

// FirstRefusal implements [refusals.Store].
func (db *DB) FirstRefusal(ctx context.Context, code, identity string) (f refusals.Refusal, err error) {
	return db.readRefusal(ctx, `WHERE code = ? AND identity = ? AND NOT observed ORDER BY at, rowid LIMIT 1`, code, identity)
}

func (db *DB) readRefusal(ctx context.Context, where string, args ...any) (f refusals.Refusal, err error) {
	var at int64
	err = db.read.QueryRowContext(ctx, `
		SELECT ref, at, tenant, code, rule, most, seen, identity, address, page, detail, observed, more
		FROM refusals `+where, args...).
		Scan(&f.Ref, &at, &f.Tenant, &f.Code, &f.Rule, &f.Limit, &f.Seen, &f.Identity, &f.Address, &f.Page, &f.Detail, &f.Observed, &f.More)
	if errors.Is(err, sql.ErrNoRows) {
		return refusals.Refusal{}, refusals.ErrNotFound
	}
	if err != nil {
		return refusals.Refusal{}, fmt.Errorf("read refusal: %w", err)
	}
	f.At = time.UnixMilli(at).UTC()
	return f, nil
}

// PruneRefusals implements [refusals.Store].
func (db *DB) PruneRefusals(ctx context.Context, before time.Time, most int) error {
	err := db.pruneOldest(ctx, before.UnixMilli(), math.MaxInt)
	if err != nil {
		return fmt.Errorf("prune refusals: %w", err)
	}
	return db.keepRefusals(ctx, most)
}

// keepRefusals removes the oldest refusals beyond a maximum.
func (db *DB) keepRefusals(ctx context.Context, most int) error {
	var have int
	if err := db.read.QueryRowContext(ctx, `SELECT count(*) FROM refusals`).Scan(&have); err != nil {
		return fmt.Errorf("count refusals: %w", err)
	}
	if err := db.pruneOldest(ctx, math.MaxInt64, have-most); err != nil {
		return fmt.Errorf("prune refusals: %w", err)
	}
	return nil
}

// pruneOldest removes at most n refusals from before a time in steps, the oldest first.
func (db *DB) pruneOldest(ctx context.Context, before int64, n int) error {
	for n > 0 {
		step, gone := min(n, pruneRows), 0
		err := db.tx(ctx, func(tx *sql.Tx) (err error) {
			gone, err = affected(tx.ExecContext(ctx, `
				DELETE FROM refusals WHERE rowid IN (
					SELECT rowid FROM refusals WHERE at < ? ORDER BY at, rowid LIMIT ?)`, before, step))
			return err
		})
		if err != nil {
			return err
		}
		db.checkpointer.wrote(gone)
		if n -= gone; gone < step {
			return nil
		}
	}
	return nil
}
