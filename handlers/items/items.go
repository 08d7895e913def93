// Package items reads the parameters of a query for items, runs the query, and starts the response:
// its data and its own part of meta.
package items

import (
	"context"
	"strings"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/handlers/metrics"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/tracing"
)

// Limits of one request.
const (
	maxItems     = 50
	defaultItems = 20
	maxTags      = 8
	maxFacets    = 8
	maxWord      = 128 // bytes of a tag, a collection, a facet's name, an id
	maxCursor    = 512
)

// Content is the corpus, as the API queries it. Items are returned encoded, safe in a script. An
// error that is a content.ErrQuery or wraps content.ErrNotFound is the client's; any other is a
// fault.
type Content interface {
	Search(ctx context.Context, q content.Query) (content.Page, error)
	Item(ctx context.Context, tenant uint32, id string) ([]byte, error)
	Related(ctx context.Context, tenant uint32, id string, limit int) ([][]byte, error)
	Suggest(ctx context.Context, tenant uint32, q string) ([]content.Suggestion, error)
	Collections(ctx context.Context, tenant uint32) ([]content.CollectionCount, error)
	Labels(ctx context.Context, tenant uint32, language string) ([]byte, error) // encoded, or nil
}

// Reader answers the routes that read items. All fields but Traces are required.
type Reader struct {
	Content Content
	Metrics *metrics.Metrics
	Traces  *tracing.Tracer // nil: no traces
	// CallerOf returns the caller among those who share the time of the corpus.
	CallerOf func(*transport.Request) content.Caller
}

// as returns the context of a read that may have to wait for its turn.
func (x *Reader) as(ctx context.Context, r *transport.Request) context.Context {
	return content.WithCaller(ctx, x.CallerOf(r))
}

// read records how long one operation of the corpus took.
func (x *Reader) read(ctx context.Context, op metrics.Op, began time.Time) {
	x.Metrics.Stored(op, time.Since(began))
	x.Traces.Did(ctx, "corpus", op.String(), began)
}

// Search responds with a list of items. Like the other methods, it returns how many records the
// response contains.
func (x *Reader) Search(ctx context.Context, r *transport.Request) (int, error) {
	q, err := parseQuery(r)
	if err != nil {
		return 0, err
	}
	q.Tenant = r.Tenant.Number
	labelled, err := x.labels(ctx, r)
	if err != nil {
		return 0, err
	}
	defer x.read(ctx, metrics.Search, time.Now())
	page, err := x.Content.Search(x.as(ctx, r), q)
	if err != nil {
		return 0, err
	}
	r.AppendString(`{"data":`)
	r.AppendItems(page.Items)
	r.AppendString(`,"meta":{"total":`)
	r.AppendNumber(int64(page.Total))
	r.AppendString(`,"next":`)
	appendCursor(r, page.Next)
	if len(q.Facets) > 0 {
		r.AppendString(`,"facets":`)
		r.AppendValue(page.Facets)
	}
	if len(q.Ends) > 0 {
		r.AppendString(`,"ranges":`)
		r.AppendValue(page.Ends)
	}
	if len(page.Incomplete) > 0 {
		r.AppendString(`,"incomplete":`)
		r.AppendValue(page.Incomplete)
	}
	appendForgiven(r, page)
	r.AppendString(",")
	appendLabels(r, labelled)
	return len(page.Items), nil
}

// appendForgiven appends how the query that was answered differs from the one that was sent.
func appendForgiven(r *transport.Request, page content.Page) {
	if len(page.Corrected) > 0 {
		r.AppendString(`,"corrected":`)
		r.AppendValue(page.Corrected)
	}
	if len(page.Ignored) > 0 {
		r.AppendString(`,"ignored":`)
		r.AppendValue(page.Ignored)
	}
	if page.Relaxed {
		r.AppendString(`,"relaxed":true,"full":`)
		r.AppendNumber(int64(page.Full))
	}
}

func appendCursor(r *transport.Request, cursor string) {
	if cursor == "" {
		r.AppendString("null")
		return
	}
	r.AppendValue(cursor)
}

// Item responds with one item, in full.
func (x *Reader) Item(ctx context.Context, r *transport.Request) (int, error) {
	id := content.Name(r.PathID)
	if !isID(id) {
		return 0, content.ErrNotFound
	}
	labelled, err := x.labels(ctx, r)
	if err != nil {
		return 0, err
	}
	defer x.read(ctx, metrics.Item, time.Now())
	it, err := x.Content.Item(ctx, r.Tenant.Number, id)
	if err != nil {
		return 0, err
	}
	r.AppendString(`{"data":`)
	r.AppendBytes(it)
	r.AppendString(`,"meta":{`)
	appendLabels(r, labelled)
	return 1, nil
}

// Related responds with the items that are related to one.
func (x *Reader) Related(ctx context.Context, r *transport.Request) (int, error) {
	limit, err := LimitOf(r)
	if err != nil {
		return 0, err
	}
	id := content.Name(r.PathID)
	if !isID(id) {
		return 0, content.ErrNotFound
	}
	labelled, err := x.labels(ctx, r)
	if err != nil {
		return 0, err
	}
	defer x.read(ctx, metrics.Related, time.Now())
	items, err := x.Content.Related(x.as(ctx, r), r.Tenant.Number, id, limit)
	if err != nil {
		return 0, err
	}
	r.AppendString(`{"data":`)
	r.AppendItems(items)
	r.AppendString(`,"meta":{`)
	appendLabels(r, labelled)
	return len(items), nil
}

// Collections responds with the collections and their sizes. That counts as no records.
func (x *Reader) Collections(ctx context.Context, r *transport.Request) (int, error) {
	defer x.read(ctx, metrics.Collections, time.Now())
	all, err := x.Content.Collections(ctx, r.Tenant.Number)
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

// isID reports whether s can be the id of an item.
func isID(s string) bool {
	if s == "" || len(s) > maxWord {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool {
		return !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-')
	})
}
