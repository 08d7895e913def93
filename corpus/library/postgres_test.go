package library

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// testDB is a database of PostgreSQL, as the tables need it.
type testDB struct{ db *sql.DB }

func (d testDB) Reader() *sql.DB { return d.db }

func (d testDB) Write(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(1)`); err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// openDB opens a database.
func openDB(t *testing.T, url string) testDB {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	db := sql.OpenDB(numbering{stdlib.GetConnector(*cfg)})
	t.Cleanup(func() { db.Close() })
	return testDB{db}
}

// migrate makes the tables.
func (d testDB) migrate(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../../store/postgres/migration/0003_corpus.sql")
	if err == nil {
		_, err = d.db.Exec(string(text))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// exec changes the database behind everybody's back.
func (d testDB) exec(t *testing.T, text string, args ...any) {
	t.Helper()
	if _, err := d.db.Exec(text, args...); err != nil {
		t.Fatal(err)
	}
}

// numbering writes the parameters of queries as PostgreSQL does.
type numbering struct{ driver.Connector }

func (n numbering) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := n.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return numberingConn{c.(*stdlib.Conn)}, nil
}

type numberingConn struct{ *stdlib.Conn }

func (c numberingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.ExecContext(ctx, numbered(text), args)
}

func (c numberingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.QueryContext(ctx, numbered(text), args)
}

func numbered(text string) string {
	for n := 1; strings.Contains(text, "?"); n++ {
		text = strings.Replace(text, "?", fmt.Sprintf("$%d", n), 1)
	}
	return text
}
