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

// TestCursorProperty: while the corpus changes between two pages, no item is shown twice, and no
// item is missed that was in the corpus all the time. Items whose date or title changes meanwhile
// are not tested, since they may move past the reader's position.
func TestCursorProperty(t *testing.T) {
	tc := newCorpus(t)
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
			put(t, tc, tenant, items...)
		}
		add(rapid.IntRange(0, 9).Draw(rt, "n"))
		stays := map[string]bool{}
		for i := range made {
			stays[fmt.Sprintf("t%d-%d", tenant, i)] = true
		}
		seen := map[string]bool{}
		for {
			p, err := tc.Search(t.Context(), q)
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
				err := tc.update(t, tenant, func(b *Builder) error { _, err := b.Remove([]string{id}); return err })
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

// anItem returns an item with one of few titles and dates, so that many are equal.
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

// TestRelevanceCursor: with pages of any size, all matches are shown once, in the same order.
func TestRelevanceCursor(t *testing.T) {
	tc := newCorpus(t)
	items := many("a", 60)
	for i := range items {
		items[i].Summary = strings.Repeat("number ", i%7)
		items[i].Body = "<p>" + strings.Repeat("word ", i%5) + "oak</p>"
	}
	put(t, tc, 0, items...)
	put(t, tc, 9, content.Item{ID: "own", Title: "Own", Summary: "number"})
	for _, words := range []string{"number", "oak", "item oak"} {
		all := finds(t, tc, words, content.Query{Tenant: 9, Limit: 100})
		for _, limit := range []int{1, 7, 50} {
			var got []string
			q := content.Query{Tenant: 9, Limit: limit}
			for {
				p := search(t, tc, words, q)
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

// TestCursorOfAnotherQuery: a cursor is valid only for its own query.
func TestCursorOfAnotherQuery(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, many("item", 9)...)
	base := content.Query{Words: []string{"item"}, Limit: 2}
	next := func() string {
		p, err := tc.Search(t.Context(), base)
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
		if _, err := tc.Search(t.Context(), q); !errors.As(err, &wrong) || wrong.Field != "cursor" {
			t.Errorf("%s: %v", name, err)
		}
	}
	same := base
	same.Cursor, same.Limit, same.Highlight = next, 5, true
	if _, err := tc.Search(t.Context(), same); err != nil {
		t.Errorf("the same query with another limit: %v", err)
	}
}

// FuzzCursor: any text as a cursor leads to a page or to ErrQuery. A cursor that is accepted has no
// second spelling.
func FuzzCursor(f *testing.F) {
	tc := newCorpus(f)
	put(f, tc, 0, many("item", 9)...)
	for sort := range content.Sort(3) {
		p, err := tc.Search(f.Context(), content.Query{Words: []string{"item"}, Sort: sort, Limit: 2})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Next, uint8(sort))
	}
	f.Fuzz(func(t *testing.T, cursor string, sort uint8) {
		q := content.Query{Words: []string{"item"}, Sort: content.Sort(sort % 3), Limit: 2, Cursor: cursor}
		at, err := parseCursor(q)
		if err == nil && at != nil && cursorAt(q, *at) != cursor {
			t.Fatalf("%q is accepted as %q", cursor, cursorAt(q, *at))
		}
		var wrong content.ErrQuery
		if _, err := tc.Search(t.Context(), q); err != nil && !errors.As(err, &wrong) {
			t.Fatal(err)
		}
	})
}
