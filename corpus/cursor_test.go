package corpus

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stile.example/stile/content"
)

// TestCursorLaw: while the corpus changes between two pages, no item is shown
// twice and none that was there all the time is missed. An item whose date or
// title changes on the way may move over the reader's place.
func TestCursorLaw(t *testing.T) {
	db := newCorpus(t)
	tenant := uint32(0)
	rapid.Check(t, func(rt *rapid.T) {
		tenant++
		q := content.Query{
			Tenant: tenant, Limit: rapid.IntRange(1, 4).Draw(rt, "limit"),
			Sort: rapid.SampledFrom([]content.Sort{content.ByNewest, content.ByTitle}).Draw(rt, "sort"),
		}
		if rapid.Bool().Draw(rt, "words") {
			q.Words = []string{"item"}
		}
		made := 0
		add := func(n int) {
			var items []content.Item
			for range n {
				items = append(items, anItem(rt, tenant, made))
				made++
			}
			put(t, db, tenant, items...)
		}
		add(rapid.IntRange(0, 9).Draw(rt, "n"))
		stays := map[string]bool{}
		for i := range made {
			stays[fmt.Sprintf("t%d-%d", tenant, i)] = true
		}
		seen := map[string]bool{}
		for {
			p, err := db.Search(t.Context(), q)
			if err != nil {
				rt.Fatal(err)
			}
			for _, id := range idsOf(t, p.Items) {
				if seen[id] {
					rt.Fatalf("%s is shown twice", id)
				}
				seen[id] = true
			}
			if q.Cursor = p.Next; q.Cursor == "" {
				break
			}
			switch rapid.IntRange(0, 3).Draw(rt, "change") {
			case 0:
				add(rapid.IntRange(1, 2).Draw(rt, "added"))
			case 1:
				id := fmt.Sprintf("t%d-%d", tenant, rapid.IntRange(0, made-1).Draw(rt, "which"))
				err := db.update(t, tenant, func(b *Builder) error { _, err := b.Remove([]string{id}); return err })
				if err == nil {
					delete(stays, id)
				}
			}
		}
		for id := range stays {
			if !seen[id] {
				rt.Fatalf("%s was missed", id)
			}
		}
	})
}

// anItem has one of few titles and dates, so that many are equal.
func anItem(t *rapid.T, tenant uint32, n int) content.Item {
	it := content.Item{
		ID:    fmt.Sprintf("t%d-%d", tenant, n),
		Title: "Item " + rapid.SampledFrom([]string{"a", "Ä", "b", "東", strings.Repeat("long ", 80), "!"}).Draw(t, "title"),
	}
	if n := rapid.Int64Range(-1, 2).Draw(t, "date"); n >= 0 {
		it.PublishedAt = time.Unix(n-1, 0)
	}
	return it
}

// TestRelevanceCursor: all that is found is shown once, in one order,
// whatever the size of a page.
func TestRelevanceCursor(t *testing.T) {
	db := newCorpus(t)
	items := many("a", 60)
	for i := range items {
		items[i].Summary = strings.Repeat("number ", i%7)
		items[i].Body = "<p>" + strings.Repeat("word ", i%5) + "oak</p>"
	}
	put(t, db, 0, items...)
	put(t, db, 9, content.Item{ID: "own", Title: "Own", Summary: "number"})
	for _, words := range []string{"number", "oak", "item oak"} {
		all := finds(t, db, words, content.Query{Tenant: 9, Limit: 100})
		for _, limit := range []int{1, 7, 50} {
			var got []string
			q := content.Query{Tenant: 9, Limit: limit}
			for {
				p := search(t, db, words, q)
				got = append(got, idsOf(t, p.Items)...)
				if q.Cursor = p.Next; q.Cursor == "" {
					break
				}
			}
			if strings.Join(got, " ") != all {
				t.Errorf("%q by %d: %v, want %s", words, limit, got, all)
			}
		}
	}
}

// TestCursorOfAnotherQuestion: a cursor is good for its own question only.
func TestCursorOfAnotherQuestion(t *testing.T) {
	db := newCorpus(t)
	put(t, db, 0, many("item", 9)...)
	base := content.Query{Words: []string{"item"}, Limit: 2}
	next := func() string {
		p, err := db.Search(t.Context(), base)
		if err != nil || p.Next == "" {
			t.Fatalf("%+v, %v", p, err)
		}
		return p.Next
	}()
	for name, change := range map[string]func(*content.Query){
		"words":      func(q *content.Query) { q.Words = []string{"number"} },
		"no words":   func(q *content.Query) { q.Words = nil },
		"tenant":     func(q *content.Query) { q.Tenant = 1 },
		"sort":       func(q *content.Query) { q.Sort = content.ByTitle },
		"collection": func(q *content.Query) { q.Collection = "item" },
		"tags":       func(q *content.Query) { q.Tags = []string{"x"} },
		"cut":        func(q *content.Query) { q.Cursor = next[:len(next)-1] },
		"longer":     func(q *content.Query) { q.Cursor += "A" },
		"hostile":    func(q *content.Query) { q.Cursor = "' OR 1=1 --" },
		"huge":       func(q *content.Query) { q.Cursor = strings.Repeat("A", 1<<16) },
	} {
		q := base
		q.Cursor = next
		change(&q)
		var wrong content.ErrQuery
		if _, err := db.Search(t.Context(), q); !errors.As(err, &wrong) || wrong.Field != "cursor" {
			t.Errorf("%s: %v", name, err)
		}
	}
	same := base
	same.Cursor, same.Limit, same.Highlight = next, 5, true
	if _, err := db.Search(t.Context(), same); err != nil {
		t.Errorf("the same question with another limit: %v", err)
	}
}

// FuzzCursor: whatever is given for a cursor, the answer is a page or
// ErrQuery, and a cursor that is taken is the one that is made of it.
func FuzzCursor(f *testing.F) {
	db := newCorpus(f)
	put(f, db, 0, many("item", 9)...)
	for sort := range content.Sort(3) {
		p, err := db.Search(f.Context(), content.Query{Words: []string{"item"}, Sort: sort, Limit: 2})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Next, uint8(sort))
	}
	f.Fuzz(func(t *testing.T, cursor string, sort uint8) {
		q := content.Query{Words: []string{"item"}, Sort: content.Sort(sort % 3), Limit: 2, Cursor: cursor}
		at, err := parseCursor(q)
		if err == nil && at != nil && cursorAt(q, *at) != cursor {
			t.Fatalf("%q is taken for %q", cursor, cursorAt(q, *at))
		}
		var wrong content.ErrQuery
		if _, err := db.Search(t.Context(), q); err != nil && !errors.As(err, &wrong) {
			t.Fatal(err)
		}
	})
}
