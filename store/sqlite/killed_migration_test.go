package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"stile.example/stile/store/sqlite/migration"
	"stile.example/stile/store/storetest"
	"stile.example/stile/store/tables/rows"
)

// migrateVictim is a variable that names a database and a migration. If it is set, the test binary
// migrates the database, and never ends the transaction of that migration.
const migrateVictim = "STILE_TEST_MIGRATE"

// endless is a statement that runs until its process is killed.
const endless = "\nWITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;\n"

// TestR8_KilledMigration migrates a database of the previous release, and kills the process in each
// migration, when all of its statements have run and it is not committed. The file then has the
// schema of before that migration, with the same data. Opening it completes the migrations, and the
// data is still the same.
func TestR8_KilledMigration(t *testing.T) {
	if victim := os.Getenv(migrateVictim); victim != "" {
		file, step, _ := strings.Cut(victim, " ")
		t.Fatal(migrateForever(file, step))
	}
	steps, err := migration.Names(migration.Steps())
	if err != nil {
		t.Fatal(err)
	}
	old := previousDatabase(t)
	before, done := contents(t, old, nil), stepsOf(t, old)
	if len(before["tokens"]) == 0 || len(before["ledger"]) == 0 || len(before["journal"]) == 0 || len(done) == len(steps) {
		t.Fatalf("the old database has %d tokens and has run %d of %d migrations", len(before["tokens"]), len(done), len(steps))
	}
	for _, step := range steps[len(done):] {
		t.Run(filepath.Base(step), func(t *testing.T) {
			file := previousDatabase(t)
			killIn(t, file, step)
			if got := stepsOf(t, file); !slices.Equal(got, steps[:slices.Index(steps, step)]) {
				t.Errorf("after the kill it has run %q", got)
			}
			wantContents(t, "after the kill", contents(t, file, before), before)
			db, err := Open(t.Context(), file, options())
			if err != nil {
				t.Fatal(err)
			}
			if got := stepsOf(t, file); !slices.Equal(got, steps) {
				t.Errorf("after opening it has run %q", got)
			}
			want := withoutJournal(t, before)
			wantContents(t, "after opening", contents(t, file, want), want)
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// migrateForever opens a database with the migrations up to step, whose transaction does not end.
func migrateForever(file, step string) error {
	steps := fstest.MapFS{}
	all, err := migration.Names(migration.Steps())
	if err != nil {
		return err
	}
	for _, name := range all {
		text, err := fs.ReadFile(migration.Steps(), path.Base(name))
		if err != nil {
			return err
		}
		if name == step {
			text = append(text, endless...)
		}
		steps[path.Base(name)] = &fstest.MapFile{Data: text}
	}
	db := &DB{write: openWriter(file, false), file: file, opt: options()}
	db.read = OpenReaders(file)
	db.checkpointer = startCheckpointer(db)
	return migration.Run(context.Background(), db, steps)
}

// killIn starts a process that migrates, and kills it when it is in a migration.
func killIn(t *testing.T, file, step string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestR8_KilledMigration$")
	cmd.Env = append(os.Environ(), migrateVictim+"="+file+" "+step)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	other := open(dsn(file, url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_busy_timeout": {"60"}}), 1)
	defer other.Close()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		// The step before is committed, and the transaction does not end while BEGIN waits.
		if done := stepsOf(t, file); len(done) > 0 && done[len(done)-1] < step && nextOf(done[len(done)-1]) == step {
			if tx, err := other.BeginTx(t.Context(), nil); err != nil {
				return
			} else if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("the process did not reach %s", step)
}

// nextOf returns the migration after one.
func nextOf(step string) string {
	steps, _ := migration.Names(migration.Steps())
	if i := slices.Index(steps, step) + 1; i < len(steps) {
		return steps[i]
	}
	return ""
}

// stepsOf returns the migrations that a file has run.
func stepsOf(t *testing.T, file string) []string {
	t.Helper()
	db := OpenReaders(file)
	defer db.Close()
	done, err := rows.All(t.Context(), db, rows.Value[string], `SELECT name FROM migrations ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// table has the columns of a table in its first row, and then each row as text.
type table []string

// contents returns all rows of a database. Of the tables in like it returns only the columns that
// like has, so that a table with a new column is the same.
func contents(t *testing.T, file string, like map[string]table) map[string]table {
	t.Helper()
	db := OpenReaders(file)
	defer db.Close()
	names, err := rows.All(t.Context(), db, rows.Value[string], `SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'migrations' AND name NOT LIKE 'sqlite%'`)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]table{}
	for _, name := range names {
		columns := "*"
		if old, known := like[name]; known {
			columns = old[0]
		} else if like != nil {
			continue
		}
		all[name] = rowsOf(t, db, name, columns)
	}
	return all
}

func rowsOf(t *testing.T, db *sql.DB, name, columns string) table {
	t.Helper()
	rows, err := db.Query(`SELECT ` + columns + ` FROM ` + name + ` ORDER BY 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	heads, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	found := table{strings.Join(heads, ", ")}
	for rows.Next() {
		values := make([]any, len(heads))
		for i := range values {
			values[i] = &values[i]
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		found = append(found, fmt.Sprintf("%q", values))
	}
	return found
}

// withoutJournal returns contents as they are when the journal has been replayed.
func withoutJournal(t *testing.T, before map[string]table) map[string]table {
	t.Helper()
	file := previousDatabase(t)
	db := openWriter(file, false)
	defer db.Close()
	d := &DB{write: db, file: file, opt: options(), checkpointer: &checkpointer{due: make(chan struct{}, 1)}}
	if err := errors.Join(migration.Run(t.Context(), d, migration.Steps()), d.replay(t.Context())); err != nil {
		t.Fatal(err)
	}
	return contents(t, file, before)
}

// wantContents compares the tables that want has.
func wantContents(t *testing.T, when string, got, want map[string]table) {
	t.Helper()
	for name, rows := range want {
		if !reflect.DeepEqual(got[name], rows) {
			t.Errorf("%s: %s\n got %q\nwant %q", when, name, got[name], rows)
		}
	}
}

// previousDatabase unpacks the database of the previous release: see commands/upgrade_test.go. Its
// last changes are in the write-ahead log.
func previousDatabase(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	storetest.Unpack(t, "../testdata/5c92445.tar.gz", dir)
	return filepath.Join(dir, "stile.db")
}
