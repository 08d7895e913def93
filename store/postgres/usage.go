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
		SELECT tenant, day, route, calls, records FROM ledger_days
		WHERE (? = '' OR tenant IN (SELECT number FROM tenants WHERE client_id = ?))
		  AND day BETWEEN ? AND ? AND (calls <> 0 OR records <> 0)`)
}

// Recount returns what all tenants used as Usage does, but from each row of the ledger.
func (db *DB) Recount(ctx context.Context) ([]usage.Line, error) {
	return db.used(ctx, "", "", "", `
		SELECT tenant, day, route, CAST(sum(calls) AS bigint), CAST(sum(records) AS bigint) FROM ledger
		WHERE (? = '' OR tenant IN (SELECT number FROM tenants WHERE client_id = ?)) AND day BETWEEN ? AND ?
		GROUP BY tenant, day, route`)
}

// used adds up the rows of a query.
func (db *DB) used(ctx context.Context, tenant, from, to, query string) ([]usage.Line, error) {
	l, err := usagesum.New(tenant, from, to)
	if err != nil {
		return nil, err
	}
	client := tenants.ClientIDOf(tenant) // Add leaves out those with another name
	err = rows.View(ctx, db.read, func(tx *sql.Tx) (err error) {
		if l.Names, err = tenanttable.Names(ctx, tx); err != nil {
			return err
		}
		return rows.Each(ctx, tx, func(r rows.Row) error {
			var number uint32
			var day, calls, records int64
			var route tokens.Route
			if err := r.Scan(&number, &day, &route, &calls, &records); err != nil {
				return err
			}
			if route >= tokens.Routes {
				return fmt.Errorf("the ledger is damaged: there is no route %d", route)
			}
			l.Add(number, day, route, calls, records)
			return nil
		}, query, client, client, l.From, l.To)
	})
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return l.Sorted(), nil
}

// EachState calls fn for nothing: all counts of tokens are in the ledger.
func (db *DB) EachState(context.Context, *sql.Tx, func(tokens.ID, tokens.State)) error { return nil }
