package corpus

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/titles"
)

// windowSize is how many items of an owner are ranked, both of those with all words in the title
// and of the others.
const windowSize = 2000

// match is an item that was found, with what it is ordered by.
type match struct {
	item  int64
	rank  float64 // by relevance: lower is better
	date  int64   // by date: Unix microseconds
	title string  // by title: folded
}

// behindTitles is added to the ranks of items without all words in the title, which makes them
// larger than all others.
const behindTitles = 1 << 20

// isTitle reports whether a ranked item has all words in its title. BM25 values are negative, but
// far smaller than what is added to them.
func (m match) isTitle() bool { return m.rank < behindTitles/2 }

func byRelevance(a, b match) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.item, a.item))
}

// window is the matches that are ranked, in order.
type window struct {
	matches []match
	total   int // of matches, or -1 if there are more than were ranked
}

// count returns what a window shows about the total.
func (w window) count(s selection) count {
	switch {
	case s.exact >= 0:
		return count{s.exact, true}
	case w.total >= 0:
		return count{w.total, true}
	}
	return count{n: len(w.matches)}
}

// from returns at most n matches: those after at, or the first if at is nil.
func (w window) from(at *match, n int) []match {
	from := 0
	if at != nil {
		from, _ = slices.BinarySearchFunc(w.matches, *at, func(m, at match) int {
			if byRelevance(m, at) <= 0 {
				return -1
			}
			return 1
		})
	}
	return w.matches[from:min(from+n, len(w.matches))]
}

// window returns the ranked matches of a selection.
func (c *File) window(ctx context.Context, s selection) (w window, err error) {
	key := fmt.Sprint(s.tenant, " ", s.all, " ", s.signs)
	if w, ok := c.windows.Find(key); ok {
		return w, nil
	}
	for _, owner := range s.owners {
		if err := c.rank(ctx, s, owner, &w); err != nil {
			return w, err
		}
	}
	slices.SortFunc(w.matches, byRelevance)
	c.windows.Keep(key, w, len(key)+48*len(w.matches))
	return w, nil
}

// rank adds an owner's matches to a window.
func (c *File) rank(ctx context.Context, s selection, owner uint32, w *window) error {
	inTitle, err := titles.Find(ctx, c.db, titles.Query{
		Owner: owner, Words: s.words, Signs: s.titleSigns(), Values: s.values, Ranges: s.ranges,
		Limit: windowSize,
	})
	if err != nil {
		return err
	}
	for item, rank := range inTitle {
		w.matches = append(w.matches, match{item: item, rank: rank})
	}
	found := 0
	text, args := rankQuery(s, owner)
	err = sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
		var m match
		err := scan(&m.item, &m.rank)
		m.rank += behindTitles
		if _, ok := inTitle[m.item]; !ok {
			w.matches = append(w.matches, m)
		}
		found++
		return err
	}, text, args...)
	if found == windowSize {
		w.total = -1
	} else if w.total >= 0 {
		w.total += found
	}
	return err
}

// rankQuery returns the statement that gives each match its BM25 value, which is negative, and
// lower for better matches. If some of the words are too common to rank by, they must not be in the
// expression that BM25 evaluates.
func rankQuery(s selection, owner uint32) (text string, args []any) {
	// One occurrence in a searchable attribute is more than any number of occurrences elsewhere, so an
	// item with a code comes before those that mention it.
	const bm25 = `bm25(search, 10, 6, 3, 1, 0, 1000)`
	const matching = ` FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?`
	window := []any{s.all, sqlite.First(owner), sqlite.Last(owner), windowSize}
	switch s.rank {
	case "":
		return `SELECT rowid, 0` + matching, window
	case s.all:
		return `SELECT rowid, ` + bm25 + matching, window
	}
	return `SELECT rowid, ` + bm25 + ` FROM search WHERE search MATCH ? AND +rowid IN (SELECT rowid` + matching + `)`,
		append([]any{s.rank}, window...)
}
