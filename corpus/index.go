package corpus

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"stile.example/stile/content"
	"stile.example/stile/corpus/words"
)

const (
	maxTitleKey   = 256     // bytes of a folded title, for its order and for suggestions
	maxStarts     = 16      // words of a title that suggestions find it by
	shortStart    = 3       // characters: table starts has rows for prefixes up to this length
	maxFacetValue = 128     // bytes: a longer value is a text, which is not counted
	maxValues     = 256     // values of one item that are counted
	maxPending    = 1 << 16 // words, or values, whose counts wait to be written
)

// facetValue is a value that items can have in common.
type facetValue struct{ facet, text string }

// start is what suggestions find a title by: a word of it, or a short prefix of one.
type start struct {
	text string
	rank int
}

// insert writes an item with everything that it is found by.
func (b *Builder) insert(item int64, it content.Item, list, whole []byte) error {
	it, err := content.DecodeItem(whole) // so that delete finds the same values
	if err != nil {
		return err
	}
	published := int64(noDate)
	if !it.PublishedAt.IsZero() {
		published = it.PublishedAt.UnixMicro()
	}
	_, err = b.tx.Exec(`
		INSERT INTO items (item, owner, published, id, collection, title, title_key, list, whole)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		item, b.owner, published, it.ID, it.Collection, it.Title, words.FoldLine(it.Title, maxTitleKey), list, whole)
	if err != nil {
		return fmt.Errorf("write item: %w", err)
	}
	filters, err := b.insertValues(item, it)
	if err != nil {
		return fmt.Errorf("write values: %w", err)
	}
	t := textsOf(it)
	_, err = b.tx.Exec(`INSERT INTO search (rowid, title, tags, summary, body, filters) VALUES (?, ?, ?, ?, ?, ?)`,
		item, t.title, t.tags, t.summary, t.body, filters)
	if err != nil {
		return fmt.Errorf("write words: %w", err)
	}
	for _, s := range startsOf(it.Title) {
		if err := b.starts.add(b.tx, s.text, int64(s.rank), item, int64(b.owner)); err != nil {
			return fmt.Errorf("write starts: %w", err)
		}
	}
	return b.countWords(t, +1)
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
	for _, s := range startsOf(it.Title) {
		if _, err := b.tx.Exec(`DELETE FROM starts WHERE owner = ? AND start = ? AND rank = ? AND item = ?`, b.owner, s.text, s.rank, item); err != nil {
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
	return b.countWords(textsOf(it), -1)
}

// texts is an item's words, folded, with spaces between them.
type texts struct{ title, tags, summary, body string }

func textsOf(it content.Item) texts {
	return texts{
		title: words.Join(it.Title), tags: words.Join(strings.Join(it.Tags, " | ")),
		summary: words.Join(it.Summary), body: words.Join(words.PlainText(it.Body)),
	}
}

// countWords adds by to the number of items that have each of the words.
func (b *Builder) countWords(t texts, by int64) error {
	seen := map[string]bool{}
	for _, text := range []string{t.title, t.tags, t.summary, t.body} {
		for w := range strings.SplitSeq(text, " ") {
			if w != "" && !seen[w] {
				seen[w] = true
				b.words[w] += by
			}
		}
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

// startsOf returns what suggestions find a title by.
func startsOf(title string) []start {
	length := min(utf8.RuneCountInString(title), 999)
	best := map[string]int{}
	n := 0
	for text := range words.Starts(title) {
		rank := length
		if n > 0 {
			rank += 1000
		}
		for _, s := range append(shortStarts(text), text) {
			if _, ok := best[s]; !ok {
				best[s] = rank
			}
		}
		if n++; n == maxStarts {
			break
		}
	}
	starts := make([]start, 0, len(best))
	for text, rank := range best {
		starts = append(starts, start{text, rank})
	}
	return starts
}

// shortStarts returns the prefixes of a word up to shortStart characters, each with a * at its end.
func shortStarts(w string) (starts []string) {
	n := 0
	for i, r := range w {
		if n++; n > shortStart {
			break
		}
		starts = append(starts, w[:i+utf8.RuneLen(r)]+"*")
	}
	return starts
}
