package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/options"
	"stile.example/stile/datadir"
)

// ImportOptions says whose items are imported.
type ImportOptions struct {
	Tenant string `json:"tenant,omitempty"` // client_id; empty: the shared corpus
	// Remove items that are missing from the collections that the import touches.
	Prune bool `json:"prune,omitempty"`
	// Confirmed is how many items Prune may remove although they are most of what exists.
	Confirmed int `json:"confirmed,omitempty"`
	// Omit items whose ids belong to other owners, instead of failing.
	SkipInvalid bool `json:"skip_invalid,omitempty"`
	// Options changes what is chosen for all items of the owner.
	Options options.Change `json:"options,omitzero"`
}

// progressEvery is how often the log reports that items are indexed again, in items.
const progressEvery = 20_000

func importItems(ctx context.Context, d *datadir.Dir, o ImportOptions, items iter.Seq2[content.Item, error]) (imports.Result, error) {
	tenant, err := tenantNumber(d, o.Tenant)
	if err != nil {
		return imports.Result{}, err
	}
	r, err := d.Store.Import(ctx, imports.Options{
		Tenant: tenant, Prune: o.Prune, Confirmed: o.Confirmed, SkipInvalid: o.SkipInvalid, Options: o.Options,
		Indexing: func(done int) {
			if done%progressEvery == 0 {
				d.Log.Info("items are indexed again with the changed options", "done", done)
			}
		},
	}, items)
	if err != nil {
		return r, err
	}
	return r, d.UpdateAddressPolicy(ctx)
}

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

func listItems(ctx context.Context, d *datadir.Dir, q ItemQuery) ([]ItemView, error) {
	tenant, err := tenantNumber(d, q.Tenant)
	if err != nil {
		return nil, err
	}
	items, err := d.Store.List(ctx, content.Filter{Tenant: tenant, Collection: q.Collection}, q.After, q.Limit)
	views := make([]ItemView, len(items))
	for i, it := range items {
		views[i] = ItemView{it.ID, it.Collection, it.Title}
	}
	return views, err
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
	counted := func(yield func(content.Item, error) bool) {
		for it, err := range d.Store.Export(ctx, content.Filter{Tenant: tenant, Collection: q.Collection}) {
			if e.Items++; !yield(it, err) {
				return
			}
		}
	}
	err = content.Export(out, counted)
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

// ItemNames names items of one owner.
type ItemNames struct {
	Tenant string   `json:"tenant,omitempty"` // client_id; empty: the shared corpus
	IDs    []string `json:"ids"`
}

// RemovedItems is how many items were removed.
type RemovedItems struct {
	Removed int `json:"removed"`
}

func removeItems(ctx context.Context, d *datadir.Dir, q ItemNames) (r RemovedItems, err error) {
	tenant, err := tenantNumber(d, q.Tenant)
	if err != nil {
		return r, err
	}
	r.Removed, err = d.Store.Remove(ctx, tenant, q.IDs)
	if errors.Is(err, content.ErrNotFound) {
		return RemovedItems{}, fmt.Errorf("nothing was removed: %w; `stile content list` lists the items", err)
	}
	if err != nil {
		return r, err
	}
	return r, d.UpdateAddressPolicy(ctx)
}
