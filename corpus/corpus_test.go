package corpus

import (
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus/build"
	"stile.example/stile/corpus/turns"
)

// testCorpus is a corpus whose file is replaced by each change, as package library does.
type testCorpus struct {
	*File
	dir string
	n   int
}

// newCorpus makes a corpus whose queries may take long: the machine that tests run on may be busy.
func newCorpus(t testing.TB) *testCorpus {
	t.Helper()
	c := &testCorpus{dir: filepath.Join(t.TempDir(), "a b?%#")}
	if err := os.Mkdir(c.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := build.Create(t.Context(), c.file(0)); err != nil {
		t.Fatal(err)
	}
	c.open(t, Options{
		Now: time.Now, Lanes: turns.NewLanes(2),
		Limits: Limits{Whole: time.Minute, Total: time.Minute, Facets: time.Minute, Turn: time.Minute},
	})
	t.Cleanup(func() { c.Close() })
	return c
}

func (c *testCorpus) file(n int) string { return filepath.Join(c.dir, fmt.Sprint(n, ".db")) }

func (c *testCorpus) open(t testing.TB, opt Options) {
	t.Helper()
	f, err := Open(t.Context(), c.file(c.n), opt)
	if err != nil {
		t.Fatal(err)
	}
	c.File = f
}

// update replaces the file by a copy that fn has changed, unless fn fails.
func (c *testCorpus) update(t testing.TB, owner uint32, fn func(*build.Builder) error) error {
	t.Helper()
	old, err := os.ReadFile(c.file(c.n))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.file(c.n+1), old, 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := build.Update(c.file(c.n+1), owner, fn); err != nil || !changed {
		return err
	}
	c.n++
	opt := c.opt
	c.Close()
	c.open(t, opt)
	return nil
}

// put imports items of an owner.
func put(t testing.TB, c *testCorpus, owner uint32, items ...content.Item) (r imports.Result) {
	t.Helper()
	return load(t, c, owner, itemsOf(items...))
}

func load(t testing.TB, c *testCorpus, owner uint32, items iter.Seq2[content.Item, error]) (r imports.Result) {
	t.Helper()
	err := c.update(t, owner, func(b *build.Builder) (err error) {
		r, err = b.Import(t.Context(), imports.Options{Tenant: owner}, items)
		return err
	})
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
func search(t testing.TB, c *testCorpus, q string, more content.Query) content.Page {
	t.Helper()
	var err error
	if more.Words, err = content.Words(q); err != nil {
		t.Fatal(err)
	}
	more.Signs = content.Signs(q)
	if more.Limit == 0 {
		more.Limit = 50
	}
	p, err := c.Search(t.Context(), more)
	if err != nil {
		t.Fatalf("search %q: %v", q, err)
	}
	return p
}

// idsOf returns the ids of encoded items.
func idsOf(t testing.TB, items [][]byte) (ids []string) {
	t.Helper()
	for _, b := range items {
		var in struct{ ID string }
		if err := json.Unmarshal(b, &in); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		ids = append(ids, in.ID)
	}
	return ids
}

// finds returns the ids of the items that q finds, with spaces between them.
func finds(t testing.TB, c *testCorpus, q string, more content.Query) string {
	t.Helper()
	return strings.Join(idsOf(t, search(t, c, q, more).Items), " ")
}

// sorted returns the fields of s in their order.
func sorted(s string) string {
	f := strings.Fields(s)
	slices.Sort(f)
	return strings.Join(f, " ")
}
