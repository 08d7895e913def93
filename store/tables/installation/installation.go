// Package installation stores what an installation has one of: what its database belongs to, and
// the number of the current generation of its corpus.
package installation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"stile.example/stile/store/tables/rows"
)

// Table is the tables of the installation.
type Table struct{ DB rows.DB }

// Generation returns the number of the current generation of the corpus, which is 0 at first.
func (t Table) Generation(ctx context.Context) (n int64, err error) {
	return n, t.DB.Reader().QueryRowContext(ctx, `SELECT generation FROM corpus`).Scan(&n)
}

// SetGeneration stores the number of the current generation of the corpus.
func (t Table) SetGeneration(ctx context.Context, n int64) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE corpus SET generation = ?`, n)
		return err
	})
}

// Identity returns what the database belongs to, by name; "" if nothing is stored under it.
func (t Table) Identity(ctx context.Context, name string) (value string, err error) {
	err = t.DB.Reader().QueryRowContext(ctx, `SELECT value FROM identity WHERE name = ?`, name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read identity: %w", err)
	}
	return value, nil
}

// SetIdentity stores what the database belongs to.
func (t Table) SetIdentity(ctx context.Context, name, value string) error {
	err := t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO identity (name, value) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("store identity: %w", err)
	}
	return nil
}
