package corpus

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/build"
	"stile.example/stile/corpus/turns"
)

// formatOne is a file of format 1 that commit e03d128 wrote: three items that all tenants share,
// and one of tenant 7.
const formatOne = "testdata/format-1.db.gz"

// openOld unpacks and opens it.
func openOld(t *testing.T) *File {
	t.Helper()
	packed, err := os.ReadFile(formatOne)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "old.db")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	old, err := Open(t.Context(), name, Options{Now: time.Now, Lanes: turns.NewLanes(2)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { old.Close() })
	return old
}

// TestRebuild: after a rebuild everything is found by what the current format has, and the items
// are as they were.
func TestRebuild(t *testing.T) {
	old := openOld(t)
	tc := newCorpus(t)
	tc.n = 1
	if err := build.Rebuild(t.Context(), tc.file(1), old.Name()); err != nil {
		t.Fatal(err)
	}
	opt := tc.opt
	tc.Close()
	tc.open(t, opt)
	for _, id := range []string{"mueller", "nfd", "zwnj", "own"} {
		was, err := old.Item(7, id)
		is, err2 := tc.Item(7, id)
		if err != nil || err2 != nil || string(was) != string(is) {
			t.Errorf("%s: %s, %v; it was %s, %v", id, is, err2, was, err)
		}
	}
	for q, want := range map[string]string{
		"mueller": "mueller", "sued": "mueller", "usa": "nfd", "c++": "nfd", "می\u200cخواهم": "zwnj", "🍕": "own", "???": "",
	} {
		if got := finds(t, tc, q, content.Query{Tenant: 7}); got != want {
			t.Errorf("%s finds %q, want %q", q, got, want)
		}
	}
	if got := finds(t, tc, "🍕", content.Query{}); got != "" {
		t.Errorf("another tenant finds %q", got)
	}
	if got := search(t, tc, "", content.Query{Collection: "für Gäste", Tags: []string{"Café"}}).Total; got != 2 {
		t.Errorf("%d items in a collection with two spellings", got)
	}
	put(t, tc, 7, content.Item{ID: "next", Title: "Next"}, content.Item{ID: "own", Title: "Changed"})
	if got := sorted(finds(t, tc, "", content.Query{Tenant: 7})); got != "mueller next nfd own zwnj" {
		t.Errorf("after an import: %q", got)
	}
}

// TestOldFormat: items of an older format can be read, and queries say why they fail.
func TestOldFormat(t *testing.T) {
	old := openOld(t)
	if all, err := old.List(t.Context(), content.Filter{Collection: "für Gäste"}, "", 9); err != nil || len(all) != 1 || !old.IsOld() {
		t.Errorf("list: %v, %v", all, err)
	}
	for what, fn := range map[string]func() error{
		"search":  func() error { _, err := old.Search(t.Context(), content.Query{Limit: 1}); return err },
		"suggest": func() error { _, err := old.Suggest(t.Context(), 0, "mueller"); return err },
		"related": func() error { _, err := old.Related(t.Context(), 0, "nfd", 1); return err },
	} {
		if err := fn(); !errors.Is(err, ErrOld) {
			t.Errorf("%s: %v", what, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := build.Rebuild(gone, filepath.Join(t.TempDir(), "new.db"), old.Name()); !errors.Is(err, context.Canceled) {
		t.Errorf("rebuild without time: %v", err)
	}
}
