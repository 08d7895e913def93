package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"os"

	"stile.example/stile/content"
)

// whole is an item as the API answers it alone.
type whole struct {
	item  int64
	bytes []byte
}

// visible says whether a tenant sees the item: it is shared, or its own.
func (w whole) visible(tenant uint32) bool {
	owner := ownerOf(w.item)
	return owner == 0 || owner == tenant
}

// Item is an item as the API answers it alone, or [content.ErrNotFound].
// Nobody may change the bytes.
func (db *DB) Item(_ context.Context, tenant uint32, id string) ([]byte, error) {
	c := db.acquire()
	defer db.release(c)
	w, err := c.whole(id)
	if err != nil {
		return nil, fmt.Errorf("read item: %w", err)
	}
	if !w.visible(tenant) {
		return nil, fmt.Errorf("read item: %w", content.ErrNotFound)
	}
	return w.bytes, nil
}

// whole takes no context: it reads one row, and watching a context would cost
// more than that.
func (c *corpus) whole(id string) (w whole, err error) {
	if w, ok := c.wholes.find(id); ok {
		return w, nil
	}
	err = c.rows.QueryRow(`SELECT item, whole FROM items WHERE id = ?`, id).Scan(&w.item, &w.bytes)
	if errors.Is(err, sql.ErrNoRows) {
		return w, content.ErrNotFound
	}
	if err == nil {
		c.wholes.keep(id, w, len(id)+len(w.bytes))
	}
	return w, err
}

// Collections are the collections that a tenant sees items of, by name.
func (db *DB) Collections(ctx context.Context, tenant uint32) ([]content.CollectionCount, error) {
	c := db.acquire()
	defer db.release(c)
	all := []content.CollectionCount{}
	err := query(ctx, c.db, func(scan scanner) error {
		var one content.CollectionCount
		err := scan(&one.Collection, &one.Items)
		all = append(all, one)
		return err
	}, `
		SELECT v.text, sum(c.items) FROM facets AS f
		JOIN facet_values AS v ON v.facet = f.facet
		JOIN value_counts AS c ON c.value = v.value AND c.owner IN (0, ?)
		WHERE f.name = ? GROUP BY v.text HAVING sum(c.items) > 0 ORDER BY v.text`, tenant, facetCollection)
	if err != nil {
		return nil, fmt.Errorf("read collections: %w", err)
	}
	return all, nil
}

// List are an owner's items by id, at most limit from behind the id after on.
// Body is in them.
func (db *DB) List(ctx context.Context, f content.Filter, after string, limit int) ([]content.Item, error) {
	c := db.acquire()
	defer db.release(c)
	items, err := c.list(ctx, f, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list items: %w", err)
	}
	return items, nil
}

func (c *corpus) list(ctx context.Context, f content.Filter, after string, limit int) (items []content.Item, err error) {
	err = query(ctx, c.db, func(scan scanner) error {
		var whole []byte
		if err := scan(&whole); err != nil {
			return err
		}
		it, err := content.DecodeItem(whole)
		items = append(items, it)
		return err
	}, `
		SELECT whole FROM items
		WHERE id > ?1 AND +owner = ?2 AND ?3 IN ('', +collection) ORDER BY id LIMIT ?4`,
		after, f.Tenant, f.Collection, limit)
	return items, err
}

// Export are an owner's items by id, as they were imported and cleaned. They
// are all of one generation, whatever is imported meanwhile.
func (db *DB) Export(ctx context.Context, f content.Filter) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		c := db.acquire()
		defer db.release(c)
		const batch = 500
		for after := ""; ; {
			items, err := c.list(ctx, f, after, batch)
			if err != nil {
				yield(content.Item{}, fmt.Errorf("export items: %w", err))
				return
			}
			for _, it := range items {
				if !yield(it, nil) {
					return
				}
				after = it.ID
			}
			if len(items) < batch {
				return
			}
		}
	}
}

// Stats says how large the corpus is.
func (db *DB) Stats(context.Context) (content.Stats, error) {
	c := db.acquire()
	defer db.release(c)
	s := content.Stats{Generation: c.n}
	for _, n := range c.items {
		s.Items += n
	}
	info, err := os.Stat(c.file)
	if err != nil {
		return s, fmt.Errorf("corpus size: %w", err)
	}
	s.Bytes = info.Size()
	return s, nil
}
