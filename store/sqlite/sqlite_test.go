package sqlite

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"stile.example/stile/store/storetest"
	"stile.example/stile/store/tables/historytable"
	"stile.example/stile/store/tables/refusallog"
	"stile.example/stile/store/tables/tokenlist"
)

// newFile returns the name of a database that does not exist yet. The name is an awkward one.
func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "a b?%#.db") }

func options() Options { return Options{Log: slog.New(slog.DiscardHandler), Now: time.Now} }

// openFile opens a database until the test ends.
func openFile(t testing.TB, file string, opt Options) *DB {
	t.Helper()
	db, err := Open(t.Context(), file, opt)
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

func newDB(t testing.TB) *DB { return openFile(t, newFile(t), options()) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() storetest.Store {
		file := newFile(t)
		return func() storetest.Store {
			db := openFile(t, file, options())
			return allTables{db, refusallog.New(db), tokenlist.Table{DB: db}, historytable.Table{DB: db}}
		}
	})
}

// allTables is a database with all of its tables.
type allTables struct {
	*DB
	*refusalTable
	tokenTable
	historyTable
}

type (
	refusalTable = refusallog.Table
	tokenTable   = tokenlist.Table
	historyTable = historytable.Table
)

// TestWaitForDisk checks the mode of the writer's commits: 1 is NORMAL, 2 is FULL. A new connection
// has it too.
func TestWaitForDisk(t *testing.T) {
	for wait, want := range map[bool]int{false: 1, true: 2} {
		opt := options()
		opt.WaitForDisk = wait
		db, err := Open(t.Context(), filepath.Join(t.TempDir(), "stile.db"), opt)
		if err != nil {
			t.Fatal(err)
		}
		var got int
		if err := db.write.QueryRow(`PRAGMA synchronous`).Scan(&got); err != nil || got != want {
			t.Errorf("WaitForDisk %v: synchronous is %d, %v; want %d", wait, got, err, want)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestReadersCannotWrite(t *testing.T) {
	db := newDB(t)
	if _, err := db.read.Exec(`DELETE FROM tokens`); err == nil {
		t.Error("a reader wrote")
	}
	var pages int
	if err := db.write.QueryRow(`PRAGMA wal_autocheckpoint`).Scan(&pages); err != nil || pages != 0 {
		t.Errorf("the writer checkpoints every %d pages, %v", pages, err)
	}
}
