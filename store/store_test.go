package store

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus"
	"stile.example/stile/corpus/library"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// openAt opens the store in a directory until the test ends. Queries may take long: the machine
// that tests run on may be busy.
func openAt(t *testing.T, dir string) *Store {
	t.Helper()
	limits := corpus.Limits{Whole: time.Minute, Total: time.Minute, Facets: time.Minute, Turn: time.Minute}
	s, err := open(t.Context(), "sqlite", dir, sqlite.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now},
		library.Options{Now: time.Now, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t *testing.T, s *Store, owner uint32, id string) {
	t.Helper()
	one := func(yield func(content.Item, error) bool) { yield(content.Item{ID: id, Title: id}, nil) }
	if _, err := s.Import(t.Context(), imports.Options{Tenant: owner}, one); err != nil {
		t.Fatal(err)
	}
}

func TestUnknownStore(t *testing.T) {
	if _, err := Open(t.Context(), "postgres", t.TempDir(), sqlite.Options{}); err == nil {
		t.Error("an unknown store is opened")
	}
}

// TestItemsAreRemovedWithTheirTenant: only its own items are removed, and the tenant stays if that
// fails.
func TestItemsAreRemovedWithTheirTenant(t *testing.T) {
	s := openAt(t, t.TempDir())
	a, err := s.AddTenant(t.Context(), tenants.Tenant{ClientID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, 0, "shared")
	put(t, s, a.Number, "own")
	release, err := s.HoldImports()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveTenant(t.Context(), "a"); err == nil {
		t.Error("removed while the corpus can't be changed")
	}
	release()
	if all, err := s.Tenants(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("tenants after the failure: %v, %v", all, err)
	}
	if err := s.RemoveTenant(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveTenant(t.Context(), "a"); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := s.Item(t.Context(), a.Number, "own"); !errors.Is(err, content.ErrNotFound) {
		t.Errorf("the tenant's item: %v", err)
	}
	if _, err := s.Item(t.Context(), 0, "shared"); err != nil {
		t.Errorf("the shared item: %v", err)
	}
}

// TestBackup copies the database and the corpus, as the command backup does, and opens the copy.
func TestBackup(t *testing.T) {
	s := openAt(t, t.TempDir())
	put(t, s, 0, "a")
	release, err := s.HoldImports()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	dir := t.TempDir()
	if err := s.Backup(t.Context(), filepath.Join(dir, "stile.db")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(s.CorpusFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(s.CorpusFile())), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openAt(t, dir).Item(t.Context(), 0, "a"); err != nil {
		t.Errorf("restored: %v", err)
	}
}

// TestImportDoesNotDelayTheWriter: tokens are updated in the middle of an import.
func TestImportDoesNotDelayTheWriter(t *testing.T) {
	s := openAt(t, t.TempDir())
	items := func(yield func(content.Item, error) bool) {
		if !yield(content.Item{ID: "a", Title: "A"}, nil) {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := s.Update(ctx, tokens.ID{1}, func(s tokens.State) tokens.State { s.Tenant = 1; return s })
		if err != nil {
			t.Errorf("in the middle of an import: %v", err)
		}
	}
	if _, err := s.Import(t.Context(), imports.Options{}, items); err != nil {
		t.Error(err)
	}
}
