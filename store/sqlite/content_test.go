package sqlite

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
)

// newCorpus is a database whose questions may take long: the machine that
// tests run on may be busy.
func newCorpus(t testing.TB) *DB { return openCorpusAt(t, newFile(t)) }

func openCorpusAt(t testing.TB, file string) *DB {
	t.Helper()
	db := openFile(t, file, options())
	db.times = times{whole: time.Minute, total: time.Minute, facets: time.Minute, turn: time.Minute}
	return db
}

// put imports items of an owner.
func put(t testing.TB, db *DB, owner uint32, items ...content.Item) content.Result {
	t.Helper()
	r, err := db.Import(t.Context(), content.ImportOptions{Tenant: owner}, itemsOf(items...))
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

// many are n items named by a prefix.
func many(prefix string, n int) (items []content.Item) {
	for i := range n {
		items = append(items, content.Item{ID: fmt.Sprintf("%s%d", prefix, i), Collection: prefix, Title: fmt.Sprintf("Item %s number %d", prefix, i)})
	}
	return items
}

// asked splits q into words and searches for them.
func asked(t testing.TB, db *DB, q string, more content.Query) content.Page {
	t.Helper()
	var err error
	if more.Words, err = content.Words(q); err != nil {
		t.Fatal(err)
	}
	if more.Limit == 0 {
		more.Limit = 50
	}
	p, err := db.Search(t.Context(), more)
	if err != nil {
		t.Fatalf("search %q: %v", q, err)
	}
	return p
}

// ids are the ids of encoded items.
func ids(t testing.TB, items [][]byte) (ids []string) {
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

// finds says which items q finds, by id and with blanks between them.
func finds(t testing.TB, db *DB, q string, more content.Query) string {
	t.Helper()
	return strings.Join(ids(t, asked(t, db, q, more).Items), " ")
}

func sorted(s string) string {
	f := strings.Fields(s)
	slices.Sort(f)
	return strings.Join(f, " ")
}
