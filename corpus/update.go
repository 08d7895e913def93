package corpus

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"stile.example/stile/content"
	"stile.example/stile/corpus/sqlite"
)

// fileFormat is written into each file. Raise it with every change of corpus.sql or of how words
// are folded. A file of an older format, from oldestFormat on, can be read but not searched: see
// [Rebuild].
const (
	fileFormat   = 2
	oldestFormat = 1
)

//go:embed corpus.sql
var schema string

// progressEvery is how often an import reports its progress, in items.
const progressEvery = 1000

// Create makes the file of a corpus without items.
func Create(ctx context.Context, name string) error {
	db := sqlite.OpenWriter(name)
	text := fmt.Sprintf("BEGIN; %s; PRAGMA user_version = %d; COMMIT", schema, fileFormat)
	_, err := db.ExecContext(ctx, text)
	return errors.Join(err, db.Close())
}

// Update lets fn change the items of one owner in a file that nobody reads yet, and reports whether
// it changed any. The changed file is durable when Update returns. After an error the file is
// unusable and must be removed.
func Update(name string, owner uint32, fn func(*Builder) error) (changed bool, err error) {
	b, err := newBuilder(name, owner)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := fn(b); err != nil {
		return false, err
	}
	if !b.changed() {
		return false, nil
	}
	if err := b.finish(); err != nil {
		return false, fmt.Errorf("write corpus: %w", err)
	}
	return true, makeDurable(name)
}

// Import changes the owner's options, then adds or updates items, until ctx is done or items yields
// an error. It uses all of o but the tenant.
func (b *Builder) Import(
	ctx context.Context, o content.ImportOptions, items iter.Seq2[content.Item, error],
) (content.Result, error) {
	if err := b.setOptions(ctx, o); err != nil {
		return content.Result{}, err
	}
	for it, err := range items {
		if err != nil {
			return content.Result{}, err
		}
		if err := ctx.Err(); err != nil {
			return content.Result{}, err
		}
		if err := b.put(it); err != nil {
			return content.Result{}, fmt.Errorf("item %s: %w", it.ID, err)
		}
		if n := b.seen.Len(); o.Progress != nil && n%progressEvery == 0 {
			o.Progress(n)
		}
	}
	if o.Prune {
		if err := b.prune(); err != nil {
			return content.Result{}, fmt.Errorf("prune: %w", err)
		}
	}
	return b.result()
}

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

// RemoveAll removes all items of the owner, and what was chosen for them.
func (b *Builder) RemoveAll() error {
	if err := b.clearOptions(); err != nil {
		return err
	}
	all := func(int64) bool { return true }
	return b.removeWhere(all, `SELECT item FROM items WHERE owner = ?`, b.owner)
}

// makeDurable makes a file and its name durable, so that it also survives a power cut from the
// commit that names it.
func makeDurable(name string) error {
	for _, name := range []string{name, filepath.Dir(name)} {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
