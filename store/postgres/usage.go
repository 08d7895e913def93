package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"stile.example/stile/store/tables/rows"
	"stile.example/stile/store/tables/tenanttable"
	"stile.example/stile/store/tables/usagesum"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

var _ usage.Store = (*DB)(nil)

// Usage implements [usage.Store], from the sums of the ledger. It has what was transferred before:
// the caller makes all nodes transfer what they have.
func (db *DB) Usage(ctx context.Context, tenant, from, to string) ([]usage.Line, error) {
	return db.used(ctx, tenant, from, to, `
		SELECT tenant, day, route, calls, records FROM ledger_days WHERE calls <> 0 OR records <> 0`)
}

// Recount returns what all tenants used as Usage does, but from each row of the ledger.
func (db *DB) Recount(ctx context.Context) ([]usage.Line, error) {
	return db.used(ctx, "", "", "", `
		SELECT tenant, day, route, sum(calls) AS calls, sum(records) AS records FROM ledger GROUP BY tenant, day, route`)
}

// used adds up the lines of a query.
func (db *DB) used(ctx context.Context, tenant, from, to, lines string) ([]usage.Line, error) {
	l, err := usagesum.New(tenant, from, to)
	if err != nil {
		return nil, err
	}
	query, args := `
		SELECT tenant, string_agg(day || ' ' || route || ' ' || calls || ' ' || records, ' ') FROM (`+lines+`) AS lines
		WHERE day BETWEEN ? AND ?`, []any{l.From, l.To}
	if tenant != "" { // Add leaves out those with another name
		query, args = query+` AND tenant IN (SELECT number FROM tenants WHERE client_id = ?)`, append(args, tenants.ClientIDOf(tenant))
	}
	err = rows.View(ctx, db.read, func(tx *sql.Tx) (err error) {
		if l.Names, err = tenanttable.Names(ctx, tx); err != nil {
			return err
		}
		return rows.Each(ctx, tx, func(r rows.Row) error {
			var number uint32
			var text sql.RawBytes
			if err := r.Scan(&number, &text); err != nil {
				return err
			}
			return usagesum.EachCount(text, func(n [4]int64) { l.Add(number, n[0], tokens.Route(n[1]), n[2], n[3]) })
		}, query+` GROUP BY tenant`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return l.Sorted(), nil
}

// EachState calls fn for nothing: all counts of tokens are in the ledger.
func (db *DB) EachState(context.Context, *sql.Tx, func(tokens.ID, tokens.State)) error { return nil }
