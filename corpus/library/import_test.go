package library

import (
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
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus/build"
)

func TestImportCounts(t *testing.T) {
	l := newLibrary(t)
	items := many("a", 3)
	check := func(what string, got, want imports.Result) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	check("new", put(t, l, 0, items...), imports.Result{Added: 3, Collections: map[string]int{"a": 3}})
	before, _ := l.Stats(t.Context())
	check("same", put(t, l, 0, items...), imports.Result{Unchanged: 3, Collections: map[string]int{"a": 3}})
	if after, _ := l.Stats(t.Context()); after != before {
		t.Errorf("an import that changes nothing published a generation: %+v, %+v", before, after)
	}
	items[1].Title = "Another"
	check("changed", put(t, l, 0, append(items, many("b", 1)...)...),
		imports.Result{Added: 1, Updated: 1, Unchanged: 2, Collections: map[string]int{"a": 3, "b": 1}})
	if got := finds(t, l, "another", content.Query{}) + "|" + finds(t, l, "number 1", content.Query{Sort: content.ByTitle}); got != "a1|" {
		t.Errorf("after the change: %q", got)
	}
	put(t, l, 5, content.Item{ID: "own", Collection: "a", Title: "Own"})
	r, err := l.Import(t.Context(), imports.Options{Prune: true}, itemsOf(items[0]))
	if err != nil {
		t.Fatal(err)
	}
	check("pruned", r, imports.Result{Unchanged: 1, Removed: 2, Collections: map[string]int{"a": 1}})
	if got := finds(t, l, "", content.Query{Tenant: 5, Sort: content.ByTitle}); got != "a0 b0 own" {
		t.Errorf("after pruning: %q", got)
	}
	if got := search(t, l, "item", content.Query{}).Total; got != 2 {
		t.Errorf("after pruning %d items have the word", got)
	}
}

// TestImportAllOrNothing: an import that fails leaves the corpus as it was, and no file behind.
func TestImportAllOrNothing(t *testing.T) {
	l := newLibrary(t)
	put(t, l, 0, many("old", 5)...)
	put(t, l, 7, content.Item{ID: "seven", Title: "Seven"})
	before := finds(t, l, "", content.Query{Tenant: 7})
	fault := errors.New("line 3: missing title")
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
		{"repeated", t.Context(), append(many("new", 3), many("new", 1)...), build.ErrRepeated},
		{"repeated old", t.Context(), append(many("old", 3), many("old", 1)...), build.ErrRepeated},
		{"taken", t.Context(), append(many("new", 3), content.Item{ID: "seven", Title: "Six"}), build.ErrTaken},
	} {
		_, err := l.Import(c.ctx, imports.Options{Prune: true}, thenFail(fault, c.items...))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := finds(t, l, "", content.Query{Tenant: 7}); got != before {
			t.Errorf("%s: the corpus is %q, it was %q", c.name, got, before)
		}
		wantOneFile(t, l)
	}
}

func TestRemove(t *testing.T) {
	l := newLibrary(t)
	put(t, l, 0, many("a", 3)...)
	put(t, l, 7, content.Item{ID: "seven", Title: "Seven"})
	for _, id := range []string{"none", "seven"} {
		if _, err := l.Remove(t.Context(), 0, []string{"a0", id}); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if n, err := l.Remove(t.Context(), 0, []string{"a0", "a2"}); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := l.RemoveAll(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if got := finds(t, l, "", content.Query{Tenant: 7}); got != "a1" {
		t.Errorf("left: %q", got)
	}
	if s, err := l.Stats(t.Context()); err != nil || s.Items != 1 || s.Bytes == 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestReadWhileImporting: readers see the complete corpus of before or after an import, and a
// second import is refused.
func TestReadWhileImporting(t *testing.T) {
	l := newLibrary(t)
	generation := func(n int) (items []content.Item) {
		for i := range 50 {
			items = append(items, content.Item{ID: fmt.Sprintf("i%d", i), Collection: "c", Title: fmt.Sprintf("generation%d", n)})
		}
		return items
	}
	put(t, l, 0, generation(0)...)
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
				p, err := l.Search(context.Background(), q)
				if err != nil || p.Total != 50 || len(p.Items) != 50 || !haveSameTitle(p.Items) {
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
				if _, err := l.Import(t.Context(), imports.Options{}, itemsOf()); !errors.Is(err, ErrImporting) {
					t.Errorf("a second import: %v", err)
				}
			})
			itemsOf(generation(n + 1)...)(yield)
		}
		if _, err := l.Import(t.Context(), imports.Options{}, items); err != nil {
			t.Error(err)
		}
	}
	close(done)
	wg.Wait()
	wantOneFile(t, l)
}

// TestReopen: after a restart the corpus is the same, and what a killed import left is removed. A
// corpus that is missing or has another format is an error.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	l := openLibrary(t, dir)
	put(t, l, 0, many("a", 3)...)
	name, left := l.CorpusFile(), l.fileName(9)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("half an import"), 0o600); err != nil {
		t.Fatal(err)
	}
	l = openLibrary(t, dir)
	if got := finds(t, l, "", content.Query{Sort: content.ByTitle}); got != "a0 a1 a2" {
		t.Errorf("reopened: %q", got)
	}
	wantOneFile(t, l)
	l.Close()
	const formatAt = 63 // the last byte of the user version in the header of an SQLite file
	for _, spoil := range []func() error{
		func() error { return overwrite(name, formatAt, 99) },
		func() error { return os.Remove(name) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if l, err := openDir(t.Context(), dir); err == nil {
			l.Close()
			t.Error("opened without its corpus")
		}
	}
}

// overwrite replaces one byte of a file.
func overwrite(name string, at int64, b byte) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte{b}, at)
	return errors.Join(err, f.Close())
}

// TestKilledImport kills a process in the middle of an import.
func TestKilledImport(t *testing.T) {
	if dir := os.Getenv("STILE_TEST_IMPORT"); dir != "" {
		importEndlessly(t, dir)
	}
	dir := t.TempDir()
	l := openLibrary(t, dir)
	put(t, l, 0, many("a", 3)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		killImport(t, dir)
		l := openLibrary(t, dir)
		if got := finds(t, l, "", content.Query{Sort: content.ByTitle}); got != "a0 a1 a2" {
			t.Errorf("after the kill: %q", got)
		}
		wantOneFile(t, l)
		l.Close()
	}
}

const inTheMiddle = "in the middle"

// killImport starts a process that imports, and kills it in the middle.
func killImport(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledImport$")
	cmd.Env = append(os.Environ(), "STILE_TEST_IMPORT="+dir)
	killInTheMiddle(t, cmd)
}

// killInTheMiddle starts a process, and kills it when it says that it is in the middle.
func killInTheMiddle(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
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
}

func importEndlessly(t *testing.T, dir string) { importEndlesslyInto(t, openLibrary(t, dir)) }

func importEndlesslyInto(t *testing.T, l *Library) {
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
	_, err := l.Import(t.Context(), imports.Options{Prune: true}, endless)
	t.Fatal("the endless import ended", err)
}

// TestHoldImports: while imports are held, the current file does not change.
func TestHoldImports(t *testing.T) {
	l := newLibrary(t)
	put(t, l, 0, many("a", 3)...)
	release, err := l.HoldImports()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Import(t.Context(), imports.Options{}, itemsOf(many("b", 1)...)); !errors.Is(err, ErrImporting) {
		t.Errorf("an import while they are held: %v", err)
	}
	if _, err := l.HoldImports(); !errors.Is(err, ErrImporting) {
		t.Errorf("held twice: %v", err)
	}
	name := l.CorpusFile()
	release()
	put(t, l, 0, many("b", 1)...)
	if l.CorpusFile() == name || filepath.Dir(name) != l.dir {
		t.Errorf("the file is %s, it was %s", l.CorpusFile(), name)
	}
}

func TestExportAndList(t *testing.T) {
	l := newLibrary(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	want := content.Item{
		ID: "a", Collection: "c", Title: "T <&>", Summary: "s", Body: "<p>b</p>", Image: "https://x.example/i", URL: "https://x.example/",
		Tags: []string{"t"}, Attributes: map[string]any{"n": 1.5, "l": []any{"x"}}, PublishedAt: at, UpdatedAt: at,
	}
	put(t, l, 0, append(many("b", 1200), want)...)
	put(t, l, 7, content.Item{ID: "own", Title: "Own"})
	n, seen := 0, map[string]bool{}
	for it, err := range l.Export(t.Context(), content.Filter{}) {
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
	items, err := l.List(t.Context(), content.Filter{Collection: "b"}, "b1", 2)
	if err != nil || len(items) != 2 || items[0].ID != "b10" || items[1].ID != "b100" {
		t.Errorf("%+v, %v", items, err)
	}
	if items, err := l.List(t.Context(), content.Filter{Tenant: 7}, "", 10); err != nil || len(items) != 1 {
		t.Errorf("%+v, %v", items, err)
	}
}
