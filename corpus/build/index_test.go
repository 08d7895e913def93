package build

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/options"
	"stile.example/stile/corpus/sqlite"
	_ "stile.example/stile/stiletest/repeatable"
)

func countries() (items []content.Item) {
	items = []content.Item{
		{ID: "us", Collection: "america", Title: "United States", Body: "<p>a country</p>", Attributes: map[string]any{"capital": "Washington D.C.", "codes": []any{"US", "USA"}, "area": 9.5}},
		{ID: "nl", Collection: "europe", Title: "Netherlands", Tags: []string{"small"}, Attributes: map[string]any{"capital": "Amsterdam", "codes": []any{"NL", "NLD"}, "names": map[string]any{"nl": "Nederland"}}},
		{ID: "hh", Collection: "europe", Title: "North Holland", Summary: "a province whose capital is not Amsterdam"},
	}
	for i := range 30 {
		items = append(items, content.Item{ID: fmt.Sprint("filler", i), Collection: "filler", Title: fmt.Sprint("Item number ", i)})
	}
	return items
}

// openVocabulary opens a file, with the words of its full text in table v.
func openVocabulary(t testing.TB, name string) *sql.DB {
	t.Helper()
	db := sqlite.OpenWriter(name)
	if _, err := db.Exec(`CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, search, instance)`); err != nil {
		db.Close()
		t.Fatal(err)
	}
	return db
}

// indexDump returns everything that items are found by: each word with its place in each item, and
// how often words and values are counted.
func indexDump(t testing.TB, name string) []string {
	t.Helper()
	db := openVocabulary(t, name)
	defer db.Close()
	var rows []string
	for _, text := range []string{
		`SELECT 'at', term, doc, col, offset FROM v ORDER BY term, doc, col, offset`,
		`SELECT 'word', word, owner, items, '' FROM words ORDER BY word, owner`,
		`SELECT 'start', start, rank, item, owner FROM starts ORDER BY owner, start, rank, item`,
		`SELECT 'count', value, owner, items, '' FROM value_counts WHERE items > 0 ORDER BY value, owner`,
		`SELECT 'item', item, id, list, whole FROM items ORDER BY item`,
	} {
		err := sqlite.Query(t.Context(), db, func(scan sqlite.Scanner) error {
			row := make([]string, 5)
			err := scan(&row[0], &row[1], &row[2], &row[3], &row[4])
			rows = append(rows, strings.Join(row, " "))
			return err
		}, text)
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// recount returns the rows of table words as the full text has them.
func recount(t testing.TB, name string) []string {
	t.Helper()
	db := openVocabulary(t, name)
	defer db.Close()
	var rows []string
	err := sqlite.Query(t.Context(), db, func(scan sqlite.Scanner) error {
		var word, owner, n string
		err := scan(&word, &owner, &n)
		rows = append(rows, strings.Join([]string{"word", word, owner, n, ""}, " "))
		return err
	}, `
		SELECT term, doc >> 40 AS owner, count(DISTINCT doc) FROM v
		WHERE col <> 'filters' AND term <> char(0xe001) GROUP BY term, owner ORDER BY term, owner`)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func differ(t testing.TB, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for _, row := range got {
		if !slices.Contains(want, row) {
			t.Errorf("%s: unexpected %q", what, row)
		}
	}
	for _, row := range want {
		if !slices.Contains(got, row) {
			t.Errorf("%s: missing %q", what, row)
		}
	}
}

// TestChangingOptionsBack: changed options that are changed back restore the index exactly, and
// items that are indexed again are indexed like new ones.
func TestChangingOptionsBack(t *testing.T) {
	name, other := newFile(t), newFile(t)
	all, own := countries(), content.Item{ID: "own", Title: "Item of the tenant 7"}
	change(t, name, 7, options.Change{}, own)
	change(t, name, 0, options.Change{}, all...)
	before := indexDump(t, name)
	chosen := options.Change{
		Searchable: ptr([]string{"capital", "codes", "names"}), Synonyms: ptr("holland,netherlands\nitem,thing,object\n"),
		URL: ptr("https://p.example/{id}"),
	}
	change(t, name, 0, chosen)
	after := indexDump(t, name)
	if slices.Equal(before, after) {
		t.Error("the options changed nothing")
	}
	change(t, other, 7, options.Change{}, own)
	change(t, other, 0, chosen, all...)
	differ(t, "indexed again", after, indexDump(t, other))
	change(t, name, 0, options.Change{Searchable: ptr([]string{}), Synonyms: ptr(""), URL: ptr("")})
	differ(t, "changed back", indexDump(t, name), before)
}

// TestWordCounts: after any sequence of imports, removals and changes of options, table words has
// the counts that the full text has, and no others.
func TestWordCounts(t *testing.T) {
	word := rapid.SampledFrom(strings.Fields("oak ash elm yew fir usa holland netherlands states united 日本 nippon"))
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(word, 1, 4).Draw(t, "words"), " ")
	})
	item := rapid.Custom(func(t *rapid.T) content.Item {
		return content.Item{
			ID: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id"), Title: text.Draw(t, "title"), Tags: []string{text.Draw(t, "tag")},
			Summary: text.Draw(t, "summary"), Body: "<p>" + text.Draw(t, "body") + "</p>",
			Attributes: map[string]any{"x": text.Draw(t, "x"), "y": []any{text.Draw(t, "y"), 3.0}},
		}
	})
	synonyms := rapid.SampledFrom([]string{"", "holland,netherlands\n", "oak,ash,united states\n日本,nippon\n", "fir,yew\nyew,elm\n"})
	searchable := rapid.SampledFrom([][]string{{}, {"x"}, {"y", "x"}})
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		name := dir + "/words.db"
		os.Remove(name)
		if err := Create(t.Context(), name); err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			owner := rapid.SampledFrom([]uint32{0, 7}).Draw(rt, "owner")
			var ch options.Change
			if rapid.Bool().Draw(rt, "changes") {
				ch.Synonyms, ch.Searchable = ptr(synonyms.Draw(rt, "synonyms")), ptr(searchable.Draw(rt, "searchable"))
			}
			it := item.Draw(rt, "item")
			it.ID += fmt.Sprint(owner)
			removes := rapid.Bool().Draw(rt, "removes")
			_, err := Update(name, owner, func(b *Builder) error {
				if _, err := b.Import(t.Context(), imports.Options{Options: ch}, itemsOf(it)); err != nil || !removes {
					return err
				}
				_, err := b.Remove([]string{it.ID})
				return err
			})
			if err != nil && !errors.Is(err, content.ErrNotFound) {
				rt.Fatal(err)
			}
		}
		dump := slices.DeleteFunc(indexDump(t, name), func(row string) bool { return !strings.HasPrefix(row, "word ") })
		if want := recount(t, name); !slices.Equal(dump, want) {
			differ(t, "words", dump, want)
			rt.Fatal("table words differs from the full text")
		}
	})
}
