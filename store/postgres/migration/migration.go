// Package migration has the steps from an empty PostgreSQL database to the current schema, in the
// order of their names, and runs those that a database has not run yet.
//
// The statements of a released step are never changed, since existing databases have run it.
package migration

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"

	"stile.example/stile/store/tables/rows"
)

//go:embed *.sql
var files embed.FS

// Steps returns the steps, as files.
func Steps() fs.FS { return files }

// Writer runs transactions, one at a time in all processes that use the database.
type Writer interface {
	Write(ctx context.Context, fn func(*sql.Tx) error) error
}

// Run runs the steps that a database has not run yet, each in a transaction of its own. Several
// processes may call it at the same time. It returns an error if the database has run a step that
// is not one of them.
func Run(ctx context.Context, db Writer, steps fs.FS) error {
	names, err := fs.Glob(steps, "*.sql") // in lexical order
	if err != nil {
		return err
	}
	err = db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (name text COLLATE "C" PRIMARY KEY)`)
		if err != nil {
			return err
		}
		return knowsAll(ctx, tx, names)
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := db.Write(ctx, func(tx *sql.Tx) error { return runStep(ctx, tx, steps, name) }); err != nil {
			return fmt.Errorf("migrate to %s: %w", name, err)
		}
	}
	return nil
}

// runStep runs one step, unless the database has run it.
func runStep(ctx context.Context, tx *sql.Tx, steps fs.FS, name string) error {
	n, err := rows.Affected(tx.ExecContext(ctx, `INSERT INTO migrations (name) VALUES (?) ON CONFLICT DO NOTHING`, name))
	if err != nil || n == 0 {
		return err
	}
	text, err := fs.ReadFile(steps, name)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, string(text))
	return err
}

// knowsAll returns an error if the database has run a step that is not in names.
func knowsAll(ctx context.Context, q rows.Querier, names []string) error {
	done, err := rows.All(ctx, q, rows.Value[string], `SELECT name FROM migrations`)
	if err != nil {
		return err
	}
	for _, name := range done {
		if !slices.Contains(names, name) {
			return fmt.Errorf("the database has run the migration %s, which this program does not know: run the newer program that migrated it, or restore a backup that was made before", name)
		}
	}
	return nil
}

// Missing returns the names of the steps that are not among those that a database has run. It is
// never nil. It returns an error if the database has run a step that this program does not know.
func Missing(done []string) ([]string, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range done {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("the database has run the migration %s, which this program does not know: use the newer program that migrated it", name)
		}
	}
	missing := []string{}
	for _, name := range names {
		if !slices.Contains(done, name) {
			missing = append(missing, name)
		}
	}
	return missing, nil
}
