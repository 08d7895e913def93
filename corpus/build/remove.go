package build

import (
	"context"
	"errors"
	"fmt"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/words"
)

// UnconfirmedError says how many items would be removed, which must be confirmed.
type UnconfirmedError struct{ imports.Removal }

func (e UnconfirmedError) Error() string {
	return fmt.Sprintf("the removal of %d of %d items must be confirmed", e.Items, e.Of)
}

// ErrNoItems means that an import without items is to remove what is missing from it.
var ErrNoItems = errors.New("the import has no items")

// Remove removes items and returns how many. An id that the owner does not have is
// [content.ErrNotFound].
func (b *Builder) Remove(ids []string) (int, error) {
	for _, id := range ids {
		if err := b.remove(id); err != nil {
			return 0, fmt.Errorf("item %s: %w", id, err)
		}
	}
	return b.removed, nil
}

func (b *Builder) remove(id string) error {
	item, old, err := b.find(id)
	if errors.Is(err, ErrTaken) {
		return content.ErrNotFound
	}
	if err != nil {
		return err
	}
	b.removed++
	return b.delete(item, old)
}

// RemoveCollection removes a collection of the owner and returns how many items it had. If they are
// more than confirmed, it returns an [UnconfirmedError]. Without items, there is no collection:
// [content.ErrNotFound].
func (b *Builder) RemoveCollection(ctx context.Context, name string, confirmed int) (int, error) {
	key := words.Name(name)
	n, err := b.count(key)
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, content.ErrNotFound
	case n > confirmed:
		return 0, UnconfirmedError{imports.Removal{Items: n, Of: n}}
	}
	gone, err := b.inCollection(ctx, key, func(int64) bool { return true })
	if err != nil {
		return 0, err
	}
	return n, b.removeAll(ctx, gone)
}

// RemoveAll removes all items of the owner, and what was chosen for them.
func (b *Builder) RemoveAll(ctx context.Context) error {
	if err := b.clearOptions(); err != nil {
		return err
	}
	all := func(int64) bool { return true }
	gone, err := b.where(ctx, all, `SELECT item FROM items WHERE owner = ?`, b.owner)
	if err != nil {
		return err
	}
	return b.removeAll(ctx, gone)
}

// prune removes the owner's items that were not put, from the collections that were touched. If
// they are [imports.Removal.IsLarge], at most confirmed ones are removed.
func (b *Builder) prune(ctx context.Context, confirmed int) error {
	if len(b.touched) == 0 {
		return ErrNoItems
	}
	var gone []int64
	had, emptied := -b.added, false
	for key := range b.touched {
		n, err := b.count(key)
		if err != nil {
			return err
		}
		keeps := false
		missing := func(item int64) bool {
			seen := b.seen.Has(item - sqlite.First(b.owner))
			keeps = keeps || seen && item < b.firstNew
			return !seen
		}
		items, err := b.inCollection(ctx, key, missing)
		if err != nil {
			return err
		}
		had, gone = had+n, append(gone, items...)
		emptied = emptied || len(items) > 0 && !keeps
	}
	if r := (imports.Removal{Items: len(gone), Of: had, Emptied: emptied}); r.IsLarge() && r.Items > confirmed {
		return UnconfirmedError{r}
	}
	return b.removeAll(ctx, gone)
}

// count returns how many items the owner has in the collection of a key.
func (b *Builder) count(key string) (n int, err error) {
	err = b.one(&n, `SELECT count(*) FROM items WHERE owner = ? AND `+sqlite.CollectionKey+` = ?`, b.owner, key)
	return n, err
}

// inCollection returns those items of the owner's collection for which goes returns true.
func (b *Builder) inCollection(
	ctx context.Context, key string, goes func(item int64) bool,
) ([]int64, error) {
	return b.where(ctx, goes,
		`SELECT item FROM items WHERE owner = ? AND `+sqlite.CollectionKey+` = ?`, b.owner, key)
}

// where returns those items of a query's result for which goes returns true.
func (b *Builder) where(
	ctx context.Context, goes func(item int64) bool, text string, args ...any,
) (items []int64, err error) {
	err = sqlite.Query(ctx, b.tx, func(scan sqlite.Scanner) error {
		var item int64
		err := scan(&item)
		if goes(item) {
			items = append(items, item)
		}
		return err
	}, text, args...)
	return items, err
}

// removeAll removes items, unless ctx is done before.
func (b *Builder) removeAll(ctx context.Context, items []int64) error {
	for _, item := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		var whole []byte
		if err := b.one(&whole, `SELECT whole FROM items WHERE item = ?`, item); err != nil {
			return err
		}
		if err := b.delete(item, whole); err != nil {
			return err
		}
	}
	b.removed += len(items)
	return nil
}
