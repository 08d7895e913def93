// Package rows has what the packages with tables in the database share: how they reach it, how they
// read the rows of a query, and how they store times.
package rows

import (
	"context"
	"database/sql"
	"slices"
	"time"
)

// DB is the database: see [stile.example/stile/store/sqlite.DB].
type DB interface {
	Write(ctx context.Context, fn func(*sql.Tx) error) error
	Reader() *sql.DB
}

// Querier is a pool of connections or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Row is a row that is being read.
type Row interface{ Scan(...any) error }

// Each calls fn for each row of a query, and returns fn's first error.
func Each(ctx context.Context, q Querier, fn func(Row) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// All returns what scan reads of each row of a query, up to the first error.
func All[T any](ctx context.Context, q Querier, scan func(Row) (T, error), query string, args ...any) (all []T, err error) {
	err = Each(ctx, q, func(r Row) error {
		v, err := scan(r)
		if err == nil {
			all = append(all, v)
		}
		return err
	}, query, args...)
	return all, err
}

// Value reads a row of one column, for [All].
func Value[T any](r Row) (v T, err error) {
	err = r.Scan(&v)
	return v, err
}

// View runs fn in a transaction that can only read. All its reads see the database as it was at
// the first one.
func View(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return fn(tx)
}

// Affected returns how many rows a statement changed.
func Affected(res sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// Prune runs a statement that removes up to limit rows until it removes fewer. The limit is the
// statement's last parameter, after args. Each run is a transaction of its own, so that calls don't
// wait for all of them.
func Prune(ctx context.Context, db DB, limit int, query string, args ...any) error {
	args = append(slices.Clip(args), limit)
	for gone := limit; gone >= limit; {
		err := db.Write(ctx, func(tx *sql.Tx) (err error) {
			gone, err = Affected(tx.ExecContext(ctx, query, args...))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Millis returns a time as it is stored: in Unix milliseconds, 0 for the zero time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time returns the time that [Millis] stores as ms.
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
