package sqlite

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"
)

func newDB(t testing.TB) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "a b?%#.db"), Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
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
