package handlers

import (
	"context"
	"strings"
	"time"

	"stile.example/stile/content"
)

// Bounds of what can be asked in one request.
const (
	maxItems     = 50
	defaultItems = 20
	maxTags      = 8
	maxFacets    = 8
	maxWord      = 128 // of a tag, a collection, a facet's name, an id
	maxCursor    = 512
)

// search answers a list of items.
func (a *API) search(ctx context.Context, r *request) (int, error) {
	q, err := parseQuery(r)
	if err != nil {
		return 0, err
	}
	q.Tenant = r.tenant.Number
	defer a.Metrics.Stored("search", time.Now())
	page, err := a.Content.Search(ctx, q)
	if err != nil {
		return 0, err
	}
	r.appendString(`{"data":`)
	r.appendItems(page.Items)
	r.appendString(`,"meta":{"total":`)
	r.appendNumber(int64(page.Total))
	r.appendString(`,"next":`)
	r.appendCursor(page.Next)
	if len(q.Facets) > 0 {
		r.appendString(`,"facets":`)
		r.appendValue(page.Facets)
	}
	if len(page.Incomplete) > 0 {
		r.appendString(`,"incomplete":`)
		r.appendValue(page.Incomplete)
	}
	r.appendString(",")
	return len(page.Items), nil
}

func (r *request) appendCursor(cursor string) {
	if cursor == "" {
		r.appendString("null")
		return
	}
	r.appendValue(cursor)
}

// item answers one item, whole.
func (a *API) item(ctx context.Context, r *request) (int, error) {
	if !isID(r.item) {
		return 0, content.ErrNotFound
	}
	defer a.Metrics.Stored("item", time.Now())
	it, err := a.Content.Item(ctx, r.tenant.Number, r.item)
	if err != nil {
		return 0, err
	}
	r.appendString(`{"data":`)
	r.body = append(r.body, it...)
	r.appendString(`,"meta":{`)
	return 1, nil
}

// related answers the items like one.
func (a *API) related(ctx context.Context, r *request) (int, error) {
	limit, err := limitOf(r)
	if err != nil {
		return 0, err
	}
	if !isID(r.item) {
		return 0, content.ErrNotFound
	}
	defer a.Metrics.Stored("related", time.Now())
	items, err := a.Content.Related(ctx, r.tenant.Number, r.item, limit)
	if err != nil {
		return 0, err
	}
	r.appendString(`{"data":`)
	r.appendItems(items)
	r.appendString(`,"meta":{`)
	return len(items), nil
}

// collections answers what collections there are, and how large. It carries
// no items.
func (a *API) collections(ctx context.Context, r *request) (int, error) {
	defer a.Metrics.Stored("collections", time.Now())
	all, err := a.Content.Collections(ctx, r.tenant.Number)
	if err != nil {
		return 0, err
	}
	if all == nil {
		all = []content.CollectionCount{}
	}
	r.appendString(`{"data":`)
	r.appendValue(all)
	r.appendString(`,"meta":{`)
	return 0, nil
}

// isID says whether s can be the id of an item.
func isID(s string) bool {
	if s == "" || len(s) > maxWord {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool {
		return !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-')
	})
}
