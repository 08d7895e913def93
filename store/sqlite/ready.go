package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// Ready returns an error if the database can't be read and written, for example because the disk is
// full.
func (db *DB) Ready(ctx context.Context) error {
	var any bool
	if err := db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM tokens)`).Scan(&any); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	err := db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO ready (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = excluded.at`, db.opt.Now().Unix())
		return err
	})
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
