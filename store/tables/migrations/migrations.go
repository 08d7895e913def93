// Package migrations runs the steps from an empty database to the current schema, in the order of
// their names, and knows which of them a database has run.
package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"slices"

	"stile.example/stile/store/tables/rows"
)

// Steps are the steps of an engine.
type Steps struct {
	Files  fs.FS  // one step in each, as SQL
	Prefix string // of the names that a database stores
	Table  string // the statement that makes the table of these names, unless it exists

	// First is run in the transaction of the first step; nil: nothing is.
	First func(ctx context.Context, tx *sql.Tx) error
}

// Writer runs transactions, one at a time in all processes that use the database.
type Writer interface {
	Write(ctx context.Context, fn func(*sql.Tx) error) error
}

// Names returns the names of the steps as a database stores them, in order.
func (s Steps) Names() ([]string, error) {
	names, err := fs.Glob(s.Files, "*.sql") // in lexical order
	for i := range names {
		names[i] = s.Prefix + names[i]
	}
	return names, err
}

// Run runs the steps that a database has not run yet, each in a transaction of its own. So a kill
// leaves the schema of before or after a step, and several processes may call Run at the same time.
// It returns an error if the database has run a step that is not one of them.
func (s Steps) Run(ctx context.Context, db Writer) error {
	names, err := s.Names()
	if err != nil {
		return err
	}
	err = db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, s.Table); err != nil {
			return err
		}
		_, err := s.Missing(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for i, name := range names {
		then := s.First
		if i > 0 {
			then = nil
		}
		if err := db.Write(ctx, func(tx *sql.Tx) error { return s.runStep(ctx, tx, name, then) }); err != nil {
			return fmt.Errorf("migrate to %s: %w", name, err)
		}
	}
	return nil
}

// runStep runs one step and then a function, nil for none, unless the database has run the step.
func (s Steps) runStep(ctx context.Context, tx *sql.Tx, name string, then func(context.Context, *sql.Tx) error) error {
	n, err := rows.Affected(tx.ExecContext(ctx, `INSERT INTO migrations (name) VALUES (?) ON CONFLICT DO NOTHING`, name))
	if err != nil || n == 0 {
		return err
	}
	text, err := fs.ReadFile(s.Files, name[len(s.Prefix):])
	if err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, string(text)); err != nil || then == nil {
		return err
	}
	return then(ctx, tx)
}

// Missing returns the names of the steps that a database has not run yet, in order. It returns an
// error if the database has run a step that is not one of them.
func (s Steps) Missing(ctx context.Context, q rows.Querier) ([]string, error) {
	names, err := s.Names()
	if err != nil {
		return nil, err
	}
	done, err := rows.All(ctx, q, rows.Value[string], `SELECT name FROM migrations`)
	if err != nil {
		return nil, err
	}
	for _, name := range done {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("the database has run the migration %s, which this program does not know: use the newer program that migrated it, or restore a backup that was made before", name)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(done, name) }), nil
}
