package postgres

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stile.example/stile/addresses"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/postgres/migration"
)

func options() Options { return Options{Log: slog.New(slog.DiscardHandler), Now: time.Now} }

// openURL opens a database until the test ends.
func openURL(t testing.TB, url string) *DB {
	t.Helper()
	db, err := Open(t.Context(), url, options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func newDB(t testing.TB) *DB { return openURL(t, engines.Postgres(t)) }

// count returns the number that a query selects.
func count(t testing.TB, db *DB, query string, args ...any) (n int64) {
	t.Helper()
	if err := db.read.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSeveralOpen opens a new database with four processes' worth of pools at the same time.
func TestSeveralOpen(t *testing.T) {
	url := engines.Postgres(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			db, err := Open(context.Background(), url, options())
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(db.Ready(context.Background()), db.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestNewerSchema(t *testing.T) {
	url := engines.Postgres(t)
	db := openURL(t, url)
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO migrations (name) VALUES ('9999_future.sql')`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), url, options()); err == nil || !strings.Contains(err.Error(), "9999_future.sql") {
		t.Errorf("opened a newer database: %v", err)
	}
}

// TestForeignTables checks that a database of another program is refused and left as it is, that
// tables of extensions don't count, and that a table that somebody adds later does not matter.
func TestForeignTables(t *testing.T) {
	for _, statement := range []string{
		`CREATE TABLE orders (id bigint)`,
		`CREATE TABLE orders (id bigint); CREATE TABLE migrations (id bigint, migration text); INSERT INTO migrations VALUES (1, '0001_core.sql')`,
		`CREATE TABLE orders (id bigint); CREATE TABLE migrations (name text); INSERT INTO migrations VALUES ('0001_orders.sql')`,
		`CREATE TABLE orders (id bigint) PARTITION BY RANGE (id)`,
	} {
		url := engines.Postgres(t)
		conn := connect(t, url)
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), url, options())
		_, _, asIs := OpenAsIs(t.Context(), url)
		for _, err := range []error{err, asIs} {
			if !errors.Is(err, migration.ErrForeign) || !strings.Contains(err.Error(), "such as orders): create a database for stile alone") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		var tables int
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_class WHERE relname IN ('tokens', 'stile_check')`).Scan(&tables); err != nil || tables != 0 {
			t.Errorf("%s: %d tables were added, %v", statement, tables, err)
		}
	}
	url := engines.Postgres(t)
	conn := connect(t, url)
	for _, statement := range []string{
		`CREATE TABLE of_extension (id bigint)`,
		`INSERT INTO pg_depend VALUES ('pg_class'::regclass, 'of_extension'::regclass, 0, 'pg_extension'::regclass, (SELECT min(oid) FROM pg_extension), 0, 'e')`,
	} {
		if _, err := conn.Exec(t.Context(), `SET allow_system_table_mods = on; `+statement); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		openURL(t, url)
		if _, err := conn.Exec(t.Context(), `CREATE TABLE IF NOT EXISTS notes (id bigint)`); err != nil {
			t.Fatal(err)
		}
	}
}

// connect opens a connection without the package's rules.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// TestErrorsKeepThePassword: no error contains the password, and each says what to do.
func TestErrorsKeepThePassword(t *testing.T) {
	url := engines.Postgres(t)
	wrong := strings.Replace(url, "elderflower", "blackthorn", 1)
	noDatabase := url[:strings.LastIndex(url, "/")] + "/missing?sslmode=disable"
	for url, says := range map[string]string{
		wrong:      "the password is wrong",
		noDatabase: "TEMPLATE template0",
		strings.Replace(wrong, "@127.0.0.1:", "@::", 1):   "must be like postgres://",
		strings.Replace(wrong, "disable", "sometimes", 1): "sslmode must be",
		"postgres://stile:blackthorn@127.0.0.1:1/a?x=%zz": "must be like postgres://",
		"postgres://stile:blackthorn@127.0.0.1:1/stile":   "127.0.0.1:1/stile: PostgreSQL can't be reached at 127.0.0.1:1 (connect: connection refused): check",
		"postgres://stile:blackthorn@db.invalid/stile":    "the host db.invalid can't be found",
		strings.Replace(url, "disable", "require", 1):     "the server has no TLS: set ssl = on",
		url + "&x=y": "the URL has a parameter that PostgreSQL does not know",
		"postgres://stile:black%thorn@127.0.0.1:1/stile":     "must be like postgres://",
		"postgres://stile:blackthorn@127.0.0.1:port/another": "must be like postgres://",
	} {
		_, err := Open(t.Context(), url, options())
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", url, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error has several lines: %v", url, err)
		}
		for _, secret := range []string{"blackthorn", "elderflower", "thorn"} {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error has the password: %v", url, err)
			}
		}
	}
}

func TestIsSupported(t *testing.T) {
	if err := isSupported(140019); err == nil || !strings.Contains(err.Error(), "PostgreSQL 14 is too old: must be 15 or newer") {
		t.Error(err)
	}
	if err := isSupported(150000); err != nil {
		t.Error(err)
	}
}

func TestIsVerified(t *testing.T) {
	for url, want := range map[string]bool{
		"postgres://a:b@db.example/stile":                       false, // unencrypted, if the server wants that
		"postgres://a:b@db.example/stile?sslmode=disable":       false,
		"postgres://a:b@db.example/stile?sslmode=require":       false, // any certificate
		"postgres://a:b@db.example/stile?sslmode=verify-full":   true,
		"postgres://a:b@x.example,y.example/z?sslmode=require":  false,
		"postgres://a:b@127.0.0.1/stile":                        true,
		"postgres://a:b@[::1]/stile?sslmode=disable":            true,
		"postgres://a:b@localhost/stile":                        true,
		"postgres:///stile?host=/run/postgresql":                true,
		"postgres://a:b@localhost,db.example/z?sslmode=disable": false,
	} {
		cfg, err := Config(url)
		if err != nil || IsVerified(cfg) != want {
			t.Errorf("%s: %v, want %v, %v", url, !want, want, err)
		}
	}
}

func TestReadersCannotWrite(t *testing.T) {
	db := newDB(t)
	if _, err := db.read.Exec(`DELETE FROM tokens`); err == nil {
		t.Error("a reader wrote")
	}
	tx, err := db.read.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Query(`DELETE FROM tokens RETURNING id`); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a reader wrote in a transaction: %v", err)
	}
	if _, err := db.read.Prepare(`SELECT 1`); err == nil {
		t.Error("a statement was prepared, which PgBouncer may lose")
	}
}

// TestReadersSeeOneMoment: what is committed meanwhile is not in a transaction of Reader.
func TestReadersSeeOneMoment(t *testing.T) {
	db := newDB(t)
	tx, err := db.Reader().BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for range 2 {
		var n int
		if err := tx.QueryRow(`SELECT count(*) FROM address_list`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d entries, %v", n, err)
		}
		if err := db.PutEntry(t.Context(), entry("192.0.2.0/24")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWritersAreAlone: two pools add to a number that each reads before.
func TestWritersAreAlone(t *testing.T) {
	url := engines.Postgres(t)
	pools := []*DB{openURL(t, url), openURL(t, url)}
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			err := pools[n%2].Write(context.Background(), func(tx *sql.Tx) error {
				var n int64
				if err := tx.QueryRow(`SELECT generation FROM corpus`).Scan(&n); err != nil {
					return err
				}
				_, err := tx.Exec(`UPDATE corpus SET generation = ?`, n+1)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, err := pools[0].Generation(t.Context()); n != 40 || err != nil {
		t.Errorf("40 transactions counted %d, %v", n, err)
	}
}

// TestWaitIsBounded: a transaction that never ends keeps others waiting for a limited time, and a
// connection that waited works again.
func TestWaitIsBounded(t *testing.T) {
	opt := options()
	opt.Wait = 100 * time.Millisecond
	url := engines.Postgres(t)
	a := openURL(t, url)
	b, err := Open(t.Context(), url, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	err = a.Write(t.Context(), func(*sql.Tx) error {
		for range 5 {
			if err := b.SetGeneration(t.Context(), 1); !errors.Is(err, ErrBusy) {
				t.Errorf("the other transaction had %v", err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := b.SetGeneration(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

// TestRestart: after the server was restarted, transactions work at once, without an error.
func TestRestart(t *testing.T) {
	server := engines.NewPostgres(t, false)
	db := openURL(t, server.Database(t))
	for range 3 {
		if err := db.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		server.Stop()
		if err := db.Ready(t.Context()); err == nil {
			t.Error("ready without a server")
		}
		server.Restart()
		if err := errors.Join(db.SetGeneration(t.Context(), 1), db.Ready(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

// TestCancelled: a query that nobody waits for ends on the server too.
func TestCancelled(t *testing.T) {
	db := newDB(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	var text string
	err := db.read.QueryRowContext(ctx, `SELECT pg_sleep(20)::text`).Scan(&text)
	if err == nil || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
	for deadline := time.Now().Add(8 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n := count(t, db, `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active' AND datname = current_database()`)
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the server still works on it")
		}
	}
}

// TestAnyText: texts that PostgreSQL can't store don't keep anything from being written.
func TestAnyText(t *testing.T) {
	db := newDB(t)
	e := entry("192.0.2.0/24")
	e.Reason = "a\x00b\xffc"
	if err := db.PutEntry(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	all, err := db.Entries(t.Context())
	if err != nil || len(all) != 1 || all[0].Reason != "a\uFFFDb\uFFFDc" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestBackupSaysHow(t *testing.T) {
	if err := newDB(t).Backup(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Error(err)
	}
}

func entry(text string) addresses.Entry {
	return addresses.Entry{Range: netip.MustParsePrefix(text), Kind: addresses.Block}
}
