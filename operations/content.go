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
)

// tenantNumber returns the number of a tenant; 0, the shared corpus, for an empty client_id.
func tenantNumber(d *datadir.Dir, clientID string) (uint32, error) {
	if clientID == "" {
		return 0, nil
	}
	t, err := findTenant(d, clientID)
	if err != nil {
		return 0, err
	}
	return t.Number, nil
}

// explainMissing replaces content.ErrNotFound by an error that says what to do.
func explainMissing(id string, err error) error {
	if errors.Is(err, content.ErrNotFound) {
		return fmt.Errorf("there is no item %q; `stile content list` lists the items", id)
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
	More  int        `json:"more"` // items after the page
}

func listItems(ctx context.Context, d *datadir.Dir, q ItemQuery) (page ItemPage, err error) {
	tenant, err := tenantNumber(d, q.Tenant)
	if err != nil {
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
		return page, checkCollection(ctx, d, f)
	case q.Limit:
		page.More, err = d.Store.Count(ctx, f, items[len(items)-1].ID)
	}
	return page, err
}

// Exported is how many items were exported.
type Exported struct {
	Items int `json:"items"`
}

func exportItems(ctx context.Context, d *datadir.Dir, q ItemSelection, out io.Writer) (e Exported, err error) {
	tenant, err := tenantNumber(d, q.Tenant)
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
		err = checkCollection(ctx, d, f)
	}
	return e, err
}

// ItemName names one item.
type ItemName struct {
	Tenant string `json:"tenant,omitempty"` // client_id; empty: the shared corpus
	ID     string `json:"id"`
}

func showItem(ctx context.Context, d *datadir.Dir, n ItemName) (json.RawMessage, error) {
	tenant, err := tenantNumber(d, n.Tenant)
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

// RemovedItems is how many items were removed.
type RemovedItems struct {
	Removed int `json:"removed"`
	// Unconfirmed is what would be removed. It is set if nothing was, because that needs Confirmed.
	Unconfirmed *imports.Removal `json:"unconfirmed,omitempty"`
}

func removeItems(ctx context.Context, d *datadir.Dir, q ItemNames) (r RemovedItems, err error) {
	tenant, err := tenantNumber(d, q.Tenant)
	if err != nil {
		return r, err
	}
	if q.Collection == "" {
		r.Removed, err = d.Store.Remove(ctx, tenant, q.IDs)
	} else if len(q.IDs) == 0 {
		r.Removed, err = d.Store.RemoveCollection(ctx, tenant, q.Collection, q.Confirmed)
	} else {
		err = errors.New("either ids or a collection can be removed, not both")
	}
	large, unconfirmed := errors.AsType[build.UnconfirmedError](err)
	switch {
	case unconfirmed:
		return RemovedItems{Unconfirmed: &large.Removal}, nil
	case errors.Is(err, content.ErrNotFound) && q.Collection != "":
		return RemovedItems{}, fmt.Errorf("nothing was removed: %w", checkCollection(ctx, d, content.Filter{Tenant: tenant, Collection: q.Collection}))
	case errors.Is(err, content.ErrNotFound):
		return RemovedItems{}, fmt.Errorf("nothing was removed: %w; `stile content list` lists the items", err)
	case err != nil:
		return RemovedItems{}, fmt.Errorf("nothing was removed: %w", explainImport(err))
	}
	return r, d.UpdateAddressPolicy(ctx)
}
