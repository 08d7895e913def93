package sqlite

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"stile.example/stile/tokens"
)

// copyAsKilled copies db's files as a kill would leave them.
func copyAsKilled(t *testing.T, db *DB) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "killed.db")
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(db.file + end)
		if err == nil {
			err = os.WriteFile(file+end, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func callsIn(t *testing.T, db *DB) (calls int64) {
	t.Helper()
	lines, err := db.Usage(t.Context(), "", "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		calls += l.Calls
	}
	return calls
}

// rowAndJournal returns a database with a token of three calls that has a row and is also in the
// journal.
func rowAndJournal(t *testing.T) *DB {
	t.Helper()
	opt := options()
	opt.flushBytes = 1
	db := openFile(t, newFile(t), opt)
	for range 3 { // a flush leaves in the journal what was added after it began
		bump(t, db, benchID(1))
	}
	var journal, rows int
	err := db.read.QueryRow(`SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM tokens)`).Scan(&journal, &rows)
	if err != nil || journal == 0 || rows == 0 {
		t.Fatalf("%d rows in the journal, %d of tokens, %v", journal, rows, err)
	}
	return db
}

// TestUsageCountsOnce: a token that has a row and is also in the journal is counted once.
func TestUsageCountsOnce(t *testing.T) {
	if n := callsIn(t, rowAndJournal(t)); n != 3 {
		t.Errorf("%d calls of 3", n)
	}
}

// TestReplayKeepsSwept: a swept token stays removed, although the journal still has its states.
func TestReplayKeepsSwept(t *testing.T) {
	db := rowAndJournal(t)
	if err := db.Sweep(t.Context(), time.Unix(2_100_000_000, 0)); err != nil {
		t.Fatal(err)
	}
	if n := callsIn(t, db); n != 3 {
		t.Errorf("%d calls of 3 after the sweep", n)
	}
	killed := openFile(t, copyAsKilled(t, db), options())
	s, err := (&tokens.Gate{Store: killed}).State(t.Context(), benchID(1))
	if err != nil || s != (tokens.State{}) {
		t.Errorf("restored as %+v, %v", s, err)
	}
	if n := callsIn(t, killed); n != 3 {
		t.Errorf("%d calls of 3 after the kill", n)
	}
}
