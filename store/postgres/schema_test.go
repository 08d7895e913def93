package postgres

import (
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/tables/rows"
)

// TestSchemaIsThatOfSQLite: every column of SQLite's tables is in PostgreSQL, with the same type,
// and may be NULL in both or in none. Texts are compared byte by byte.
func TestSchemaIsThatOfSQLite(t *testing.T) {
	lite, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "stile.db"), sqlite.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer lite.Close()
	columns := func(db rows.Querier, query string) map[string]string {
		all := map[string]string{}
		err := rows.Each(t.Context(), db, func(r rows.Row) error {
			var table, column, kind string
			err := r.Scan(&table, &column, &kind)
			all[table+"."+column] = kind
			return err
		}, query)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := columns(lite.Reader(), `
		SELECT m.name, c.name, CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE 'text "C"' END ||
			CASE WHEN c."notnull" = 0 AND c.pk = 0 THEN '' ELSE ' NOT NULL' END
		FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT IN ('journal', 'token_usage', 'sqlite_sequence')`)
	got := columns(newDB(t).Reader(), `
		SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) || coalesce(' "' || nullif(l.collname, 'default') || '"', '') ||
			CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_collation l ON l.oid = a.attcollation
		WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped`)
	want["tokens.used"] += " NOT NULL" // PostgreSQL has no rows of before that column
	for name, kind := range maps.All(want) {
		if got[name] != kind {
			t.Errorf("%s is %q in PostgreSQL, want %q", name, got[name], kind)
		}
	}
	if len(want) < 100 {
		t.Error(fmt.Sprint("only ", len(want), " columns"))
	}
}
