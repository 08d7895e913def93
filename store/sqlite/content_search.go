package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"stile.example/stile/content"
)

// pauseLate is how long a question that timed out is not run again, and how
// long an answer that lacks something for want of time is given again.
const pauseLate = time.Minute

// An answer is a cached page; nobody may change what is in it.
type answer struct {
	page  content.Page
	until time.Time // zero: as long as the generation
}

// Search answers a question for a list of items.
//
// Items that have all words in their titles come first, those that begin with
// the rarest of the words and then short ones before long ones; then the
// others by BM25, tags over summary over body. At most windowSize of each are
// ranked, of the others those imported last, and paging by relevance ends with
// them. The other orders have no such end.
//
// The items come first. The total and the facets have times of their own, and
// [content.Page] says what they lack. A question whose items are not found in
// time gives context.DeadlineExceeded, and gives it at once for a minute.
func (db *DB) Search(ctx context.Context, q content.Query) (content.Page, error) {
	c := db.acquire()
	defer db.release(c)
	p, err := db.ask(ctx, c, q)
	if err != nil {
		return content.Page{}, fmt.Errorf("search: %w", err)
	}
	return p, nil
}

// ask answers a question from the cache, or when its turn has come. Callers who
// ask the same question wait for a turn of their own each, so that nobody waits
// as long as the one who had most turns. The first to have it runs the search.
func (db *DB) ask(ctx context.Context, c *corpus, q content.Query) (p content.Page, err error) {
	key, name := questionOf(q), identityOf(q)
	if p, ok, err := db.known(c, key, name); ok {
		return p, err
	}
	at, err := parseCursor(q)
	if err != nil {
		return p, err
	}
	var s selection
	err = db.inTurn(ctx, 0, func() error {
		return db.limited(ctx, c, name, func(ctx context.Context) (err error) { s, err = c.selection(ctx, q); return err })
	})
	if err != nil {
		return p, err
	}
	cost := s.cost(len(q.Facets))
	err = db.inTurn(ctx, cost, func() (err error) {
		p, err = c.flights.share(ctx, key, func() (content.Page, error) {
			if p, ok, err := db.known(c, key, name); ok {
				return p, err
			}
			if cost < long {
				name = "" // if it takes too long, others are the cause
			}
			return db.run(ctx, c, q, key, name, s, at)
		})
		return err
	})
	return p, err
}

// known returns the answer to a question that is cached, or why the question is
// not run for some time.
func (db *DB) known(c *corpus, key, name string) (p content.Page, ok bool, err error) {
	if a, ok := c.pages.find(key); ok && (a.until.IsZero() || db.isPaused(a.until)) {
		return a.page, true, nil
	}
	if until, ok := c.late.find(name); ok && db.isPaused(until) {
		return p, true, fmt.Errorf("timed out within the last minute: %w", context.DeadlineExceeded)
	}
	return p, false, nil
}

// isPaused reports whether a pause lasts until a moment. If the clock was set
// back, it does not.
func (db *DB) isPaused(until time.Time) bool {
	left := until.Sub(db.opt.Now())
	return 0 < left && left <= pauseLate
}

// run answers a question that is not cached, and caches the answer.
func (db *DB) run(ctx context.Context, c *corpus, q content.Query, key, name string, s selection, at *match) (p content.Page, err error) {
	var hurried bool
	err = db.limited(ctx, c, name, func(ctx context.Context) (err error) {
		p, hurried, err = c.search(ctx, q, s, at, db.times)
		return err
	})
	if err != nil {
		return content.Page{}, err
	}
	a := answer{page: p}
	if hurried {
		a.until = db.opt.Now().Add(pauseLate)
	}
	c.pages.keep(key, a, len(key)+sizeOf(p))
	return p, nil
}

// limited runs fn within the time of a search, and notes by its name a
// question that takes longer. One without a name is not noted.
func (db *DB) limited(ctx context.Context, c *corpus, name string, fn func(context.Context) error) error {
	whole, cancel := context.WithTimeout(ctx, db.times.whole)
	defer cancel()
	err := fn(whole)
	if name != "" && err != nil && whole.Err() != nil && ctx.Err() == nil {
		c.late.keep(name, db.opt.Now().Add(pauseLate), len(name))
	}
	return inTime(whole, err)
}

// inTime says whether a fault is that the time is over, in whatever words
// SQLite puts it.
func inTime(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// search answers a question. It reports as hurried an answer that would be
// complete if there had been more time.
func (c *corpus) search(ctx context.Context, q content.Query, s selection, at *match, t times) (p content.Page, hurried bool, err error) {
	if s.none {
		return content.Page{Items: [][]byte{}, Facets: noFacets(q.Facets)}, false, nil
	}
	found, total, err := c.found(ctx, q, s, at)
	if err != nil {
		return p, false, err
	}
	if len(found) > q.Limit {
		found = found[:q.Limit]
		p.Next = cursorAt(q, found[q.Limit-1])
	}
	if p.Items, err = c.lists(ctx, found); err != nil {
		return p, false, err
	}
	if q.Highlight && len(s.marks) > 0 {
		for i, item := range p.Items {
			if p.Items[i], err = highlight(item, s.marks); err != nil {
				return p, false, err
			}
		}
	}
	total, lateTotal, err := c.totalSoon(ctx, s, total, t.total)
	if err != nil {
		return p, false, err
	}
	if p.Total = total.n; !total.exact {
		p.Incomplete = append(p.Incomplete, "total")
	}
	var whole, lateFacets bool
	if p.Facets, whole, lateFacets, err = c.facetsSoon(ctx, s, q.Facets, t.facets); !whole {
		p.Incomplete = append(p.Incomplete, "facets")
	}
	return p, lateTotal || lateFacets, err
}

// found are the matches of a page and one more, and what finding them says
// about the total.
func (c *corpus) found(ctx context.Context, q content.Query, s selection, at *match) ([]match, count, error) {
	if isRanked(q) {
		w, err := c.window(ctx, s)
		return w.from(at, q.Limit+1), w.count(s), err
	}
	total, err := c.count(ctx, s, few+1)
	if err != nil {
		return nil, total, err
	}
	found, err := c.ordered(ctx, s, q.Sort, at, q.Limit+1, total)
	return found, total, err
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
		b.WriteString(strconv.FormatInt(m.item, 10))
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
