package corpus

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/corpus/words"
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
	key := fmt.Sprint(s.tenant, " ", s.all)
	if w, ok := c.windows.find(key); ok {
		return w, nil
	}
	for _, owner := range s.owners {
		if err := c.rank(ctx, s, owner, &w); err != nil {
			return w, err
		}
	}
	slices.SortFunc(w.matches, byRelevance)
	c.windows.keep(key, w, 48*len(w.matches))
	return w, nil
}

// rank adds an owner's matches to a window.
func (c *File) rank(ctx context.Context, s selection, owner uint32, w *window) error {
	inTitle, err := c.titled(ctx, s, owner)
	if err != nil {
		return err
	}
	for item, rank := range inTitle {
		w.matches = append(w.matches, match{item: item, rank: rank})
	}
	found := 0
	text, args := rankQuery(s, owner)
	err = query(ctx, c.db, func(scan scanner) error {
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

// titled returns the matches with all words in the title, and their ranks. It reads table starts,
// where the best of them are adjacent. In the full text, frequent words of titles would have to be
// read to the end.
func (c *File) titled(
	ctx context.Context, s selection, owner uint32,
) (map[int64]float64, error) {
	by, err := c.rarest(ctx, owner, s.words)
	if err != nil {
		return nil, err
	}
	where, args := startsWith(by, owner)
	args = append(args, windowSize)
	var filters strings.Builder
	for _, value := range s.values {
		filters.WriteString(` AND EXISTS (SELECT 1 FROM item_values WHERE item = s.item AND value = ?)`)
		args = append(args, value)
	}
	found := map[int64]float64{}
	err = query(ctx, c.db, func(scan scanner) error {
		var m match
		err := scan(&m.item, &m.rank, &m.title)
		_, twice := found[m.item]
		if !twice && words.AllIn(m.title, s.words) {
			found[m.item] = m.rank
		}
		return err
	}, `
		SELECT s.item, s.rank, i.title_key FROM (SELECT item, rank FROM starts WHERE `+where+` ORDER BY rank LIMIT ?) AS s
		CROSS JOIN items AS i ON i.item = s.item WHERE true`+filters.String(), args...)
	return found, err
}

// rankQuery returns the statement that gives each match its BM25 value, which is negative, and
// lower for better matches. If some of the words are too common to rank by, they must not be in the
// expression that BM25 evaluates.
func rankQuery(s selection, owner uint32) (text string, args []any) {
	// One occurrence in a searchable attribute is more than any number of occurrences elsewhere, so an
	// item with a code comes before those that mention it.
	const bm25 = `bm25(search, 10, 6, 3, 1, 0, 1000)`
	const matching = ` FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?`
	window := []any{s.all, first(owner), last(owner), windowSize}
	switch s.rank {
	case "":
		return `SELECT rowid, 0` + matching, window
	case s.all:
		return `SELECT rowid, ` + bm25 + matching, window
	}
	return `SELECT rowid, ` + bm25 + ` FROM search WHERE search MATCH ? AND +rowid IN (SELECT rowid` + matching + `)`,
		append([]any{s.rank}, window...)
}
