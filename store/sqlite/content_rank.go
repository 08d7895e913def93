package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// windowSize is how many items of an owner are ranked, of those with all
// words in the title and of the others.
const windowSize = 2000

// match is an item that was found, with what orders it.
type match struct {
	item  int64
	place float64 // by relevance: lower is better
	date  int64   // by newest
	title string  // by title
}

// The places of the second kind are all behind those of the first.
const behindTitles = 1 << 20

func byRelevance(a, b match) int {
	return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(b.item, a.item))
}

// ranked are at most n items from the place at on.
func (c *corpus) ranked(ctx context.Context, s selection, at *match, n int) ([]match, error) {
	key := fmt.Sprint(s.tenant, " ", s.all)
	all, ok := c.windows.find(key)
	if !ok {
		var err error
		if all, err = c.window(ctx, s); err != nil {
			return nil, err
		}
		c.windows.keep(key, all, 48*len(all))
	}
	from := 0
	if at != nil {
		from, _ = slices.BinarySearchFunc(all, *at, func(m, at match) int {
			if byRelevance(m, at) <= 0 {
				return -1
			}
			return 1
		})
	}
	return all[from:min(from+n, len(all))], nil
}

// window ranks what matches.
func (c *corpus) window(ctx context.Context, s selection) (all []match, err error) {
	inTitle := map[int64]bool{}
	for _, owner := range s.owners {
		err := query(ctx, c.db, func(scan scanner) error {
			var m match
			err := scan(&m.item, &m.place)
			inTitle[m.item] = true
			all = append(all, m)
			return err
		}, `
			SELECT s.rowid, length(i.title_key) FROM search AS s CROSS JOIN items AS i ON i.item = s.rowid
			WHERE s.search MATCH ? AND s.rowid BETWEEN ? AND ? ORDER BY s.rowid DESC LIMIT ?`,
			s.title, first(owner), last(owner), windowSize)
		if err != nil {
			return nil, err
		}
		text, args := rankQuery(s, owner)
		err = query(ctx, c.db, func(scan scanner) error {
			var m match
			err := scan(&m.item, &m.place)
			m.place += behindTitles
			if !inTitle[m.item] {
				all = append(all, m)
			}
			return err
		}, text, args...)
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, byRelevance)
	return all, nil
}

// rankQuery gives each match its BM25 value, which is negative and lower for
// better ones. Where only some of the words are fit to rank by, the others
// must not stand in the expression that BM25 sees.
func rankQuery(s selection, owner uint32) (text string, args []any) {
	const bm25 = `bm25(search, 10, 6, 3, 1, 0)`
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
