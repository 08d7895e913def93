package corpus

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/sqlite"
)

// few is how many matches are read from table items to order them. If there are more, their numbers
// are collected, and the index of the order is read until it has yielded enough of them. So few
// also bounds the rows of items that a search reads.
const few = 20_000

// ordered returns at most n matches by date or title: those after at, or the first if at is nil.
func (c *File) ordered(
	ctx context.Context, s selection, by content.Sort, at *match, n int, total count,
) (found []match, err error) {
	compare := byNewest
	if by == content.ByTitle {
		compare = byTitle
	}
	for _, owner := range s.owners {
		text, args := orderQuery(s, by, at, owner, n, total)
		err := sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
			var m match
			err := scan(&m.item, &m.date, &m.title)
			found = append(found, m)
			return err
		}, text, args...)
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, compare)
	return found[:min(n, len(found))], nil
}

func byNewest(a, b match) int {
	return cmp.Or(cmp.Compare(b.date, a.date), cmp.Compare(b.item, a.item))
}

func byTitle(a, b match) int {
	return cmp.Or(cmp.Compare(a.title, b.title), cmp.Compare(a.item, b.item))
}

// orderQuery returns the statement that reads one owner's part of [File.ordered].
func orderQuery(
	s selection, by content.Sort, at *match, owner uint32, n int, total count,
) (string, []any) {
	var b strings.Builder
	var args []any
	add := func(text string, more ...any) {
		b.WriteString(text)
		args = append(args, more...)
	}
	key, title, direction, after := "i.published", "''", "DESC", "<"
	if by == content.ByTitle {
		key, title, direction, after = "i.title_key", "i.title_key", "ASC", ">"
	}
	add(fmt.Sprintf("SELECT i.item, i.published, %s FROM ", title))
	onlyCollection := s.collection != "" && s.terms == 1
	switch {
	case s.all == "" || onlyCollection:
		add("items AS i WHERE i.owner = ?", owner)
		if onlyCollection {
			add(" AND ifnull(i.collection_key, i.collection) = ?", s.collection)
		}
	case total.exact && total.n <= few:
		add("search AS s CROSS JOIN items AS i ON i.item = s.rowid WHERE s.search MATCH ? AND s.rowid BETWEEN ? AND ?", s.all, sqlite.First(owner), sqlite.Last(owner))
	default:
		add("items AS i WHERE i.owner = ? AND +i.item IN (SELECT rowid FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ?)", owner, s.all, sqlite.First(owner), sqlite.Last(owner))
	}
	if at != nil {
		add(fmt.Sprintf(" AND (%s, i.item) %s (?, ?)", key, after))
		if by == content.ByTitle {
			add("", at.title, at.item)
		} else {
			add("", at.date, at.item)
		}
	}
	add(fmt.Sprintf(" ORDER BY %[1]s %[2]s, i.item %[2]s LIMIT ?", key, direction), n)
	return b.String(), args
}
