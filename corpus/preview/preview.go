// Package preview says what an import would change in a corpus file, without changing anything. It
// compares the items with those in the file, as package build does, and needs neither a copy of the
// file nor a lock.
package preview

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/options"
	"stile.example/stile/corpus/bitmap"
	"stile.example/stile/corpus/build"
	"stile.example/stile/corpus/chosen"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/terms"
	"stile.example/stile/corpus/words"
)

// Import returns the result that an import into a file would have. The file may be of an older
// format. Without a name, it compares the items with an empty corpus.
func Import(
	ctx context.Context, file string, o imports.Options, items iter.Seq2[content.Item, error],
) (r imports.Result, err error) {
	p := preview{owner: o.Tenant, collection: words.Name(o.Collection), result: imports.Result{DryRun: true}, touched: map[string]*collection{}}
	if file != "" {
		p.db = sqlite.OpenReaders(file, 1)
		defer func() { err = errors.Join(err, p.db.Close()) }()
	}
	if err := p.setOptions(ctx, o); err != nil {
		return r, err
	}
	for it, err := range items {
		if err == nil {
			err = p.take(ctx, it, o.SkipInvalid)
		}
		if err != nil && !p.result.Omit(err) {
			return r, err
		}
	}
	if err := p.prune(ctx, o); err != nil {
		return r, fmt.Errorf("prune: %w", err)
	}
	return p.result, nil
}

type preview struct {
	db    *sql.DB // nil: an empty corpus
	owner uint32
	key   string // SQL: what a collection is compared by

	collection string // key of that of items which name none

	before, after options.Options
	seen          bitmap.Set // the existing items that were put
	touched       map[string]*collection
	result        imports.Result
}

// collection is a collection of the import.
type collection struct {
	name string
	put  int // items of the import
	kept int // those of them that exist, here or in another collection
}

// setOptions reads the options, and counts the items that their change would index again.
func (p *preview) setOptions(ctx context.Context, o imports.Options) (err error) {
	if p.db != nil {
		var format int
		if err := p.db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&format); err != nil {
			return fmt.Errorf("read corpus: %w", err)
		}
		if p.key = sqlite.CollectionKey; format < sqlite.Format {
			p.key = sqlite.OldCollectionKey
		}
		if p.before, err = chosen.Read(ctx, p.db, p.owner); err != nil {
			return err
		}
	}
	if p.after, err = o.Options.Apply(p.before); err != nil || p.db == nil {
		return err
	}
	if !p.after.IndexesDifferently(p.before) && p.after.URL == p.before.URL {
		return nil
	}
	return p.countIndexed(ctx)
}

func (p *preview) countIndexed(ctx context.Context) error {
	was, err := chosen.Index(p.before)
	if err != nil {
		return err
	}
	is, err := chosen.Index(p.after)
	if err != nil {
		return err
	}
	return sqlite.Query(ctx, p.db, func(scan sqlite.Scanner) error {
		var whole []byte
		if err := scan(&whole); err != nil {
			return err
		}
		it, err := content.DecodeItem(whole)
		if err == nil && (p.withURL(it).URL != it.URL || isIndexedDifferently(it, was, is)) {
			p.result.IndexedAgain++
		}
		return err
	}, `SELECT whole FROM items WHERE item BETWEEN ? AND ?`, sqlite.First(p.owner), sqlite.Last(p.owner))
}

func isIndexedDifferently(it content.Item, was, is terms.Index) bool {
	return was.TextsOf(it) != is.TextsOf(it)
}

// withURL returns a stored item with the URL that the changed options make, if its URL was made.
func (p *preview) withURL(it content.Item) content.Item {
	if it.URL == options.URLOf(p.before.URL, it.ID, it.Collection) {
		it.URL = options.URLOf(p.after.URL, it.ID, it.Collection)
	}
	return it
}

// take counts an item of the import. With skip, an id that belongs to another item is an error that
// an import records.
func (p *preview) take(ctx context.Context, it content.Item, skip bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return build.ErrorOf(it, p.compare(it), skip)
}

func (p *preview) compare(it content.Item) error {
	if it.URL == "" {
		it.URL = options.URLOf(p.after.URL, it.ID, it.Collection)
	}
	item, old, err := p.find(it.ID)
	if err == nil {
		err = build.CheckMove(it, old, p.collection)
	}
	switch {
	case errors.Is(err, content.ErrNotFound):
		p.result.Added++
	case err != nil:
		return err
	case !p.seen.Add(item - sqlite.First(p.owner)):
		return build.ErrRepeated
	case p.isUnchanged(it, old):
		p.result.Unchanged++
	default:
		p.result.Updated++
	}
	key := words.Name(it.Collection)
	if p.touched[key] == nil {
		p.touched[key] = &collection{name: it.Collection}
	}
	p.touched[key].put++
	if err == nil {
		p.touched[key].kept++
	}
	return nil
}

func (p *preview) isUnchanged(it content.Item, old []byte) bool {
	_, whole := content.EncodeItem(it)
	if p.before.URL != p.after.URL {
		if stored, err := content.DecodeItem(old); err == nil {
			_, old = content.EncodeItem(p.withURL(stored))
		}
	}
	return string(old) == string(whole)
}

// find returns the owner's item with an id.
func (p *preview) find(id string) (item int64, whole []byte, err error) {
	if p.db == nil {
		return 0, nil, content.ErrNotFound
	}
	// No context: it would cost a goroutine for each item.
	err = p.db.QueryRow(`SELECT item, whole FROM items WHERE id = ?`, id).Scan(&item, &whole)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil, content.ErrNotFound
	}
	if err == nil && sqlite.OwnerOf(item) != p.owner {
		return 0, nil, build.ErrTaken
	}
	return item, whole, err
}

// prune counts what the collections would have, and what would be removed from them.
func (p *preview) prune(ctx context.Context, o imports.Options) error {
	r := &p.result
	r.NotPruned = o.Prune && r.Skipped.Count > 0
	prunes := o.Prune && !r.NotPruned
	if prunes && len(p.touched) == 0 {
		return build.ErrNoItems
	}
	r.Collections = map[string]int{}
	of, emptied := 0, false
	for key, c := range p.touched {
		missing, err := p.count(ctx, key)
		if err != nil {
			return err
		}
		of, emptied = of+c.kept+missing, emptied || missing > 0 && c.kept == 0
		if r.Collections[c.name] = c.put; prunes {
			r.Removed += missing
		} else {
			r.Collections[c.name] += missing
		}
	}
	if gone := (imports.Removal{Items: r.Removed, Of: of, Emptied: emptied && prunes}); gone.IsLarge() && gone.Items > o.Confirmed {
		r.Unconfirmed = &gone
	}
	return nil
}

// count returns how many items that the owner has in the collection of a key are missing from the
// import.
func (p *preview) count(ctx context.Context, key string) (missing int, err error) {
	if p.db == nil {
		return 0, nil
	}
	err = sqlite.Query(ctx, p.db, func(scan sqlite.Scanner) error {
		var item int64
		err := scan(&item)
		if !p.seen.Has(item - sqlite.First(p.owner)) {
			missing++
		}
		return err
	}, `SELECT item FROM items WHERE owner = ? AND `+p.key+` = ?`, p.owner, key)
	return missing, err
}
