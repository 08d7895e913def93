package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"

	"stile.example/stile/store/sqlite/rows"
)

// migrations is the steps from an empty file to the current schema, in the order of their names.
// The statements of a released step are never changed, since existing files have run it.
//
//go:embed migration/*.sql
var migrations embed.FS

// IsOfMigration reports whether a step contains a statement, as SQLite keeps it in its schema.
func IsOfMigration(statement string) (bool, error) {
	names, err := fs.Glob(migrations, "migration/*.sql")
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return false, err
		}
		if bytes.Contains(text, []byte(statement)) {
			return true, nil
		}
	}
	return false, err
}

// migrate runs the steps that the file has not run yet, each in a transaction of its own. So a kill
// leaves the schema of before or after a step.
func (db *DB) migrate(ctx context.Context, steps fs.FS) error {
	_, err := db.write.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) STRICT`)
	if err != nil {
		return err
	}
	names, err := fs.Glob(steps, "migration/*.sql") // in lexical order
	if err != nil {
		return err
	}
	if err := db.knowsAll(ctx, names); err != nil {
		return err
	}
	for _, name := range names {
		err := db.tx(ctx, func(tx *sql.Tx) error { return migrateBy(ctx, tx, steps, name) })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// migrateBy runs one step, unless the file has run it.
func migrateBy(ctx context.Context, tx *sql.Tx, steps fs.FS, name string) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO migrations (name) VALUES (?) ON CONFLICT DO NOTHING`, name)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	text, err := fs.ReadFile(steps, name)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, string(text))
	return err
}

// knowsAll returns an error if the file has run a step that this program does not know.
func (db *DB) knowsAll(ctx context.Context, names []string) error {
	done, err := rows.All(ctx, db.write, rows.Value[string], `SELECT name FROM migrations`)
	if err != nil {
		return err
	}
	for _, name := range done {
		if !slices.Contains(names, name) {
			return fmt.Errorf("the file has run %s, which this program does not know: use the newer program that wrote the file", name)
		}
	}
	return nil
}
