package handlers

import (
	"context"
	"strconv"
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
func (a *API) search(ctx context.Context, r *request, who *caller, body []byte) ([]byte, int, error) {
	q, err := queryOf(r)
	if err != nil {
		return body, 0, err
	}
	q.Tenant = who.tenant.Number
	defer a.Metrics.stored("search", time.Now())
	page, err := a.Content.Search(ctx, q)
	if err != nil {
		return body, 0, err
	}
	body = append(body, `{"data":`...)
	body = appendList(body, page.Items)
	body = append(body, `,"meta":{"total":`...)
	body = strconv.AppendInt(body, int64(page.Total), 10)
	body = append(body, `,"next":`...)
	body = appendNext(body, page.Next)
	if len(q.Facets) > 0 {
		body = append(body, `,"facets":`...)
		body = appendJSON(body, page.Facets)
	}
	return append(body, ','), len(page.Items), nil
}

func appendNext(b []byte, cursor string) []byte {
	if cursor == "" {
		return append(b, "null"...)
	}
	return appendJSON(b, cursor)
}

// item answers one item, whole.
func (a *API) item(ctx context.Context, r *request, who *caller, body []byte) ([]byte, int, error) {
	if !isID(r.item) {
		return body, 0, content.ErrNotFound
	}
	defer a.Metrics.stored("item", time.Now())
	it, err := a.Content.Item(ctx, who.tenant.Number, r.item)
	if err != nil {
		return body, 0, err
	}
	body = append(body, `{"data":`...)
	body = append(body, it...)
	return append(body, `,"meta":{`...), 1, nil
}

// related answers the items like one.
func (a *API) related(ctx context.Context, r *request, who *caller, body []byte) ([]byte, int, error) {
	limit, err := limitOf(r)
	if err != nil {
		return body, 0, err
	}
	if !isID(r.item) {
		return body, 0, content.ErrNotFound
	}
	defer a.Metrics.stored("related", time.Now())
	items, err := a.Content.Related(ctx, who.tenant.Number, r.item, limit)
	if err != nil {
		return body, 0, err
	}
	body = append(body, `{"data":`...)
	body = appendList(body, items)
	return append(body, `,"meta":{`...), len(items), nil
}

// collections answers what collections there are, and how large. It carries
// no items.
func (a *API) collections(ctx context.Context, _ *request, who *caller, body []byte) ([]byte, int, error) {
	defer a.Metrics.stored("collections", time.Now())
	all, err := a.Content.Collections(ctx, who.tenant.Number)
	if err != nil {
		return body, 0, err
	}
	if all == nil {
		all = []content.CollectionCount{}
	}
	body = append(body, `{"data":`...)
	body = appendJSON(body, all)
	return append(body, `,"meta":{`...), 0, nil
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
