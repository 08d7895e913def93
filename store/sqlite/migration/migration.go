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
	"io/fs"

	_ "github.com/mattn/go-sqlite3" // for Schema

	"stile.example/stile/store/tables/migrations"
	"stile.example/stile/store/tables/rows"
)

//go:embed *.sql
var files embed.FS

// Steps returns the steps, as files.
func Steps() fs.FS { return files }

// prefix is the directory of the steps, from where the database is.
const prefix = "migration/"

func stepsOf(files fs.FS) migrations.Steps {
	return migrations.Steps{Files: files, Prefix: prefix, Table: `CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) STRICT`}
}

// Names returns the names of steps as a database stores them, in order.
func Names(steps fs.FS) ([]string, error) { return stepsOf(steps).Names() }

// Run runs the steps that a database has not run yet: see [migrations.Steps.Run].
func Run(ctx context.Context, db migrations.Writer, steps fs.FS) error {
	return stepsOf(steps).Run(ctx, db)
}

// Missing returns the steps that a database has not run yet, in their order. It returns an error if
// the database has run a step that this program does not know.
func Missing(ctx context.Context, q rows.Querier) ([]string, error) {
	return stepsOf(files).Missing(ctx, q)
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

// Write implements [migrations.Writer].
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
