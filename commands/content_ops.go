package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"stile.example/stile/content"
)

// importQuery says whose items come, and what becomes of the others.
type importQuery struct {
	Tenant string // "" for the shared corpus
	Prune  bool
}

func importItems(ctx context.Context, a *app, q importQuery, items iter.Seq2[content.Item, error]) (content.Result, error) {
	owner, err := a.owner(q.Tenant)
	if err != nil {
		return content.Result{}, err
	}
	r, err := a.db.Import(ctx, content.ImportOptions{Tenant: owner, Prune: q.Prune}, items)
	if err != nil {
		return r, err
	}
	return r, a.updateAddressPolicy(ctx)
}

// owner is the number of a tenant; 0, the shared corpus, for none.
func (a *app) owner(clientID string) (uint32, error) {
	if clientID == "" {
		return 0, nil
	}
	t, err := a.find(clientID)
	if err != nil {
		return 0, err
	}
	return t.Number, nil
}

// missing says of an item that is not there what to do.
func missing(id string, err error) error {
	if errors.Is(err, content.ErrNotFound) {
		return fmt.Errorf("there is no item %q; `stile content list` lists them", id)
	}
	return err
}

// listQuery says which items.
type listQuery struct {
	Tenant, Collection, After string
	Limit                     int
}

// itemView is a line of a list.
type itemView struct {
	ID         string `json:"id"`
	Collection string `json:"collection"`
	Title      string `json:"title"`
}

func listItems(ctx context.Context, a *app, q listQuery) ([]itemView, error) {
	owner, err := a.owner(q.Tenant)
	if err != nil {
		return nil, err
	}
	items, err := a.db.List(ctx, content.Filter{Tenant: owner, Collection: q.Collection}, q.After, q.Limit)
	views := make([]itemView, len(items))
	for i, it := range items {
		views[i] = itemView{it.ID, it.Collection, it.Title}
	}
	return views, err
}

func exportItems(ctx context.Context, a *app, q listQuery, out io.Writer) (n int, err error) {
	owner, err := a.owner(q.Tenant)
	if err != nil {
		return 0, err
	}
	counted := func(yield func(content.Item, error) bool) {
		for it, err := range a.db.Export(ctx, content.Filter{Tenant: owner, Collection: q.Collection}) {
			if n++; !yield(it, err) {
				return
			}
		}
	}
	return n, content.Export(out, counted)
}

// itemsQuery names items of one owner.
type itemsQuery struct {
	Tenant string // "" for the shared corpus
	IDs    []string
}

func showItem(ctx context.Context, a *app, q itemsQuery) (json.RawMessage, error) {
	owner, err := a.owner(q.Tenant)
	if err != nil {
		return nil, err
	}
	item, err := a.db.Item(ctx, owner, q.IDs[0])
	return item, missing(q.IDs[0], err)
}

func removeItems(ctx context.Context, a *app, q itemsQuery) (int, error) {
	owner, err := a.owner(q.Tenant)
	if err != nil {
		return 0, err
	}
	n, err := a.db.Remove(ctx, owner, q.IDs)
	if errors.Is(err, content.ErrNotFound) {
		return 0, fmt.Errorf("nothing was removed: %w; `stile content list` lists them", err)
	}
	if err != nil {
		return n, err
	}
	return n, a.updateAddressPolicy(ctx)
}
