package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"stile.example/stile/store/tables/rows"
	"stile.example/stile/store/tables/tenanttable"
	"stile.example/stile/store/tables/usagesum"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

var _ usage.Store = (*DB)(nil)

// Usage implements [usage.Store]. It returns what a tenant used, or all tenants if tenant is "", by
// tenant, day and route. Tenants are named as [tenants.Names] says. The days are those from from to
// to, both included; "" means no bound. All calls are included whose response was sent before Usage
// was called.
//
// It adds up the sum of all states, which is in memory, and that of the ledger.
func (db *DB) Usage(ctx context.Context, tenant, from, to string) ([]usage.Line, error) {
	l, err := usagesum.New(tenant, from, to)
	if err != nil {
		return nil, err
	}
	if err := db.sumStates(ctx); err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	err = rows.View(ctx, db.read, func(tx *sql.Tx) error {
		// At one moment: otherwise a token's counts could be read both before and after a sweep has
		// moved them.
		db.used.Lock()
		states, err := db.used.Copy(), beginReading(ctx, tx)
		db.used.Unlock()
		if err == nil {
			err = readLedger(ctx, tx, l)
		}
		states.AddTo(l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return l.Sorted(), nil
}

// beginReading fixes the moment of which a transaction reads.
func beginReading(ctx context.Context, tx *sql.Tx) error {
	var n int
	return tx.QueryRowContext(ctx, `SELECT count(*) FROM corpus`).Scan(&n)
}

// sumStates adds up all states, unless that was done since the database was opened. Calls continue
// meanwhile: the writer fixes the moment between two batches, and counts changes from then on.
func (db *DB) sumStates(ctx context.Context) error {
	db.summing.Lock()
	defer db.summing.Unlock()
	if db.used.IsComplete() {
		return nil
	}
	return rows.View(ctx, db.read, func(tx *sql.Tx) error {
		var fault error
		err := db.writer.do(ctx, func() {
			db.used.Lock()
			defer db.used.Unlock()
			fault = beginReading(ctx, tx)
			db.used.Begin()
		})
		if err = errors.Join(err, fault); err != nil {
			return err
		}
		var states usagesum.Tokens
		states.Begin()
		if err := EachState(ctx, tx, func(_ tokens.ID, s tokens.State) { states.Change(&tokens.State{}, &s) }); err != nil {
			return err
		}
		db.used.Lock()
		defer db.used.Unlock()
		db.used.Complete(&states)
		return nil
	})
}

// Recount returns what all tenants used as [DB.Usage] does, but reads every state.
func (db *DB) Recount(ctx context.Context) (lines []usage.Line, err error) {
	err = rows.View(ctx, db.read, func(tx *sql.Tx) error {
		lines, err = UsageIn(ctx, tx)
		return err
	})
	return lines, err
}

// UsageIn returns what all tenants used, in a transaction, from every state and the ledger's sums.
func UsageIn(ctx context.Context, tx *sql.Tx) ([]usage.Line, error) {
	l, err := usagesum.New("", "", "")
	if err != nil {
		return nil, err
	}
	if err := readLedger(ctx, tx, l); err != nil {
		return nil, err
	}
	err = EachState(ctx, tx, func(_ tokens.ID, s tokens.State) { l.AddState(s) })
	return l.Sorted(), err
}

// readLedger adds the ledger to l, and sets its names of the tenants.
func readLedger(ctx context.Context, tx *sql.Tx, l *usagesum.Lines) (err error) {
	if l.Names, err = tenanttable.Names(ctx, tx); err != nil {
		return err
	}
	client := tenants.ClientIDOf(l.Client) // Add leaves out those with another name
	// The first part finds each tenant of the ledger by one step in the index.
	// SQLite joins the rows of a tenant into one text: one by one they would take twice as long.
	return rows.Each(ctx, tx, func(r rows.Row) error {
		var tenant uint32
		var text sql.RawBytes
		if err := r.Scan(&tenant, &text); err != nil {
			return err
		}
		return usagesum.EachCount(text, func(n [4]int64) { l.Add(tenant, n[0], tokens.Route(n[1]), n[2], n[3]) })
	}, `
		WITH RECURSIVE counted(n) AS (
			SELECT min(tenant) FROM ledger_days
			UNION ALL
			SELECT (SELECT min(tenant) FROM ledger_days WHERE tenant > n) FROM counted WHERE n IS NOT NULL)
		SELECT tenant, group_concat(day || ' ' || route || ' ' || calls || ' ' || records, ' ') FROM ledger_days
		WHERE tenant IN (SELECT n FROM counted WHERE ? = '' OR n IN (SELECT number FROM tenants WHERE client_id = ?))
		  AND day BETWEEN ? AND ? AND (calls <> 0 OR records <> 0)
		GROUP BY tenant`, client, client, l.From, l.To)
}

// EachState calls fn for the state of each token: from the journal if it is in it, else from its
// row.
func EachState(ctx context.Context, tx *sql.Tx, fn func(tokens.ID, tokens.State)) error {
	newer, _, err := readJournal(ctx, tx, -1)
	if err != nil {
		return err
	}
	for id, s := range newer {
		fn(id, s)
	}
	return rows.Each(ctx, tx, func(r rows.Row) error {
		var id, b sql.RawBytes
		if err := r.Scan(&id, &b); err != nil {
			return err
		}
		name := tokens.ID(id)
		if _, known := newer[name]; known {
			return nil
		}
		s, err := tokens.DecodeState(b)
		if err != nil {
			return fmt.Errorf("token %x: %w", id, err)
		}
		fn(name, s)
		return nil
	}, `SELECT id, state FROM tokens`)
}
