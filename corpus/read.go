package corpus

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/terms"
	"stile.example/stile/corpus/words"
)

// whole is an item as the API responds with it alone.
type whole struct {
	item  int64
	bytes []byte
}

// visible reports whether a tenant sees the item: it is shared, or the tenant owns it.
func (w whole) visible(tenant uint32) bool {
	owner := sqlite.OwnerOf(w.item)
	return owner == 0 || owner == tenant
}

// Item returns an item as the API responds with it alone, or [content.ErrNotFound]. Nobody may
// change the bytes.
func (c *File) Item(tenant uint32, id string) ([]byte, error) {
	w, err := c.whole(id)
	if err != nil {
		return nil, fmt.Errorf("read item: %w", err)
	}
	if !w.visible(tenant) {
		return nil, fmt.Errorf("read item: %w", content.ErrNotFound)
	}
	return w.bytes, nil
}

// whole takes no context. It reads one row in 5 µs, and watching a context takes another 3 µs
// (BenchmarkItem).
func (c *File) whole(id string) (w whole, err error) {
	if w, ok := c.wholes.Find(id); ok {
		return w, nil
	}
	err = c.rows.QueryRow(`SELECT item, whole FROM items WHERE id = ?`, id).Scan(&w.item, &w.bytes)
	if errors.Is(err, sql.ErrNoRows) {
		return w, content.ErrNotFound
	}
	if err == nil {
		id = strings.Clone(id) // it is a part of a request, which the cache would keep
		c.wholes.Keep(id, w, len(id)+len(w.bytes))
	}
	return w, err
}

// Collections returns the collections that a tenant sees items of, by name.
func (c *File) Collections(ctx context.Context, tenant uint32) ([]content.CollectionCount, error) {
	all := []content.CollectionCount{}
	err := sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
		var one content.CollectionCount
		err := scan(&one.Collection, &one.Items)
		all = append(all, one)
		return err
	}, `
		SELECT v.text, sum(c.items) FROM facets AS f
		JOIN facet_values AS v ON v.facet = f.facet
		JOIN value_counts AS c ON c.value = v.value AND c.owner IN (0, ?)
		WHERE f.name = ? GROUP BY v.text HAVING sum(c.items) > 0 ORDER BY v.text`, tenant, terms.Collection)
	if err != nil {
		return nil, fmt.Errorf("read collections: %w", err)
	}
	return all, nil
}

// List returns an owner's items in the order of their ids, at most limit of those after an id.
// Bodies are included.
func (c *File) List(ctx context.Context, f content.Filter, after string, limit int) ([]content.Item, error) {
	items, err := c.list(ctx, f, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list items: %w", err)
	}
	return items, nil
}

// Export yields an owner's items in the order of their ids, as they were imported and sanitised.
func (c *File) Export(ctx context.Context, f content.Filter) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
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

// Count returns how many items List would return without a limit.
func (c *File) Count(ctx context.Context, f content.Filter, after string) (n int, err error) {
	err = c.db.QueryRowContext(ctx, `
		SELECT count(*) FROM items
		WHERE owner = ?2 AND ?3 IN ('', `+c.collectionKey()+`) AND id > ?1`,
		after, f.Tenant, words.Name(f.Collection)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count items: %w", err)
	}
	return n, nil
}

// OwnCollections returns the collections of an owner's items, by name.
func (c *File) OwnCollections(ctx context.Context, owner uint32) (all []content.CollectionCount, err error) {
	err = sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
		var one content.CollectionCount
		err := scan(&one.Collection, &one.Items)
		all = append(all, one)
		return err
	}, `SELECT min(collection), count(*) FROM items WHERE owner = ? GROUP BY `+c.collectionKey()+` ORDER BY 1`, owner)
	if err != nil {
		return nil, fmt.Errorf("read collections: %w", err)
	}
	return all, nil
}

// collectionKey returns the SQL of what a collection is compared by.
func (c *File) collectionKey() string {
	if c.old {
		return sqlite.OldCollectionKey
	}
	return sqlite.CollectionKey
}

func (c *File) list(
	ctx context.Context, f content.Filter, after string, limit int,
) (items []content.Item, err error) {
	err = sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
		var whole []byte
		if err := scan(&whole); err != nil {
			return err
		}
		it, err := content.DecodeItem(whole)
		items = append(items, it)
		return err
	}, `
		SELECT whole FROM items
		WHERE id > ?1 AND +owner = ?2 AND ?3 IN ('', `+c.collectionKey()+`) ORDER BY id LIMIT ?4`,
		after, f.Tenant, words.Name(f.Collection), limit)
	return items, err
}
