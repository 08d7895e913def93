package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/store/tables/rows"
)

// EachAddress calls fn for every stored scope, as it was transferred last.
func (db *DB) EachAddress(ctx context.Context, fn func(addresses.Scope, addresses.State)) error {
	err := rows.Each(ctx, db.read, func(r rows.Row) error {
		var address, state []byte
		var bits uint8
		var tenant uint32
		if err := r.Scan(&address, &bits, &tenant, &state); err != nil {
			return err
		}
		if len(address) != 16 {
			return fmt.Errorf("%x is not an address", address)
		}
		of := addresses.Scope{Range: netip.PrefixFrom(netip.AddrFrom16([16]byte(address)).Unmap(), int(bits)), Tenant: tenant}
		s, err := addresses.DecodeState(state)
		if err != nil {
			return fmt.Errorf("address %s: %w", of.Range, err)
		}
		fn(of, s)
		return nil
	}, `SELECT address, bits, tenant, state FROM scopes WHERE length(state) > 0`)
	if err != nil {
		return fmt.Errorf("read addresses: %w", err)
	}
	return nil
}

const (
	// sweepAfter is how long after its expiry a token is removed: see the same in
	// [stile.example/stile/store/sqlite].
	sweepAfter = 25 * time.Hour
	sweepRows  = 500 // at a time
)

// Sweep removes the rows of tokens that expired long ago, whose counts are in the ledger, and those
// of addresses whose states no longer matter. Several nodes may do it at the same time.
func (db *DB) Sweep(ctx context.Context, now time.Time) error {
	err := db.sweep(ctx, `
		DELETE FROM tokens WHERE id IN (
			SELECT id FROM tokens WHERE expires < ? ORDER BY expires, id LIMIT ? FOR UPDATE SKIP LOCKED)`, now.Add(-sweepAfter).Unix())
	if err == nil {
		err = db.sweep(ctx, `
			DELETE FROM scopes WHERE (address, bits, tenant) IN (
				SELECT address, bits, tenant FROM scopes WHERE forget < ? ORDER BY forget LIMIT ? FOR UPDATE SKIP LOCKED)`, now.Unix())
	}
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// sweep runs a statement that removes up to sweepRows rows until it removes fewer.
func (db *DB) sweep(ctx context.Context, query string, before int64) error {
	for {
		gone := 0
		err := db.repeatedly(ctx, func(tx *sql.Tx) (err error) {
			gone, err = rows.Affected(tx.ExecContext(ctx, query, before, sweepRows))
			return err
		})
		if err != nil || gone < sweepRows {
			return err
		}
	}
}

// Ready returns an error if the database can't be read and written.
func (db *DB) Ready(ctx context.Context) error {
	var any bool
	if err := db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM tokens)`).Scan(&any); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	err := inTx(ctx, db.transfer, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO ready (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = excluded.at`, db.opt.Now().Unix())
		return err
	})
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// ErrBackup means that a file with all data can't be made.
var ErrBackup = errors.New("the data is in PostgreSQL, so stile can't write it to a file: use `pg_dump --format=custom` or the snapshots of your provider. The secret key and the settings belong to it; keep them in another place")

// Backup returns [ErrBackup].
func (db *DB) Backup(context.Context, string) error { return ErrBackup }

// Wrote does nothing: PostgreSQL writes its own checkpoints.
func (db *DB) Wrote(int) {}

// Checkpoint does nothing: PostgreSQL writes its own checkpoints.
func (db *DB) Checkpoint() error { return nil }
