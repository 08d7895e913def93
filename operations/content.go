package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus/build"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/operations/paging"
	"stile.example/stile/operations/similar"
)

// explainMissing replaces content.ErrNotFound by an error that says what to do.
func explainMissing(id string, err error) error {
	if errors.Is(err, content.ErrNotFound) {
		return failure.New(failure.NotFound, "there is no item %q; `stile content list` lists the items", id)
	}
	return err
}

// ItemSelection selects items by owner and collection.
type ItemSelection struct {
	Tenant     string `json:"tenant,omitempty"`     // client_id; empty: the shared corpus
	Collection string `json:"collection,omitempty"` // empty: all collections
}

// ItemQuery selects a page of items, in the order of their ids.
type ItemQuery struct {
	ItemSelection
	After string `json:"after,omitempty"` // the id of the last item of the previous page
	Limit int    `json:"limit"`           // maximum number of items
}

// ItemView is an item of a list.
type ItemView struct {
	ID         string `json:"id"`
	Collection string `json:"collection"`
	Title      string `json:"title"`
}

// ItemPage is a page of a list.
type ItemPage struct {
	Items []ItemView `json:"items"`
	More  int        `json:"more"`           // items after the page
	Next  string     `json:"next,omitempty"` // the After of the next page; empty: there is none
}

const maxItems = 10_000 // of a page

func listItems(ctx context.Context, d *datadir.Dir, q ItemQuery) (page ItemPage, err error) {
	tenant, err := lookup.Number(d, q.Tenant)
	if err != nil {
		return page, err
	}
	if err := paging.Check(q.Limit, maxItems); err != nil {
		return page, err
	}
	f := content.Filter{Tenant: tenant, Collection: q.Collection}
	items, err := d.Store.List(ctx, f, q.After, q.Limit)
	if err != nil {
		return page, err
	}
	page.Items = make([]ItemView, len(items))
	for i, it := range items {
		page.Items[i] = ItemView{it.ID, it.Collection, it.Title}
	}
	switch len(items) {
	case 0:
		return page, similar.CheckCollection(ctx, d.Store, f)
	case q.Limit:
		last := items[len(items)-1].ID
		if page.More, err = d.Store.Count(ctx, f, last); page.More > 0 {
			page.Next = last
		}
	}
	return page, err
}

// Exported is how many items were exported.
type Exported struct {
	Items int `json:"items"`
}

func exportItems(ctx context.Context, d *datadir.Dir, q ItemSelection, out io.Writer) (e Exported, err error) {
	tenant, err := lookup.Number(d, q.Tenant)
	if err != nil {
		return e, err
	}
	f := content.Filter{Tenant: tenant, Collection: q.Collection}
	counted := func(yield func(content.Item, error) bool) {
		for it, err := range d.Store.Export(ctx, f) {
			if e.Items++; !yield(it, err) {
				return
			}
		}
	}
	if err = content.Export(out, counted); err == nil && e.Items == 0 {
		err = similar.CheckCollection(ctx, d.Store, f)
	}
	return e, err
}

// ItemName names one item.
type ItemName struct {
	Tenant string `json:"tenant,omitempty"` // client_id; empty: the shared corpus
	ID     string `json:"id"`
}

func showItem(ctx context.Context, d *datadir.Dir, n ItemName) (json.RawMessage, error) {
	tenant, err := lookup.Number(d, n.Tenant)
	if err != nil {
		return nil, err
	}
	item, err := d.Store.Item(ctx, tenant, n.ID)
	return item, explainMissing(n.ID, err)
}

// ItemNames names items of one owner: by their ids, or by their collection.
type ItemNames struct {
	Tenant     string   `json:"tenant,omitempty"` // client_id; empty: the shared corpus
	IDs        []string `json:"ids,omitempty"`
	Collection string   `json:"collection,omitempty"`
	// Confirmed is how many items the removal of a collection may remove.
	Confirmed int `json:"confirmed,omitempty"`
}

// check returns the number of the owner.
func (q ItemNames) check(d *datadir.Dir) (tenant uint32, err error) {
	if (q.Collection == "") == (len(q.IDs) == 0) {
		return 0, failure.New(failure.Invalid, "either ids or a collection must be given")
	}
	return lookup.Number(d, q.Tenant)
}

// RemovedItems is how many items were removed.
type RemovedItems struct {
	Removed int `json:"removed"`
	// Unconfirmed is what would be removed. It is set if nothing was, because that needs Confirmed.
	Unconfirmed *imports.Removal `json:"unconfirmed,omitempty"`
}

func removeItems(ctx context.Context, d *datadir.Dir, q ItemNames) (r RemovedItems, err error) {
	tenant, err := q.check(d)
	if err != nil {
		return r, fmt.Errorf("nothing was removed: %w", err)
	}
	if q.Collection == "" {
		r.Removed, err = d.Store.Remove(ctx, tenant, q.IDs)
	} else {
		r.Removed, err = d.Store.RemoveCollection(ctx, tenant, q.Collection, q.Confirmed)
	}
	large, unconfirmed := errors.AsType[build.UnconfirmedError](err)
	switch {
	case unconfirmed:
		return RemovedItems{Unconfirmed: &large.Removal}, nil
	case errors.Is(err, content.ErrNotFound) && q.Collection != "":
		return RemovedItems{}, fmt.Errorf("nothing was removed: %w", similar.CheckCollection(ctx, d.Store, content.Filter{Tenant: tenant, Collection: q.Collection}))
	case errors.Is(err, content.ErrNotFound):
		return RemovedItems{}, failure.New(failure.NotFound, "nothing was removed: %w; `stile content list` lists the items", err)
	case err != nil:
		return RemovedItems{}, fmt.Errorf("nothing was removed: %w", explainImport(err))
	}
	return r, d.UpdateAddressPolicy(ctx)
}

// Undone reports whether nothing was removed because that needs a confirmation.
func (r RemovedItems) Undone() bool { return r.Unconfirmed != nil }
