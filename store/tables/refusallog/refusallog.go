// Package refusallog stores refusals in the database, and lists them.
package refusallog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"stile.example/stile/refusals"
	"stile.example/stile/store/tables/rows"
)

var _ refusals.Store = (*Table)(nil)

const (
	perStep   = 64  // refusals added in one transaction, so that calls do not wait longer
	pruneRows = 500 // removed in one transaction

	recountAfter = 10 * time.Minute // other nodes add and remove rows
)

// DB is the database: see [stile.example/stile/store/sqlite.DB].
type DB interface {
	rows.DB
	Wrote(pages int)
}

// Table is the table of refusals. Others may write to it too, on other nodes.
type Table struct {
	db DB

	mu   sync.Mutex // guards the number of rows, and serialises changes of it
	rows int        // as far as this table knows; -1: not counted yet
	at   time.Time  // when they were counted
}

// New returns the table in a database.
func New(db DB) *Table { return &Table{db: db, rows: -1} }

// AddRefusals implements [refusals.Store]. Their times are stored to the millisecond.
func (t *Table) AddRefusals(ctx context.Context, some []refusals.Refusal, most int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.count(ctx); err != nil {
		return err
	}
	for part := range slices.Chunk(some, perStep) {
		added := 0
		err := t.db.Write(ctx, func(tx *sql.Tx) (err error) {
			added, err = add(ctx, tx, part)
			return err
		})
		if err != nil {
			return fmt.Errorf("write refusals: %w", err)
		}
		t.rows += added
		t.db.Wrote(5 * len(part)) // in each of its indexes, a refusal is in another page
		if err := t.pruneOldest(ctx, math.MaxInt64, t.rows-most); err != nil {
			return fmt.Errorf("prune refusals: %w", err)
		}
	}
	return nil
}

// add adds refusals, and returns how many are new.
func add(ctx context.Context, tx *sql.Tx, some []refusals.Refusal) (added int, err error) {
	for _, f := range some {
		n, err := rows.Affected(tx.ExecContext(ctx, `
			INSERT INTO refusals (ref, at, tenant, code, rule, most, seen, identity, address, page, detail, observed, more, token)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (ref) DO NOTHING`,
			f.Ref, f.At.UnixMilli(), f.Tenant, f.Code, f.Rule, f.Limit, f.Seen, f.Identity, f.Address, f.Page, f.Detail, f.Observed, f.More, tokenOf(f)))
		if err == nil && n == 0 {
			_, err = tx.ExecContext(ctx, `UPDATE refusals SET more = ? WHERE ref = ? AND more < ?`, f.More, f.Ref, f.More)
		}
		if err != nil {
			return 0, err
		}
		added += n
	}
	return added, nil
}

// tokenOf returns the ID of a refusal's token, nil if there is none.
func tokenOf(f refusals.Refusal) []byte {
	if f.Token == [16]byte{} {
		return nil
	}
	return f.Token[:]
}

// count counts the rows, unless that was done recently: with a million of them it takes 20 ms.
func (t *Table) count(ctx context.Context) error {
	if t.rows >= 0 && time.Since(t.at) < recountAfter {
		return nil
	}
	began := time.Now()
	var n int
	if err := t.db.Reader().QueryRowContext(ctx, `SELECT count(*) FROM refusals`).Scan(&n); err != nil {
		return fmt.Errorf("count refusals: %w", err)
	}
	t.rows, t.at = n, began
	return nil
}

// Refusal implements [refusals.Store].
func (t *Table) Refusal(ctx context.Context, ref string) (f refusals.Refusal, err error) {
	return t.one(ctx, `WHERE ref = ?`, ref)
}

// FirstRefusal implements [refusals.Store].
func (t *Table) FirstRefusal(ctx context.Context, code, identity string) (f refusals.Refusal, err error) {
	return t.one(ctx, `WHERE code = ? AND identity = ? AND observed = 0 ORDER BY at, ref LIMIT 1`, code, identity)
}

const columns = `ref, at, tenant, code, rule, most, seen, identity, address, page, detail, observed, more, token`

func (t *Table) one(ctx context.Context, where string, args ...any) (refusals.Refusal, error) {
	f, err := scan(t.db.Reader().QueryRowContext(ctx, `SELECT `+columns+` FROM refusals `+where, args...))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return refusals.Refusal{}, refusals.ErrNotFound
	case err != nil:
		return refusals.Refusal{}, fmt.Errorf("read refusal: %w", err)
	}
	return f, nil
}

func scan(row rows.Row) (f refusals.Refusal, err error) {
	var at int64
	var token []byte
	err = row.Scan(&f.Ref, &at, &f.Tenant, &f.Code, &f.Rule, &f.Limit, &f.Seen, &f.Identity, &f.Address, &f.Page, &f.Detail, &f.Observed, &f.More, &token)
	copy(f.Token[:], token)
	f.At = time.UnixMilli(at).UTC()
	return f, err
}

// PruneRefusals implements [refusals.Store].
func (t *Table) PruneRefusals(ctx context.Context, before time.Time, most int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = -1 // other nodes add rows
	err := t.count(ctx)
	if err == nil {
		err = t.pruneOldest(ctx, before.UnixMilli(), t.rows)
	}
	if err == nil {
		err = t.pruneOldest(ctx, math.MaxInt64, t.rows-most)
	}
	if err != nil {
		return fmt.Errorf("prune refusals: %w", err)
	}
	return nil
}

// pruneOldest removes at most n refusals from before a time in steps, the oldest first.
func (t *Table) pruneOldest(ctx context.Context, before int64, n int) error {
	for n > 0 {
		step, gone := min(n, pruneRows), 0
		err := t.db.Write(ctx, func(tx *sql.Tx) (err error) {
			gone, err = rows.Affected(tx.ExecContext(ctx, `
				DELETE FROM refusals WHERE ref IN (
					SELECT ref FROM refusals WHERE at < ? ORDER BY at, ref LIMIT ?)`, before, step))
			return err
		})
		if err != nil {
			return err
		}
		t.rows -= gone
		t.db.Wrote(gone)
		if n -= gone; gone < step {
			return nil
		}
	}
	return nil
}
