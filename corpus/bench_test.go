package corpus

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"stile.example/stile/content"
)

// benchItems returns n items of about 40 words each, of a vocabulary of about 5,000.
func benchItems(n int) (items []content.Item) {
	for i := range n {
		var text strings.Builder
		for k := range 40 {
			fmt.Fprintf(&text, "word%d ", (i*i+k*k*k*7)%4999)
		}
		items = append(items, content.Item{
			ID: fmt.Sprint("item", i), Collection: fmt.Sprint("c", i%7), Title: fmt.Sprintf("Title %d of word%d", i, i%4999),
			Summary: text.String(), Tags: []string{fmt.Sprint("tag", i%50), fmt.Sprint("tag", i%61)},
		})
	}
	return items
}

// BenchmarkImport imports 20,000 items into an empty corpus.
func BenchmarkImport(b *testing.B) {
	items := benchItems(20_000)
	for b.Loop() {
		c := newCorpus(b)
		put(b, c, 0, items...)
		c.Close()
		os.RemoveAll(c.dir)
	}
}

// BenchmarkItem reads items that are not cached.
func BenchmarkItem(b *testing.B) {
	c := newCorpus(b)
	put(b, c, 0, benchItems(20_000)...)
	for n := 0; b.Loop(); n++ {
		if n%1000 == 0 {
			clearCaches(c)
		}
		if _, err := c.Item(0, fmt.Sprint("item", n%20_000)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSearch searches for a word that is not cached.
func BenchmarkSearch(b *testing.B) {
	c := newCorpus(b)
	put(b, c, 0, benchItems(20_000)...)
	for n := 0; b.Loop(); n++ {
		if n%1000 == 0 {
			clearCaches(c)
		}
		q := content.Query{Words: []string{fmt.Sprint("word", n%4999)}, Limit: 20}
		if _, err := c.Search(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}

// clearCaches empties all caches.
func clearCaches(c *testCorpus) {
	c.pages.Clear()
	c.late.Clear()
	c.windows.Clear()
	c.wholes.Clear()
}
