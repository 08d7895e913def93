package sqlite

import (
	"context"
	"database/sql"
)

// Generation returns the number of the current generation of the corpus, which is 0 at first.
func (db *DB) Generation(ctx context.Context) (n int64, err error) {
	return n, db.read.QueryRowContext(ctx, `SELECT generation FROM corpus`).Scan(&n)
}

// SetGeneration stores the number of the current generation of the corpus.
func (db *DB) SetGeneration(ctx context.Context, n int64) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE corpus SET generation = ?`, n)
		return err
	})
}
