package build

import (
	"errors"
	"fmt"

	"stile.example/stile/content"
	"stile.example/stile/corpus/terms"
	"stile.example/stile/corpus/words"
)

// maxPending is how many words, or values, have counts that wait to be written.
const maxPending = 1 << 16

// insert writes an item with everything that it is found by.
func (b *Builder) insert(item int64, list, whole []byte) error {
	it, err := content.DecodeItem(whole) // so that delete finds the same values
	if err != nil {
		return err
	}
	published := int64(noDate)
	if !it.PublishedAt.IsZero() {
		published = it.PublishedAt.UnixMicro()
	}
	_, err = b.tx.Exec(`
		INSERT INTO items (item, owner, published, id, collection, collection_key, title, title_key, title_also, list, whole)
		VALUES (?, ?, ?, ?, ?, nullif(?, ?5), ?, ?, nullif(?, ''), ?, ?)`,
		item, b.owner, published, it.ID, it.Collection, words.Name(it.Collection),
		it.Title, terms.TitleKey(it.Title), terms.TitleAlso(it.Title), list, whole)
	if err != nil {
		return fmt.Errorf("write item: %w", err)
	}
	filters, err := b.insertValues(item, it)
	if err != nil {
		return fmt.Errorf("write values: %w", err)
	}
	t := b.index.TextsOf(it)
	if err := b.insertWords(item, t, filters); err != nil {
		return err
	}
	for _, s := range terms.StartsOf(it.Title) {
		if err := b.starts.add(b.tx, s.Text, int64(s.Rank), item, int64(b.owner)); err != nil {
			return fmt.Errorf("write starts: %w", err)
		}
	}
	return b.countWords(t, +1)
}

// insertWords writes the full text of an item.
func (b *Builder) insertWords(item int64, t terms.Texts, filters string) error {
	_, err := b.tx.Exec(`INSERT INTO search (rowid, title, tags, summary, body, filters, searchable) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		item, t.Title, t.Tags, t.Summary, t.Body, filters, t.Searchable)
	if err != nil {
		return fmt.Errorf("write words: %w", err)
	}
	return nil
}

// delete undoes insert, which had written whole.
func (b *Builder) delete(item int64, whole []byte) error {
	it, err := content.DecodeItem(whole)
	if err != nil {
		return err
	}
	if err := errors.Join(b.starts.flush(b.tx), b.valued.flush(b.tx)); err != nil {
		return err
	}
	for _, s := range terms.StartsOf(it.Title) {
		if _, err := b.tx.Exec(`DELETE FROM starts WHERE owner = ? AND start = ? AND rank = ? AND item = ?`, b.owner, s.Text, s.Rank, item); err != nil {
			return fmt.Errorf("delete starts: %w", err)
		}
	}
	if err := b.deleteValues(item, it); err != nil {
		return fmt.Errorf("delete values: %w", err)
	}
	for _, text := range []string{`DELETE FROM items WHERE item = ?`, `DELETE FROM search WHERE rowid = ?`} {
		if _, err := b.tx.Exec(text, item); err != nil {
			return fmt.Errorf("delete item: %w", err)
		}
	}
	return b.countWords(b.index.TextsOf(it), -1)
}

// countWords adds by to the number of items that have each of the words.
func (b *Builder) countWords(t terms.Texts, by int64) error {
	for w := range t.Words() {
		b.words[w] += by
	}
	if len(b.words) < maxPending {
		return nil
	}
	return b.flushWords()
}

func (b *Builder) flushWords() error {
	to := bulk{
		insert: `INSERT INTO words (word, items, owner)`, text: true, width: 2,
		then: ` ON CONFLICT DO UPDATE SET items = items + excluded.items`,
	}
	for w, by := range b.words {
		if err := to.add(b.tx, w, by, int64(b.owner)); err != nil {
			return fmt.Errorf("count words: %w", err)
		}
	}
	clear(b.words)
	return to.flush(b.tx)
}
