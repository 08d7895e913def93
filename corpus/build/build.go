// Package build makes the file of a generation, and changes what is in it: the items of one owner,
// everything that they are found by, and the options that were chosen for them. The schema of the
// file is corpus.sql. Nobody may read a file while it is built, or change it afterwards: package
// corpus opens it for searches, and package library decides when.
//
// [Create] makes an empty file. [Update] gives a [Builder] to a function, which imports or removes
// items. [Rebuild] makes a new file from one of an older format. There is no journal: after an
// error, the file must be removed. Nothing is durable yet when these functions return.
package build

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"os"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/words"
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
// it changed any. After an error the file is unusable and must be removed.
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
	return true, nil
}

// Import changes the owner's options, then adds or updates items, until ctx is done or items yields
// an error that [imports.Result.Omit] does not record. It uses all of o but the tenant.
func (b *Builder) Import(
	ctx context.Context, o imports.Options, items iter.Seq2[content.Item, error],
) (r imports.Result, err error) {
	if err := b.setOptions(ctx, o); err != nil {
		return r, err
	}
	b.collection = words.Name(o.Collection)
	for it, err := range items {
		if err == nil {
			err = b.take(ctx, it, o.SkipInvalid)
		}
		if err != nil && !r.Omit(err) {
			return imports.Result{}, err
		}
		if n := b.seen.Len(); o.Progress != nil && n%progressEvery == 0 {
			o.Progress(n)
		}
	}
	if o.Prune && r.Skipped.Count > 0 {
		r.NotPruned = true
	} else if o.Prune {
		if err := b.prune(ctx, o.Confirmed); err != nil {
			return imports.Result{}, fmt.Errorf("prune: %w", err)
		}
	}
	return b.result(r)
}

// take imports an item. With skip, an id that belongs to another item is an error that an import
// records.
func (b *Builder) take(ctx context.Context, it content.Item, skip bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrorOf(it, b.put(it), skip)
}
