package library

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus"
)

// numberFile stores the number of the current generation in a file.
type numberFile string

func (f numberFile) Generation(context.Context) (int64, error) {
	b, err := os.ReadFile(string(f))
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(b), 10, 64)
}

func (f numberFile) SetGeneration(_ context.Context, n int64) error {
	return os.WriteFile(string(f), strconv.AppendInt(nil, n, 10), 0o600)
}

// openDir opens the library in a directory.
func openDir(ctx context.Context, dir string) (*Library, error) {
	return Open(ctx, dir, numberFile(filepath.Join(dir, "current")), Options{
		Now:    time.Now, // queries may take long: the machine that tests run on may be busy
		Limits: corpus.Limits{Whole: time.Minute, Total: time.Minute, Facets: time.Minute, Turn: time.Minute},
	})
}

func newLibrary(t *testing.T) *Library {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a b?%#[")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l := openLibrary(t, dir)
	t.Cleanup(func() { l.Close() })
	return l
}

func openLibrary(t *testing.T, dir string) *Library {
	t.Helper()
	l, err := openDir(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// put imports items of an owner.
func put(t *testing.T, l *Library, owner uint32, items ...content.Item) imports.Result {
	t.Helper()
	r, err := l.Import(t.Context(), imports.Options{Tenant: owner}, itemsOf(items...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func itemsOf(items ...content.Item) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		for _, it := range items {
			if !yield(it, nil) {
				return
			}
		}
	}
}

// thenFail yields the items and then err.
func thenFail(err error, items ...content.Item) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		for it := range itemsOf(items...) {
			if !yield(it, nil) {
				return
			}
		}
		yield(content.Item{}, err)
	}
}

// many returns n items named by a prefix.
func many(prefix string, n int) (items []content.Item) {
	for i := range n {
		items = append(items, content.Item{
			ID: fmt.Sprintf("%s%d", prefix, i), Collection: prefix, Title: fmt.Sprintf("Item %s number %d", prefix, i),
		})
	}
	return items
}

// search splits q into words and searches for them.
func search(t *testing.T, l *Library, q string, more content.Query) content.Page {
	t.Helper()
	more.Words, more.Limit = strings.Fields(q), 50
	p, err := l.Search(t.Context(), more)
	if err != nil {
		t.Fatalf("search %q: %v", q, err)
	}
	return p
}

// finds returns the ids of the items that q finds, with spaces between them.
func finds(t *testing.T, l *Library, q string, more content.Query) string {
	t.Helper()
	var ids []string
	for _, b := range search(t, l, q, more).Items {
		var in struct{ ID string }
		if err := json.Unmarshal(b, &in); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		ids = append(ids, in.ID)
	}
	return strings.Join(ids, " ")
}

// wantOneFile fails the test unless the directory has exactly the current generation, the one
// before it if the last change can be undone, and nothing next to them.
func wantOneFile(t *testing.T, l *Library) {
	t.Helper()
	want := []string{l.CorpusFile()}
	if c, _, ok := l.LastChange(); ok {
		want = append(want, l.changeFile(c.Generation))
		if c.Previous != 0 {
			want = append(want, l.fileName(c.Previous))
		}
	}
	files, err := filepath.Glob(filepath.Join(globEscape(l.dir), "corpus-*"))
	slices.Sort(want)
	if err != nil || !slices.Equal(files, want) {
		t.Errorf("files: %v, %v, want %v", files, err, want)
	}
}

func haveSameTitle(items [][]byte) bool {
	_, title, _ := bytes.Cut(items[0], []byte(`"title":`))
	title, _, _ = bytes.Cut(title, []byte(","))
	for _, item := range items {
		if !bytes.Contains(item, title) {
			return false
		}
	}
	return true
}

// TestUnreadable: the error of a corpus that can't be read names its file, and what to do.
func TestUnreadable(t *testing.T) {
	l := newLibrary(t)
	put(t, l, 0, many("x", 100)...)
	dir, file := l.dir, l.current.Name()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Repeat([]byte("x"), 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := openDir(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), file+": can't read the corpus: ") || !strings.HasSuffix(err.Error(), "restore this file from a backup") {
		t.Errorf("%v", err)
	}
}
