// Package historytable stores the history in the database.
package historytable

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/history"
	"stile.example/stile/store/tables/rows"
)

var _ history.Store = Table{}

// DB is the database: see [stile.example/stile/store/sqlite.DB].
type DB interface {
	rows.DB
	Wrote(pages int)
}

// Table is the table of the history.
type Table struct{ DB DB }

const pruneRows = 500 // removed in one transaction

func seconds(s history.Step) int64 { return int64(time.Duration(s) / time.Second) }

// AddHistory implements [history.Store].
func (t Table) AddHistory(ctx context.Context, points []history.Point) error {
	err := t.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, p := range points {
			if err := add(ctx, tx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	t.DB.Wrote(len(points))
	return nil
}

// add adds the counts of a point to those in its row.
func add(ctx context.Context, tx *sql.Tx, p history.Point) error {
	sum := history.Counts{}
	var text string
	err := tx.QueryRowContext(ctx, `SELECT counts FROM history WHERE step = ? AND tenant = ? AND at = ?`, seconds(p.Step), p.Tenant, p.At.Unix()).Scan(&text)
	if err == nil {
		err = json.Unmarshal([]byte(text), &sum)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	sum.Add(p.Counts)
	next, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO history (step, tenant, at, counts) VALUES (?, ?, ?, ?)
		ON CONFLICT (step, tenant, at) DO UPDATE SET counts = excluded.counts`,
		seconds(p.Step), p.Tenant, p.At.Unix(), string(next))
	return err
}

// History implements [history.Store].
func (t Table) History(ctx context.Context, q history.Query) ([]history.Point, error) {
	points, err := rows.All(ctx, t.DB.Reader(), func(r rows.Row) (history.Point, error) {
		p := history.Point{Step: q.Step, Tenant: q.Tenant}
		var at int64
		var text sql.RawBytes
		if err := r.Scan(&at, &text); err != nil {
			return p, err
		}
		p.At = time.Unix(at, 0).UTC()
		if err := json.Unmarshal(text, &p.Counts); err != nil {
			return p, fmt.Errorf("at %s: %w", p.At.Format(time.RFC3339), err)
		}
		return p, nil
	}, `SELECT at, counts FROM history WHERE step = ? AND tenant = ? AND at >= ? AND at < ? ORDER BY at`,
		seconds(q.Step), q.Tenant, q.From.Unix(), q.To.Unix())
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	return points, nil
}

// PruneHistory implements [history.Store], in steps.
func (t Table) PruneHistory(ctx context.Context, s history.Step, before time.Time) error {
	err := rows.Prune(ctx, t.DB, pruneRows, `
		DELETE FROM history WHERE (step, tenant, at) IN (
			SELECT step, tenant, at FROM history WHERE step = ? AND at < ? LIMIT ?)`, seconds(s), before.Unix())
	if err != nil {
		return fmt.Errorf("prune the history: %w", err)
	}
	return nil
}
