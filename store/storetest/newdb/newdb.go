// Package newdb opens a new database for tests of the packages below store/tables: of SQLite, and
// of PostgreSQL for the subtests of TestOnPostgres.
package newdb

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/tables/historytable"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/store/tables/statementlog"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// DB is what the packages below store/tables use of a database.
type DB interface {
	rows.DB
	tenants.Store
	usage.Store
	historytable.DB
	statementlog.DB
	Sweep(ctx context.Context, now time.Time) error
	Close() error
}

// onPostgres is the name of a test whose subtests run on PostgreSQL.
const onPostgres = "TestOnPostgres/"

// Open opens a new database until the test ends.
func Open(t testing.TB, now func() time.Time) DB {
	t.Helper()
	return OpenAt(t, Place(t), now)
}

// Place returns where a new database is: the URL of one of PostgreSQL, or a file that does not
// exist yet.
func Place(t testing.TB) string {
	t.Helper()
	if strings.HasPrefix(t.Name(), onPostgres) {
		return engines.Postgres(t)
	}
	return filepath.Join(t.TempDir(), "stile.db")
}

// OpenAt opens a database until the test ends.
func OpenAt(t testing.TB, place string, now func() time.Time) (db DB) {
	t.Helper()
	var err error
	log := slog.New(slog.DiscardHandler)
	if strings.HasPrefix(place, "postgres://") {
		db, err = postgres.Open(t.Context(), place, postgres.Options{Log: log, Now: now})
	} else {
		db, err = sqlite.Open(t.Context(), place, sqlite.Options{Log: log, Now: now})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// PutState stores the state of a token that was not stored before, as if it had made calls.
func PutState(t testing.TB, db DB, id tokens.ID, s tokens.State) {
	t.Helper()
	var err error
	switch db := db.(type) {
	case *postgres.DB:
		err = db.TransferTokens(context.Background(), []postgres.TokenRow{postgres.RowOf(id, 1, s)})
	case tokens.Store:
		err = db.Update(context.Background(), id, func(tokens.State) tokens.State { return s })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// OnPostgres runs tests on PostgreSQL. The test that calls it must be TestOnPostgres.
func OnPostgres(t *testing.T, tests map[string]func(*testing.T)) {
	t.Helper()
	if t.Name()+"/" != onPostgres {
		t.Fatalf("the name of the test must be TestOnPostgres")
	}
	for name, test := range tests {
		t.Run(name, test)
	}
}
