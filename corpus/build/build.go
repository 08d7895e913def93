// Package build makes the file of a generation, and changes what is in it: the items of one owner,
// everything that they are found by, and the options that were chosen for them. The schema of the
// file is corpus.sql. Nobody may read a file while it is built, or change it afterwards: package
// corpus opens it for searches, and package library decides when.
//
// [Create] makes an empty file. [Update] gives a [Builder] to a function, which imports or removes
// items, and makes the result durable. [Rebuild] makes a new file from one of an older format.
// There is no journal: after an error, the file must be removed.
package build

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

//go:embed corpus.sql
var schema string

// progressEvery is how often an import reports its progress, in items.
const progressEvery = 1000

// Create makes the file of a corpus without items. Only its owner can read it.
func Create(ctx context.Context, name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	db := sqlite.OpenWriter(name)
	text := fmt.Sprintf("BEGIN; %s; PRAGMA user_version = %d; COMMIT", schema, sqlite.Format)
	_, err = db.ExecContext(ctx, text)
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
