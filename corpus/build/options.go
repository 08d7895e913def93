package build

import (
	"context"
	"database/sql"
	"fmt"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/options"
	"stile.example/stile/corpus/chosen"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/terms"
)

// choice is what was chosen for the owner of a [Builder]'s items.
type choice struct {
	options      options.Options
	index        terms.Index // derived from options
	changed      bool
	indexedAgain int // items that a change of options changed
}

func readChoice(tx *sql.Tx, owner uint32) (c choice, err error) {
	if c.options, err = chosen.Read(context.Background(), tx, owner); err == nil {
		c.index, err = chosen.Index(c.options)
	}
	return c, err
}

// urlOf returns the URL of an item that has none of its own, or "".
func (c choice) urlOf(it content.Item) string {
	return options.URLOf(c.options.URL, it.ID, it.Collection)
}

// setOptions changes the options, and what existing items are found by and lead to.
func (b *Builder) setOptions(ctx context.Context, o imports.Options) error {
	next, err := o.Options.Apply(b.options)
	if err != nil || next.Equal(b.options) {
		return err
	}
	before := b.choice
	if b.index, err = chosen.Index(next); err != nil {
		return err
	}
	b.options, b.choice.changed = next, true
	if err := chosen.Write(b.tx, b.owner, next); err != nil {
		return fmt.Errorf("write options: %w", err)
	}
	if !next.IndexesDifferently(before.options) && next.URL == before.options.URL {
		return nil
	}
	return b.indexAgain(ctx, before, o.Indexing)
}

func (b *Builder) clearOptions() error {
	if b.options.Equal(options.Options{}) {
		return nil
	}
	b.choice.changed = true
	return chosen.Write(b.tx, b.owner, options.Options{}) // b.index stays, for the items to be removed
}

// indexAgain indexes all items of the owner that were indexed with other options before.
func (b *Builder) indexAgain(ctx context.Context, before choice, progress func(int)) error {
	type stored struct {
		item  int64
		whole []byte
	}
	done := 0
	for at := sqlite.First(b.owner) - 1; ; {
		var batch []stored
		err := sqlite.Query(ctx, b.tx, func(scan sqlite.Scanner) error {
			var s stored
			err := scan(&s.item, &s.whole)
			batch = append(batch, s)
			return err
		}, `SELECT item, whole FROM items WHERE item > ? AND item <= ? ORDER BY item LIMIT ?`, at, sqlite.Last(b.owner), progressEvery)
		if err != nil {
			return err
		}
		for _, s := range batch {
			if err := b.indexItemAgain(s.item, s.whole, before); err != nil {
				return fmt.Errorf("index item %d again: %w", s.item, err)
			}
			at = s.item
		}
		if done += len(batch); len(batch) == 0 {
			return nil
		}
		if progress != nil {
			progress(done)
		}
	}
}

// indexItemAgain changes what has changed about one item: its URL, if it was made from the option,
// and its words.
func (b *Builder) indexItemAgain(item int64, whole []byte, before choice) error {
	it, err := content.DecodeItem(whole)
	if err != nil {
		return err
	}
	was, is := before.index.TextsOf(it), b.index.TextsOf(it)
	made := before.urlOf(it)
	hasURL := it.URL == made && made != b.urlOf(it)
	if !hasURL && was == is {
		return nil
	}
	b.indexedAgain++
	if hasURL {
		it.URL = b.urlOf(it)
		list, whole := content.EncodeItem(it)
		if _, err := b.tx.Exec(`UPDATE items SET list = ?, whole = ? WHERE item = ?`, list, whole, item); err != nil {
			return err
		}
	}
	if was == is {
		return nil
	}
	numbers, err := b.valueNumbers(it)
	if err != nil {
		return err
	}
	if _, err := b.tx.Exec(`DELETE FROM search WHERE rowid = ?`, item); err != nil {
		return err
	}
	if err := b.insertWords(item, is, filtersOf(numbers)); err != nil {
		return err
	}
	if err := b.countWords(was, -1); err != nil {
		return err
	}
	return b.countWords(is, +1)
}
