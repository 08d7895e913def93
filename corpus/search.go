package corpus

import (
	"context"
	"errors"
	"fmt"

	"stile.example/stile/content"
	"stile.example/stile/corpus/paging"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/turns"
	"stile.example/stile/corpus/words"
)

// Search returns a page of the items that match a query.
//
// Items that have all words in their titles come first: those that begin with the rarest of the
// words, then short titles before long ones. The others follow by BM25, tags over summary over
// body. At most windowSize of each kind are ranked, of the others those imported last. Paging by
// relevance ends with them; the other orders have no such end.
//
// The items have priority. The total and the facets have time limits of their own, and
// [content.Page] says which of them are incomplete. A query whose items are not found in time
// returns context.DeadlineExceeded, and returns it immediately for the next minute.
func (c *File) Search(ctx context.Context, q content.Query) (content.Page, error) {
	p, err := c.page(ctx, q)
	if err != nil {
		return content.Page{}, fmt.Errorf("search: %w", err)
	}
	return p, nil
}

// page returns a page from the cache, or finds it when the turn of the caller has come. Callers
// that send the same query each wait for a turn of their own, so that no caller waits as long as
// the one that had most turns. The first to have its turn runs the search.
func (c *File) page(ctx context.Context, q content.Query) (p content.Page, err error) {
	key, identity := paging.Key(q), paging.Identity(q)
	if p, ok, err := c.cached(key, identity); ok {
		return p, err
	}
	at, err := parseCursor(q)
	if err != nil {
		return p, err
	}
	var s selection
	err = c.inTurn(ctx, 0, identity, func(ctx context.Context) (err error) {
		s, err = c.selection(ctx, q)
		return err
	})
	if err != nil {
		return p, err
	}
	if s.none {
		s = s.relaxed(q)
	}
	p, err = c.answer(ctx, q, key, identity, s, at)
	if errors.Is(err, errFewMatches) {
		return c.answerRelaxed(ctx, q, key, identity, s, at)
	}
	return p, err
}

// answer finds a page, unless it is cached, when the turn of its caller has come.
func (c *File) answer(
	ctx context.Context, q content.Query, key, identity string, s selection, at *match,
) (p content.Page, err error) {
	cost := s.cost(len(q.Facets))
	err = c.wait(ctx, cost, func() (err error) {
		p, err = c.flights.Do(ctx, s.flight(key), func() (content.Page, error) {
			if p, ok, err := c.cached(key, identity); ok {
				return p, err
			}
			if cost < turns.Long {
				identity = "" // if it takes too long, other searches are the cause
			}
			return c.run(ctx, q, key, identity, s, at)
		})
		return err
	})
	return p, err
}

// run finds a page that is not cached, and caches it.
func (c *File) run(
	ctx context.Context, q content.Query, key, identity string, s selection, at *match,
) (p content.Page, err error) {
	var hurried bool
	err = c.limited(ctx, identity, func(ctx context.Context) (err error) {
		p, hurried, err = c.search(ctx, q, s, at)
		return err
	})
	if err != nil {
		return content.Page{}, err
	}
	c.cachePage(key, p, hurried || s.strict)
	return p, nil
}

// wait runs fn, a query of that cost, when the turn of its caller has come.
func (c *File) wait(ctx context.Context, cost int, fn func() error) error {
	if c.old {
		return ErrOld
	}
	who := content.CallerOf(ctx)
	caller := turns.Caller{Address: who.Address, Tenant: who.Tenant}
	return c.opt.Lanes.Do(ctx, caller, who.Share, cost, c.opt.Limits.Turn, fn)
}

// limited runs fn within the time limit of a query. If the limit ends fn, the query is late, and
// its identity is stored. A query without an identity is not stored.
func (c *File) limited(
	ctx context.Context, identity string, fn func(context.Context) error,
) error {
	whole, cancel := context.WithTimeout(ctx, c.opt.Limits.Whole)
	defer cancel()
	err := fn(whole)
	if err == nil || whole.Err() == nil {
		return err
	}
	if identity != "" && ctx.Err() == nil {
		c.late.Keep(identity, c.opt.Now().Add(pause), len(identity))
	}
	return whole.Err() // SQLite has errors of its own for an interrupted statement
}

// inTurn runs fn as [File.wait] and [File.limited] do.
func (c *File) inTurn(
	ctx context.Context, cost int, identity string, fn func(context.Context) error,
) error {
	return c.wait(ctx, cost, func() error { return c.limited(ctx, identity, fn) })
}

// search finds a page. It is hurried if more time would have made it complete.
func (c *File) search(
	ctx context.Context, q content.Query, s selection, at *match,
) (p content.Page, hurried bool, err error) {
	p = content.Page{Corrected: s.corrected, Ignored: s.ignored}
	if p.Ends, err = c.ends(ctx, s, q.Ends); err != nil {
		return p, false, err
	}
	if s.none && len(s.fewer) == 0 {
		p.Items, p.Facets = [][]byte{}, noFacets(q.Facets)
		return p, false, nil
	}
	found, total, err := c.found(ctx, q, &s, at, &p)
	if err != nil {
		return p, false, err
	}
	if len(found) > q.Limit {
		found = found[:q.Limit]
		p.Next = cursorAt(q, found[q.Limit-1])
	}
	if p.Items, err = c.items(ctx, q, s, found); err != nil {
		return p, false, err
	}
	total, lateTotal, err := c.totalWithin(ctx, c.opt.Limits.Total, s, total)
	if err != nil {
		return p, false, err
	}
	if p.Total = total.n; !total.exact {
		p.Incomplete = append(p.Incomplete, "total")
	}
	var complete, lateFacets bool
	p.Facets, complete, lateFacets, err = c.facetsWithin(ctx, c.opt.Limits.Facets, s, q.Facets)
	if !complete {
		p.Incomplete = append(p.Incomplete, "facets")
	}
	return p, lateTotal || lateFacets, err
}

// found returns the matches of a page and one more, and what finding them shows about the total. If
// items with fewer words match, s becomes the selection of all of them.
func (c *File) found(
	ctx context.Context, q content.Query, s *selection, at *match, p *content.Page,
) ([]match, count, error) {
	switch {
	case len(s.fewer) > 0:
		w, err := c.relaxedWindow(ctx, s, p)
		return w.from(at, q.Limit+1), w.count(*s), err
	case paging.IsRanked(q):
		w, err := c.window(ctx, *s)
		if err == nil && w.isTooFew() && s.mayRelax(q) {
			err = errFewMatches
		}
		return w.from(at, q.Limit+1), w.count(*s), err
	}
	total, err := c.count(ctx, *s, few+1)
	if err != nil {
		return nil, total, err
	}
	found, err := c.ordered(ctx, *s, q.Sort, at, q.Limit+1, total)
	return found, total, err
}

// items returns the items of a page, encoded and highlighted.
func (c *File) items(
	ctx context.Context, q content.Query, s selection, found []match,
) (items [][]byte, err error) {
	if items, err = c.lists(ctx, found); err != nil || !q.Highlight || len(s.marks) == 0 {
		return items, err
	}
	for i, item := range items {
		if items[i], err = words.HighlightItem(item, s.marks); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// lists returns items as they are encoded in a list.
func (c *File) lists(ctx context.Context, found []match) ([][]byte, error) {
	items := make([][]byte, 0, len(found))
	numbers := make([]int64, len(found))
	for i, m := range found {
		numbers[i] = m.item
	}
	err := sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
		var list []byte
		err := scan(&list)
		items = append(items, list)
		return err
	}, `SELECT i.list FROM json_each(?) AS j CROSS JOIN items AS i ON i.item = j.value ORDER BY j.key`, sqlite.List(numbers))
	return items, err
}
