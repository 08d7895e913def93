package dictionary

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3"
)

func newDB(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(t.TempDir(), "words.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	exec(t, db, `CREATE TABLE words (word TEXT NOT NULL, owner INTEGER NOT NULL, items INTEGER NOT NULL, PRIMARY KEY (word, owner)) STRICT, WITHOUT ROWID`)
	return db
}

func exec(t *testing.T, db *sql.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.Exec(text, args...); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, db *sql.DB) *Dictionary {
	t.Helper()
	d, err := Read(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOwners: only the words of the owners that are asked for are found, and words without items
// are not.
func TestOwners(t *testing.T) {
	db := newDB(t)
	if d := read(t, db); len(d.Near([]uint32{0}, "oaken", true)) != 0 {
		t.Error("an empty dictionary finds something")
	}
	exec(t, db, `INSERT INTO words VALUES ('oaken', 0, 2), ('oaken', 7, 3), ('oakes', 7, 1), ('oaker', 8, 9), ('oakem', 0, 0)`)
	d := read(t, db)
	for _, c := range []struct {
		owners []uint32
		want   string
	}{{[]uint32{0}, "[oaken 2]"}, {[]uint32{0, 7}, "[oakes 1 oaken 5]"}, {[]uint32{0, 9}, "[oaken 2]"}, {nil, "[]"}} {
		got := []any{}
		for _, near := range d.Near(c.owners, "oakex", false) {
			got = append(got, near.Text, near.Items)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%v: %v, want %s", c.owners, got, c.want)
		}
	}
}

// TestBatches: every row is read once, also where a batch ends between two owners of a word.
func TestBatches(t *testing.T) {
	db := newDB(t)
	exec(t, db, `
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO words SELECT 'w' || char(97 + i / 3 / 17576 % 26, 97 + i / 3 / 676 % 26, 97 + i / 3 / 26 % 26, 97 + i / 3 % 26), i % 3, 1 FROM n`, 3*batch)
	d := read(t, db)
	for owner := range uint32(3) {
		if n := d.owners[owner].Len(); n < batch || n > batch+1 {
			t.Errorf("owner %d has %d words, want about %d", owner, n, batch)
		}
	}
}

// TestMostWords: of too many words, those that the most items have are kept.
func TestMostWords(t *testing.T) {
	db := newDB(t)
	exec(t, db, `INSERT INTO words VALUES ('a', 0, 1), ('b', 0, 1), ('c', 0, 2), ('d', 0, 2), ('e', 0, 5)`)
	for most, want := range map[int]int{5: 1, 4: 2, 3: 2, 2: 3, 1: 3, 0: 6} {
		if got, err := leastItems(t.Context(), db, most); err != nil || got != want {
			t.Errorf("at most %d: words of %d items, %v; want %d", most, got, err, want)
		}
	}
}
