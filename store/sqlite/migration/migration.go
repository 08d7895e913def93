// Package migration has the steps from an empty file to the current schema, in the order of their
// names, and runs those that a database has not run yet.
//
// The statements of a released step are never changed, since existing files have run it.
package migration

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	_ "github.com/mattn/go-sqlite3" // for Schema

	"stile.example/stile/store/tables/rows"
)

//go:embed *.sql
var files embed.FS

// Steps returns the steps, as files.
func Steps() fs.FS { return files }

// Names returns the names of steps as a database stores them, in order.
func Names(steps fs.FS) ([]string, error) {
	names, err := fs.Glob(steps, "*.sql") // in lexical order
	for i := range names {
		names[i] = prefix + names[i]
	}
	return names, err
}

// prefix is the directory of the steps, from where the database is.
const prefix = "migration/"

// Writer runs transactions.
type Writer interface {
	Write(ctx context.Context, fn func(*sql.Tx) error) error
}

// Run runs the steps that a database has not run yet, each in a transaction of its own. So a kill
// leaves the schema of before or after a step. It returns an error if the database has run a step
// that is not one of them.
func Run(ctx context.Context, db Writer, steps fs.FS) error {
	names, err := Names(steps)
	if err != nil {
		return err
	}
	err = db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) STRICT`)
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
			return fmt.Errorf("%s: %w", name, err)
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
	text, err := fs.ReadFile(steps, name[len(prefix):])
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
			return fmt.Errorf("the file has run %s, which this program does not know: use the newer program that wrote the file, or restore a backup that was made before the upgrade", name)
		}
	}
	return nil
}

// Missing returns the steps that a database has not run yet, in their order.
func Missing(ctx context.Context, q rows.Querier) ([]string, error) {
	names, err := Names(files)
	if err != nil {
		return nil, err
	}
	done, err := rows.All(ctx, q, rows.Value[string], `SELECT name FROM migrations`)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(done, name) }), nil
}

// IsOfStep reports whether a step contains a statement, as SQLite keeps it in its schema.
func IsOfStep(statement string) (bool, error) {
	names, err := fs.Glob(files, "*.sql")
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return false, err
		}
		if bytes.Contains(text, []byte(statement)) {
			return true, nil
		}
	}
	return false, err
}

// Object is a table, an index, a trigger or a view.
type Object struct {
	Type string
	Name string
	SQL  string // the statement that makes it
}

// Objects returns what a database has, except what SQLite makes for itself, in order.
func Objects(ctx context.Context, q rows.Querier) ([]Object, error) {
	return rows.All(ctx, q, func(r rows.Row) (o Object, err error) {
		return o, r.Scan(&o.Type, &o.Name, &o.SQL)
	}, `SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type DESC, name`)
}

// Schema returns what a new database has after all steps.
func Schema(ctx context.Context) (all []Object, err error) {
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	if err := Run(ctx, inMemory{db}, files); err != nil {
		return nil, err
	}
	return Objects(ctx, db)
}

type inMemory struct{ *sql.DB }

// Write implements [Writer].
func (db inMemory) Write(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
