package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/content"
)

func TestImportCounts(t *testing.T) {
	db := newCorpus(t)
	items := many("a", 3)
	check := func(what string, got, want content.Result) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	check("new", put(t, db, 0, items...), content.Result{Added: 3, Collections: map[string]int{"a": 3}})
	n, _ := db.Stats(t.Context())
	check("same", put(t, db, 0, items...), content.Result{Unchanged: 3, Collections: map[string]int{"a": 3}})
	if again, _ := db.Stats(t.Context()); again != n {
		t.Errorf("an import that changes nothing made a generation: %+v, %+v", n, again)
	}
	items[1].Title = "Another"
	check("changed", put(t, db, 0, append(items, many("b", 1)...)...), content.Result{Added: 1, Updated: 1, Unchanged: 2, Collections: map[string]int{"a": 3, "b": 1}})
	if got := finds(t, db, "another", content.Query{}) + "|" + finds(t, db, "number 1", content.Query{}); got != "a1|" {
		t.Errorf("after the change: %q", got)
	}
	put(t, db, 5, content.Item{ID: "own", Collection: "a", Title: "Own"})
	r, err := db.Import(t.Context(), content.ImportOptions{Prune: true}, itemsOf(items[0]))
	if err != nil {
		t.Fatal(err)
	}
	check("pruned", r, content.Result{Unchanged: 1, Removed: 2, Collections: map[string]int{"a": 1}})
	if got := finds(t, db, "", content.Query{Tenant: 5, Sort: content.ByTitle}); got != "a0 b0 own" {
		t.Errorf("after pruning: %q", got)
	}
	if got := asked(t, db, "item", content.Query{}).Total; got != 2 {
		t.Errorf("after pruning %d items have the word", got)
	}
}

// TestImportAllOrNothing: whatever ends an import leaves the corpus as it
// was, and no file behind.
func TestImportAllOrNothing(t *testing.T) {
	db := newCorpus(t)
	put(t, db, 0, many("old", 5)...)
	put(t, db, 7, content.Item{ID: "seven", Title: "Seven"})
	before := finds(t, db, "", content.Query{Tenant: 7})
	fault := errors.New("line 3: no title")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name  string
		ctx   context.Context
		items []content.Item
		want  error
	}{
		{"fault", t.Context(), many("new", 3), fault},
		{"cancelled", cancelled, many("new", 3), context.Canceled},
		{"repeated", t.Context(), append(many("new", 3), many("new", 1)...), errRepeated},
		{"repeated old", t.Context(), append(many("old", 3), many("old", 1)...), errRepeated},
		{"taken", t.Context(), append(many("new", 3), content.Item{ID: "seven", Title: "Six"}), errTaken},
	} {
		_, err := db.Import(c.ctx, content.ImportOptions{Prune: true}, thenFail(fault, c.items...))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := finds(t, db, "", content.Query{Tenant: 7}); got != before {
			t.Errorf("%s: the corpus is %q, it was %q", c.name, got, before)
		}
		if files, _ := filepath.Glob(filepath.Join(globEscape(db.dir), "corpus-*.db*")); len(files) != 1 {
			t.Errorf("%s: %v", c.name, files)
		}
	}
}

func TestRemove(t *testing.T) {
	db := newCorpus(t)
	put(t, db, 0, many("a", 3)...)
	put(t, db, 7, content.Item{ID: "seven", Title: "Seven"})
	for _, id := range []string{"none", "seven"} {
		if _, err := db.Remove(t.Context(), 0, []string{"a0", id}); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if n, err := db.Remove(t.Context(), 0, []string{"a0", "a2"}); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := db.removeItemsOf(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if got := finds(t, db, "", content.Query{Tenant: 7}); got != "a1" {
		t.Errorf("left: %q", got)
	}
	if s, err := db.Stats(t.Context()); err != nil || s.Items != 1 || s.Bytes == 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestReadWhileImporting: readers see the corpus before or the one after,
// whole, and the writer of tokens never waits for an import.
func TestReadWhileImporting(t *testing.T) {
	db := newCorpus(t)
	generation := func(n int) (items []content.Item) {
		for i := range 50 {
			items = append(items, content.Item{ID: fmt.Sprintf("i%d", i), Collection: "c", Title: fmt.Sprintf("generation%d", n)})
		}
		return items
	}
	put(t, db, 0, generation(0)...)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				q := content.Query{Words: []string{"generation"}, Limit: 50, Facets: []string{"collection"}, Tenant: uint32(n)}
				p, err := db.Search(context.Background(), q)
				if err != nil || p.Total != 50 || len(p.Items) != 50 || !sameTitles(p.Items) {
					t.Errorf("%d of %d items, %v", len(p.Items), p.Total, err)
					return
				}
			}
		})
	}
	for n := range 5 {
		var inside sync.Once
		items := func(yield func(content.Item, error) bool) {
			inside.Do(func() {
				if _, err := db.Import(t.Context(), content.ImportOptions{}, itemsOf()); !errors.Is(err, ErrImporting) {
					t.Errorf("a second import: %v", err)
				}
				if _, err := db.write.Exec(`UPDATE corpus SET generation = generation`); err != nil {
					t.Errorf("the writer waits for the import: %v", err)
				}
			})
			itemsOf(generation(n + 1)...)(yield)
		}
		if _, err := db.Import(t.Context(), content.ImportOptions{}, items); err != nil {
			t.Error(err)
		}
	}
	close(done)
	wg.Wait()
	if files, _ := filepath.Glob(filepath.Join(globEscape(db.dir), "corpus-*.db")); len(files) != 1 {
		t.Errorf("files left: %v", files)
	}
}

func sameTitles(items [][]byte) bool {
	_, title, _ := bytes.Cut(items[0], []byte(`"title":`))
	title, _, _ = bytes.Cut(title, []byte(","))
	for _, item := range items {
		if !bytes.Contains(item, title) {
			return false
		}
	}
	return true
}

// TestReopen: the corpus is there again, what a killed import left is not,
// and a corpus that is missing or of another program is said.
func TestReopen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stile.db")
	db := openCorpusAt(t, file)
	put(t, db, 0, many("a", 3)...)
	name, left := db.CorpusFile(), db.corpusFile(9)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("half an import"), 0o600); err != nil {
		t.Fatal(err)
	}
	db = openCorpusAt(t, file)
	if got := finds(t, db, "", content.Query{Sort: content.ByTitle}); got != "a0 a1 a2" {
		t.Errorf("reopened: %q", got)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half import is still there: %v", err)
	}
	db.Close()
	for _, spoil := range []func() error{
		func() error { _, err := openBuilder(name).Exec(`PRAGMA user_version = 99`); return err },
		func() error { return os.Remove(name) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if db, err := Open(t.Context(), file, options()); err == nil {
			db.Close()
			t.Error("opened without its corpus")
		}
	}
}

// TestKilledImport kills a process in the middle of an import.
func TestKilledImport(t *testing.T) {
	if file := os.Getenv("STILE_TEST_IMPORT"); file != "" {
		importForever(t, file)
	}
	file := filepath.Join(t.TempDir(), "stile.db")
	db := openCorpusAt(t, file)
	put(t, db, 0, many("a", 3)...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledImport$")
		cmd.Env = append(os.Environ(), "STILE_TEST_IMPORT="+file)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len(inTheMiddle))); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		db := openCorpusAt(t, file)
		if got := finds(t, db, "", content.Query{Sort: content.ByTitle}); got != "a0 a1 a2" {
			t.Errorf("after the kill: %q", got)
		}
		if files, _ := filepath.Glob(filepath.Join(db.dir, "corpus-*")); len(files) != 1 {
			t.Errorf("files left: %v", files)
		}
		db.Close()
	}
}

const inTheMiddle = "in the middle"

func importForever(t *testing.T, file string) {
	db := openCorpusAt(t, file)
	endless := func(yield func(content.Item, error) bool) {
		for n := 0; ; n++ {
			if n == 5000 {
				fmt.Print(inTheMiddle)
			}
			if !yield(content.Item{ID: fmt.Sprintf("new%d", n), Title: strings.Repeat("word ", n%50)}, nil) {
				return
			}
		}
	}
	_, err := db.Import(t.Context(), content.ImportOptions{Prune: true}, endless)
	t.Fatal("the endless import ended", err)
}

func TestBackupWithCorpus(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stile.db")
	db := openCorpusAt(t, file)
	put(t, db, 0, many("a", 3)...)
	release, err := db.HoldImports()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Import(t.Context(), content.ImportOptions{}, itemsOf()); !errors.Is(err, ErrImporting) {
		t.Errorf("an import while they are held: %v", err)
	}
	copied := filepath.Join(t.TempDir(), "stile.db")
	if err := db.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := copyFile(t.Context(), filepath.Join(filepath.Dir(copied), filepath.Base(db.CorpusFile())), db.CorpusFile()); err != nil {
		t.Fatal(err)
	}
	release()
	if got := finds(t, openCorpusAt(t, copied), "", content.Query{Sort: content.ByTitle}); got != "a0 a1 a2" {
		t.Errorf("restored: %q", got)
	}
}

func TestExportAndList(t *testing.T) {
	db := newCorpus(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	want := content.Item{
		ID: "a", Collection: "c", Title: "T <&>", Summary: "s", Body: "<p>b</p>", Image: "https://x.example/i", URL: "https://x.example/",
		Tags: []string{"t"}, Attributes: map[string]any{"n": 1.5, "l": []any{"x"}}, PublishedAt: at, UpdatedAt: at,
	}
	put(t, db, 0, append(many("b", 1200), want)...)
	put(t, db, 7, content.Item{ID: "own", Title: "Own"})
	n, seen := 0, map[string]bool{}
	for it, err := range db.Export(t.Context(), content.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if it.ID == "a" && !reflect.DeepEqual(it, want) {
			t.Errorf("%+v, want %+v", it, want)
		}
		n, seen[it.ID] = n+1, true
	}
	if n != 1201 || len(seen) != n || seen["own"] {
		t.Errorf("%d items, %d different", n, len(seen))
	}
	items, err := db.List(t.Context(), content.Filter{Collection: "b"}, "b1", 2)
	if err != nil || len(items) != 2 || items[0].ID != "b10" || items[1].ID != "b100" {
		t.Errorf("%+v, %v", items, err)
	}
	if items, err := db.List(t.Context(), content.Filter{Tenant: 7}, "", 10); err != nil || len(items) != 1 {
		t.Errorf("%+v, %v", items, err)
	}
}
