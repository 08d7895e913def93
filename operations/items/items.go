// Package items has the operations that show the corpus as tenants see it, and that undo its last
// change.
package items

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/library"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/operations/paging"
)

// Owner says what is shown.
type Owner struct {
	Tenant string `json:"tenant,omitempty"` // client_id; empty: the shared corpus
}

// Collection is a collection with the number of items that the tenant sees.
type Collection struct {
	Collection string `json:"collection"` // "": items without a collection
	Items      int    `json:"items"`
	Own        int    `json:"own"` // of these, how many are the tenant's own
}

// Collections is what a tenant sees of the corpus.
type Collections struct {
	Collections []Collection `json:"collections"`
	Items       int          `json:"items"`       // that the tenant sees
	Own         int          `json:"own"`         // of these, its own
	Generation  int64        `json:"generation"`  // of the corpus; 0: nothing was imported
	Bytes       int64        `json:"bytes"`       // of the corpus file
	LastChange  *Change      `json:"last_change"` // null: there is none that can be undone
}

// Change is a change of the corpus.
type Change struct {
	Generation int64     `json:"generation"` // that it published
	At         time.Time `json:"at"`
	Kind       string    `json:"kind"`             // import, remove or undo
	Tenant     string    `json:"tenant,omitempty"` // whose items; empty: the shared ones
	Source     string    `json:"source,omitempty"`
	Added      int       `json:"added"`
	Updated    int       `json:"updated"`
	Removed    int       `json:"removed"`
	// When the generation before is removed; zero: it is already.
	UndoUntil time.Time `json:"undo_until,omitzero"`
}

// ShowCollections implements `content collections`.
func ShowCollections(ctx context.Context, d *datadir.Dir, o Owner) (c Collections, err error) {
	number, err := lookup.Number(d, o.Tenant)
	if err != nil {
		return c, err
	}
	seen, err := d.Store.Collections(ctx, number)
	if err != nil {
		return c, err
	}
	own := map[string]int{}
	if number != 0 {
		all, err := d.Store.OwnCollections(ctx, number)
		if err != nil {
			return c, err
		}
		for _, one := range all {
			own[one.Collection] = one.Items
		}
	}
	stats, err := d.Store.Stats(ctx)
	if err != nil {
		return c, err
	}
	c = Collections{Collections: []Collection{}, Generation: stats.Generation, Bytes: stats.Bytes, LastChange: lastChange(d)}
	for _, one := range seen {
		c.Collections = append(c.Collections, Collection{one.Collection, one.Items, own[one.Collection]})
	}
	c.Items = d.Store.Items(0)
	if number != 0 {
		c.Own = d.Store.Items(number)
		c.Items += c.Own
	}
	return c, nil
}

// lastChange returns the last change, nil if it can't be undone.
func lastChange(d *datadir.Dir) *Change {
	c, until, ok := d.Store.LastChange()
	if !ok {
		return nil
	}
	v := viewChange(d, c)
	v.UndoUntil = until
	return &v
}

func viewChange(d *datadir.Dir, c library.Change) Change {
	return Change{Generation: c.Generation, At: c.At, Kind: c.Kind, Tenant: d.TenantName(c.Owner), Source: c.Source, Added: c.Added, Updated: c.Updated, Removed: c.Removed}
}

// Query is a search as the content API runs it, as a tenant sees the corpus. It needs no token, and
// is neither counted nor charged.
type Query struct {
	Tenant     string   `json:"tenant,omitempty"` // client_id; empty: only the shared corpus
	Q          string   `json:"q,omitempty"`
	Collection string   `json:"collection,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	Sort       string   `json:"sort,omitempty"`  // relevance (the default), newest or title
	After      string   `json:"after,omitempty"` // next of the page before
	Limit      *int     `json:"limit,omitempty"` // 1 to 50; without it, 20
}

// Found is a page of a search.
type Found struct {
	Items     []json.RawMessage `json:"items"` // as the content API returns them
	Total     int               `json:"total"`
	Next      string            `json:"next,omitempty"`      // the After of the next page; "": none
	Corrected [][2]string       `json:"corrected,omitempty"` // words that were corrected
	Ignored   []string          `json:"ignored,omitempty"`   // words that were not searched for
	Relaxed   bool              `json:"relaxed,omitempty"`   // items with some of the words follow
}

var sorts = map[string]content.Sort{"": content.ByRelevance, "relevance": content.ByRelevance, "newest": content.ByNewest, "title": content.ByTitle}

// Search implements `content search`.
func Search(ctx context.Context, d *datadir.Dir, in Query) (f Found, err error) {
	q := content.Query{Collection: content.Name(in.Collection), Tags: in.Tags, Cursor: in.After, Limit: 20, Signs: content.Signs(in.Q)}
	if q.Tenant, err = lookup.Number(d, in.Tenant); err != nil {
		return f, err
	}
	var known bool
	if q.Sort, known = sorts[in.Sort]; !known {
		return f, failure.New(failure.Invalid, "sort %.40q: must be relevance, newest or title", in.Sort)
	}
	if in.Limit != nil {
		q.Limit = *in.Limit
	}
	if err := paging.Check(q.Limit, 50); err != nil {
		return f, err
	}
	if q.Words, err = content.Words(in.Q); err != nil {
		return f, failure.Of(failure.Invalid, err)
	}
	page, err := d.Store.Search(ctx, q)
	if wrong, ok := errors.AsType[content.ErrQuery](err); ok {
		return f, failure.Of(failure.Invalid, wrong)
	}
	if err != nil {
		return f, err
	}
	f = Found{Items: make([]json.RawMessage, len(page.Items)), Total: page.Total, Next: page.Next, Corrected: page.Corrected, Ignored: page.Ignored, Relaxed: page.Relaxed}
	for i, item := range page.Items {
		f.Items[i] = item
	}
	return f, nil
}

// UndoRequest asks to undo the last change of the corpus.
type UndoRequest struct {
	// The generation that the change published, as `content collections` shows it. If the corpus was
	// changed since, nothing is undone. 0: the last change, whichever it is.
	Generation int64 `json:"generation,omitempty"`
}

// About returns what the input is about.
func (u UndoRequest) About() string {
	if u.Generation == 0 {
		return "the last change"
	}
	return fmt.Sprintf("generation %d", u.Generation)
}

// Undo implements `content undo`. It returns the change that was undone.
func Undo(ctx context.Context, d *datadir.Dir, u UndoRequest) (Change, error) {
	undone, err := d.Store.Undo(ctx, u.Generation)
	if err != nil {
		return Change{}, explainUndo(err)
	}
	return viewChange(d, undone), d.UpdateAddressPolicy(ctx)
}

// explainUndo adds to an error its kind, and what to do.
func explainUndo(err error) error {
	later, isLater := errors.AsType[library.ChangedLaterError](err)
	switch {
	case errors.Is(err, library.ErrNoUndo):
		return failure.New(failure.Conflict, "%w: the corpus as it was before a change is kept for %d days, until the next change or until a tenant is removed; import the earlier items again", err, int(library.KeepPrevious.Hours()/24))
	case isLater:
		return failure.New(failure.Conflict, "%w (%s); only the last change can be undone: without a generation, that one is", err, later.Last.Kind)
	case errors.Is(err, library.ErrImporting), errors.Is(err, library.ErrOvertaken):
		return failure.Of(failure.Conflict, err)
	}
	return err
}

// WouldUndo is the preview of [Undo]: the change that would be undone.
func WouldUndo(_ context.Context, d *datadir.Dir, u UndoRequest) (any, error) {
	last, _, ok := d.Store.LastChange()
	switch {
	case !ok:
		return nil, explainUndo(library.ErrNoUndo)
	case u.Generation != 0 && u.Generation != last.Generation:
		return nil, explainUndo(library.ChangedLaterError{Last: last})
	}
	return viewChange(d, last), nil
}

// Version returns what the version of the corpus is: its generation.
func Version(ctx context.Context, d *datadir.Dir, _ Owner) (any, error) {
	stats, err := d.Store.Stats(ctx)
	return stats.Generation, err
}

// AtVersion returns a context for changes that are made only if the corpus has a version.
func AtVersion(ctx context.Context, version any) context.Context {
	generation, _ := version.(int64) // Version returns nothing else
	return library.AtGeneration(ctx, generation)
}
