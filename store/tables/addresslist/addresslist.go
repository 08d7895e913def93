// Package addresslist stores the address list in the database.
package addresslist

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/store/tables/rows"
)

// Table is the table of the address list.
type Table struct{ DB rows.DB }

// Entries implements [addresses.Store].
func (t Table) Entries(ctx context.Context) ([]addresses.Entry, error) {
	all, err := rows.All(ctx, t.DB.Reader(), scanEntry, `SELECT range, kind, until, reason, bindings FROM address_list`)
	if err != nil {
		return nil, fmt.Errorf("read address list: %w", err)
	}
	slices.SortFunc(all, func(a, b addresses.Entry) int { return a.Range.Compare(b.Range) })
	return all, nil
}

func scanEntry(row rows.Row) (e addresses.Entry, err error) {
	var text string
	var until sql.NullInt64
	if err := row.Scan(&text, &e.Kind, &until, &e.Reason, &e.Bindings); err != nil {
		return e, err
	}
	if until.Valid {
		e.Until = time.Unix(until.Int64, 0).UTC()
	}
	e.Range, err = netip.ParsePrefix(text)
	return e, err
}

// PutEntry implements [addresses.Store]. Its time is stored to the second.
func (t Table) PutEntry(ctx context.Context, e addresses.Entry) error {
	until := sql.NullInt64{Int64: e.Until.Unix(), Valid: !e.Until.IsZero()}
	err := t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO address_list (range, kind, until, reason, bindings)
			VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (range) DO UPDATE SET
				kind = excluded.kind, until = excluded.until, reason = excluded.reason, bindings = excluded.bindings`,
			e.Range.String(), e.Kind, until, e.Reason, e.Bindings)
		return err
	})
	if err != nil {
		return fmt.Errorf("write address list: %w", err)
	}
	return nil
}

// RemoveEntry implements [addresses.Store].
func (t Table) RemoveEntry(ctx context.Context, r netip.Prefix) (was bool, err error) {
	err = t.DB.Write(ctx, func(tx *sql.Tx) error {
		n, err := rows.Affected(tx.ExecContext(ctx, `DELETE FROM address_list WHERE range = ?`, r.String()))
		was = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("write address list: %w", err)
	}
	return was, nil
}

// ForgetAt returns when the state of an address no longer matters, if it does not change: a week
// for each step by which its next block would be longer, and eight days. The eighth day allows for
// a clock that is set back by a day.
func ForgetAt(s addresses.State, now time.Time) int64 {
	const day = 24 * 60 * 60
	return max(now.Unix(), s.Until+7*day*int64(s.Step)) + 8*day
}
