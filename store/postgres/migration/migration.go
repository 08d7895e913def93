// Package migration has the steps from an empty PostgreSQL database to the current schema, in the
// order of their names, and runs those that a database has not run yet.
//
// The statements of a released step are never changed, since existing databases have run it.
package migration

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/store/tables/migrations"
	"stile.example/stile/store/tables/rows"
)

//go:embed *.sql
var files embed.FS

// table is where a database has the names of the steps that it has run.
const table = "migrations"

var steps = migrations.Steps{Files: files, Table: `CREATE TABLE IF NOT EXISTS ` + table + ` (name text COLLATE "C" PRIMARY KEY)`}

// ErrForeign means that a database belongs to another program.
var ErrForeign = errors.New("the database has tables of another program")

// Run runs the steps that a database has not run yet. Several processes may call it at the same
// time. It returns [ErrForeign], and changes nothing, if the database has tables but has run none.
// created is run in the transaction that makes the first tables of a new database; it may be nil.
func Run(ctx context.Context, db migrations.Writer, created func(context.Context, *sql.Tx) error) error {
	err := db.Write(ctx, func(tx *sql.Tx) error {
		_, err := IsNew(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	steps := steps
	steps.First = created
	return steps.Run(ctx, db)
}

// IsNew reports whether a database has run no step. It returns [ErrForeign] if such a database has
// tables: stile must not mix its tables with others.
func IsNew(ctx context.Context, q rows.Querier) (bool, error) {
	tables, err := Tables(ctx, q)
	if err != nil {
		return false, fmt.Errorf("list the tables: %w", err)
	}
	started := false
	if i := slices.Index(tables, table); i >= 0 {
		names, err := steps.Names()
		if err != nil {
			return false, err
		}
		// Another program's table of that name may have other columns.
		err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+table+` AS m WHERE to_jsonb(m) = jsonb_build_object('name', ?::text))`, names[0]).Scan(&started)
		if err != nil {
			return false, fmt.Errorf("read the table %s: %w", table, err)
		}
		tables = slices.Delete(tables, i, i+1)
	}
	if !started && len(tables) > 0 {
		return false, Foreign(tables)
	}
	return !started, nil
}

// Foreign returns [ErrForeign] with the names of some tables.
func Foreign(tables []string) error {
	few := strings.Join(tables[:min(3, len(tables))], ", ")
	return fmt.Errorf("%w (%d, such as %s): create a database for stile alone with CREATE DATABASE, and name it in the URL", ErrForeign, len(tables), few)
}

// Tables returns the names of the tables where stile has its own, except those of extensions.
func Tables(ctx context.Context, q rows.Querier) ([]string, error) {
	return rows.All(ctx, q, rows.Value[string], `
		SELECT c.relname::text FROM pg_class AS c
		WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND c.relkind IN ('r', 'p', 'f')
		  AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
		ORDER BY c.relname COLLATE "C"`)
}

// Missing returns the names of the steps that a database has not run yet, in order. It returns an
// error if the database has run a step that this program does not know.
func Missing(ctx context.Context, q rows.Querier) ([]string, error) { return steps.Missing(ctx, q) }
