package sqlite

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	db := openFile(t, newFile(t), options())
	for range 3 {
		bump(t, db, benchID(1))
	}
	err := db.Update(t.Context(), benchID(3), func(s tokens.State) tokens.State { s.Tenant = 1; return s })
	if err != nil {
		t.Fatal(err)
	}
	var fault error
	err = db.writer.do(t.Context(), func() {
		db.writer.startFlush(1)
		fault = db.writer.write(nil, 1) // the other token is still to be written
	})
	if err != nil || fault != nil {
		t.Fatal(err, fault)
	}
	var journal, rows int
	err = db.read.QueryRow(`SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM tokens)`).Scan(&journal, &rows)
	if err != nil || journal != 4 || rows != 1 {
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

// TestSweepWithDamagedRows checks that a sweep reports a token that can't be read, and moves all
// others to the ledger.
func TestSweepWithDamagedRows(t *testing.T) {
	db := newDB(t)
	const many = 2*sweepRows + 10
	for n := range int64(many) {
		bump(t, db, benchID(n))
	}
	flushAll(t, db)
	damaged, short := benchID(1), benchID(2)
	_, err := db.write.Exec(`UPDATE tokens SET state = x'63' WHERE id = ?`, damaged[:])
	if err == nil {
		_, err = db.write.Exec(`UPDATE tokens SET id = substr(id, 1, 3) WHERE id = ?`, short[:])
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Sweep(t.Context(), time.Unix(2_100_000_000, 0)); err == nil || !strings.Contains(err.Error(), "can't be read") {
		t.Errorf("swept: %v", err)
	}
	var left, moved int
	err = db.read.QueryRow(`SELECT (SELECT count(*) FROM tokens), (SELECT count(*) FROM ledger)`).Scan(&left, &moved)
	if err != nil || left != 2 || moved != many-2 {
		t.Errorf("%d tokens are left, and %d of %d are in the ledger, %v", left, moved, many, err)
	}
}

// TestKilledIsOpenedAsItWas checks that a database that was killed has the same states and usage
// when it is opened, before and after the rows are written, and that no state needs its row for
// that. Its journal has batches from before and after a flush.
func TestKilledIsOpenedAsItWas(t *testing.T) {
	db := openFile(t, newFile(t), options())
	const many = 500
	calls := func(first, last int64) {
		for n := first; n < last; n++ {
			bump(t, db, benchID(n))
		}
	}
	calls(0, 2*many/3)
	flushAll(t, db)
	calls(many/3, many)
	want := int64(2*many/3 + many - many/3)
	file := copyAsKilled(t, db)
	killed := openFile(t, file, options())
	inMemory := 0
	for n := int64(0); n < many; n++ {
		if _, known := killed.Peek(benchID(n)); known {
			inMemory++
		}
	}
	if inMemory != many-many/3 {
		t.Errorf("%d states were read from the journal, want %d", inMemory, many-many/3)
	}
	for _, when := range []string{"opened", "flushed"} {
		if got := callsIn(t, killed); got != want {
			t.Errorf("%s: %d calls, want %d", when, got, want)
		}
		counted, err := killed.Recount(t.Context())
		lines, err2 := killed.Usage(t.Context(), "", "", "")
		if err != nil || err2 != nil || !slices.Equal(counted, lines) {
			t.Errorf("%s: usage %+v, %v; counted %+v, %v", when, lines, err2, counted, err)
		}
		flushAll(t, killed)
	}
	var journal int
	if err := killed.read.QueryRow(`SELECT count(*) FROM journal`).Scan(&journal); err != nil || journal > 0 {
		t.Errorf("%d rows of the journal after the flush, %v", journal, err)
	}
	for n := range int64(many) {
		calls := uint32(2)
		if n >= many/3 && n < 2*many/3 {
			calls = 3
		}
		if got := bump(t, killed, benchID(n)); got != calls {
			t.Fatalf("token %d has %d calls, want %d", n, got, calls)
		}
	}
}
