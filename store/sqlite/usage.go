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

// readSums reads the sum of all states before the journal is read. If it is missing, since an older
// version wrote the database, it reads all states, also those in the journal, and stores the sum.
// The sums in the journal, which `stile fsck` may have found wrong, are not used any more.
func (db *DB) readSums(ctx context.Context) error {
	var sums []byte
	err := db.read.QueryRowContext(ctx, `SELECT sums FROM token_usage`).Scan(&sums)
	if err == nil {
		err = db.used.Set(sums)
	}
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return db.tx(ctx, func(tx *sql.Tx) error {
		err := EachState(ctx, tx, func(_ tokens.ID, s tokens.State) { db.used.Change(&tokens.State{}, &s) })
		if err != nil {
			return err
		}
		db.used.Keep()
		if _, err := tx.ExecContext(ctx, `UPDATE journal SET usage = NULL, checksum = NULL`); err != nil {
			return err
		}
		return writeSums(tx, &db.used)
	})
}

// writeSums writes the sum of all states.
func writeSums(tx *sql.Tx, used *usagesum.Tokens) error {
	_, err := tx.Exec(`INSERT INTO token_usage (one, sums) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET sums = excluded.sums`, append([]byte{}, used.Append(nil)...))
	return err
}

// SumsIn returns the sum of all states in a transaction, as it is stored. ok is false if it is not
// stored yet.
func SumsIn(ctx context.Context, tx *sql.Tx) (sums *usagesum.Tokens, ok bool, err error) {
	var stored []byte
	sums = new(usagesum.Tokens)
	err = tx.QueryRowContext(ctx, `SELECT sums FROM token_usage`).Scan(&stored)
	if errors.Is(err, sql.ErrNoRows) {
		return sums, false, nil
	}
	if err == nil {
		err = sums.Set(stored)
	}
	if err == nil {
		err = eachJournal(ctx, tx, func(_ int64, _, changed []byte) error { return sums.Set(changed) })
	}
	return sums, true, err
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
	newer, err := readJournal(ctx, tx)
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
