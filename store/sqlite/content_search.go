package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"stile.example/stile/content"
)

// searchTime is how long a question may take. One that takes longer gives
// context.DeadlineExceeded.
const searchTime = 200 * time.Millisecond

// page is a remembered answer; nobody may change what is in it.
type page = content.Page

// Search answers a question for a list of items.
//
// Items that have all words in their titles come first, those that begin with
// the rarest of the words and then short ones before long ones; then the
// others by BM25, tags over summary over body. At most windowSize of each are
// ranked, of the others those imported last, and paging by relevance ends with
// them. The other orders have no such end.
//
// Total is exact unless very many items match several common words, more than
// can be counted in time: then there are at least so many.
func (db *DB) Search(ctx context.Context, q content.Query) (content.Page, error) {
	c := db.acquire()
	defer db.release(c)
	key := questionOf(q)
	if p, ok := c.pages.find(key); ok {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	p, err := c.search(ctx, q)
	if err != nil {
		return content.Page{}, inTime(ctx, fmt.Errorf("search: %w", err))
	}
	c.pages.keep(key, p, len(key)+sizeOf(p))
	return p, nil
}

// inTime says whether a fault is that the time is over, in whatever words
// SQLite puts it.
func inTime(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (c *corpus) search(ctx context.Context, q content.Query) (p content.Page, err error) {
	at, err := parseCursor(q)
	if err != nil {
		return p, err
	}
	s, err := c.selection(ctx, q)
	if err != nil || s.none {
		return content.Page{Items: [][]byte{}, Facets: noFacets(q.Facets)}, err
	}
	var found []match
	if isRanked(q) {
		var w window
		if w, err = c.window(ctx, s); err == nil {
			found = w.from(at, q.Limit+1)
			p.Total, err = c.totalSoon(ctx, s, w)
		}
	} else if p.Total, err = c.total(ctx, s, window{total: -1}); err == nil {
		found, err = c.ordered(ctx, s, q.Sort, at, q.Limit+1, p.Total)
	}
	if err != nil {
		return p, err
	}
	if len(found) > q.Limit {
		found = found[:q.Limit]
		p.Next = cursorAt(q, found[q.Limit-1])
	}
	if p.Items, err = c.lists(ctx, found); err != nil {
		return p, err
	}
	if q.Highlight && len(s.marks) > 0 {
		for i, item := range p.Items {
			if p.Items[i], err = highlight(item, s.marks); err != nil {
				return p, err
			}
		}
	}
	p.Facets, err = c.facets(ctx, s, q.Facets)
	return p, err
}

// lists are items as they stand in a list.
func (c *corpus) lists(ctx context.Context, found []match) ([][]byte, error) {
	items := make([][]byte, 0, len(found))
	err := query(ctx, c.db, func(scan scanner) error {
		var list []byte
		err := scan(&list)
		items = append(items, list)
		return err
	}, `SELECT i.list FROM json_each(?) AS j CROSS JOIN items AS i ON i.item = j.value ORDER BY j.key`, numbers(found))
	return items, err
}

// numbers is a JSON list of the numbers of items.
func numbers(found []match) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, m := range found {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, m.item)
	}
	b.WriteByte(']')
	return b.String()
}

// questionOf is all of a question as one text.
func questionOf(q content.Query) string {
	return fmt.Sprintf("%s %d %q %q %t", identityOf(q), q.Limit, q.Cursor, q.Facets, q.Highlight)
}

// identityOf is what a question selects and how it orders: what stays the
// same from page to page.
func identityOf(q content.Query) string {
	tags, attributes := slices.Clone(q.Tags), slices.Clone(q.Attributes)
	slices.Sort(tags)
	slices.SortFunc(attributes, func(a, b content.AttributeValue) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return fmt.Sprintf("%d %d %q %q %q %q", q.Tenant, q.Sort, q.Words, q.Collection, slices.Compact(tags), slices.Compact(attributes))
}

func sizeOf(p content.Page) int {
	n := len(p.Next)
	for _, item := range p.Items {
		n += len(item) + 24
	}
	for name, values := range p.Facets {
		n += len(name)
		for _, v := range values {
			n += len(v.Value) + 24
		}
	}
	return n
}
