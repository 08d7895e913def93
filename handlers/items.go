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
	q.Tenant = r.Tenant.Number
	defer a.Metrics.Stored("search", time.Now())
	page, err := a.Content.Search(ctx, q)
	if err != nil {
		return 0, err
	}
	r.AppendString(`{"data":`)
	r.AppendItems(page.Items)
	r.AppendString(`,"meta":{"total":`)
	r.AppendNumber(int64(page.Total))
	r.AppendString(`,"next":`)
	r.appendCursor(page.Next)
	if len(q.Facets) > 0 {
		r.AppendString(`,"facets":`)
		r.AppendValue(page.Facets)
	}
	if len(page.Incomplete) > 0 {
		r.AppendString(`,"incomplete":`)
		r.AppendValue(page.Incomplete)
	}
	r.AppendString(",")
	return len(page.Items), nil
}

func (r *request) appendCursor(cursor string) {
	if cursor == "" {
		r.AppendString("null")
		return
	}
	r.AppendValue(cursor)
}

// item answers one item, whole.
func (a *API) item(ctx context.Context, r *request) (int, error) {
	if !isID(r.PathID) {
		return 0, content.ErrNotFound
	}
	defer a.Metrics.Stored("item", time.Now())
	it, err := a.Content.Item(ctx, r.Tenant.Number, r.PathID)
	if err != nil {
		return 0, err
	}
	r.AppendString(`{"data":`)
	r.AppendBytes(it)
	r.AppendString(`,"meta":{`)
	return 1, nil
}

// related answers the items like one.
func (a *API) related(ctx context.Context, r *request) (int, error) {
	limit, err := limitOf(r)
	if err != nil {
		return 0, err
	}
	if !isID(r.PathID) {
		return 0, content.ErrNotFound
	}
	defer a.Metrics.Stored("related", time.Now())
	items, err := a.Content.Related(ctx, r.Tenant.Number, r.PathID, limit)
	if err != nil {
		return 0, err
	}
	r.AppendString(`{"data":`)
	r.AppendItems(items)
	r.AppendString(`,"meta":{`)
	return len(items), nil
}

// collections answers what collections there are, and how large. It carries
// no items.
func (a *API) collections(ctx context.Context, r *request) (int, error) {
	defer a.Metrics.Stored("collections", time.Now())
	all, err := a.Content.Collections(ctx, r.Tenant.Number)
	if err != nil {
		return 0, err
	}
	if all == nil {
		all = []content.CollectionCount{}
	}
	r.AppendString(`{"data":`)
	r.AppendValue(all)
	r.AppendString(`,"meta":{`)
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
