package corpus

import (
	"context"
	"math"
	"strings"

	"stile.example/stile/corpus/words"
)

// ftsOf returns a phrase as an expression of FTS5.
func ftsOf(p words.Phrase) string {
	texts := make([]string, len(p.Words))
	for i, w := range p.Words {
		texts[i] = w.Text
	}
	s := quote(strings.Join(texts, " "))
	if p.Prefix {
		s += "*"
	}
	return s
}

// phrase looks up how many items have a phrase's words, and makes a term of them. If the phrase
// ends the query, and its last word is in no item that the owners have, that word is taken as a
// prefix. A prefix may match at most most positions of the full text.
func (c *File) phrase(
	ctx context.Context, owners []uint32, p *words.Phrase, isLast bool, most int,
) (t term, err error) {
	t = term{items: math.MaxInt, seen: math.MaxInt}
	for i, w := range p.Words {
		lastOf := i == len(p.Words)-1
		if p.Prefix && lastOf {
			break
		}
		var one term
		err := query(ctx, c.db, one.count(owners), `SELECT owner, items FROM words WHERE word = ?`, w.Text)
		if err != nil {
			return t, err
		}
		if one.seen == 0 && isLast && lastOf && !w.Unspaced {
			p.Prefix = true
			break
		}
		t.items, t.seen = min(t.items, one.items), min(t.seen, one.seen)
	}
	t.fts, t.exact, t.tokens = ftsOf(*p), len(p.Words) == 1, len(p.Words)
	if !p.Prefix {
		return t, nil
	}
	err = c.endInPrefix(ctx, owners, p, most, &t)
	return t, err
}

// endInPrefix makes the last word of a phrase's term a prefix. If the prefix matches more than most
// positions, a phrase of several words loses its last word.
func (c *File) endInPrefix(
	ctx context.Context, owners []uint32, p *words.Phrase, most int, t *term,
) error {
	t.exact = false
	last, err := c.prefix(ctx, owners, p.Last(), most)
	switch n := len(p.Words); {
	case err != nil:
		return err
	case n == 1 && last.fts != "":
		t.fts, t.tokens = last.fts, last.tokens
	case n > 1 && last.items > most:
		p.Cut(n - 1)
		t.fts, t.tokens = ftsOf(*p), n-1
		return nil
	default:
		t.merged = last.items
	}
	t.items, t.seen = min(t.items, last.items), min(t.seen, last.seen)
	return nil
}

// prefix returns an upper bound of the items that have a word with a prefix: an item with two such
// words counts twice. If there are too many words, or they are in more than most items, the term
// has an expression of the most frequent words.
func (c *File) prefix(
	ctx context.Context, owners []uint32, s string, most int,
) (t term, err error) {
	var frequent []string
	rows := 0
	count := t.count(owners)
	err = query(ctx, c.db, func(scan scanner) error {
		var w string
		rows++
		err := count(func(to ...any) error { return scan(append(to, &w)...) })
		if len(frequent) < maxFrequent {
			frequent = append(frequent, quote(w))
		}
		return err
	}, `
		SELECT owner, items, word FROM (SELECT owner, items, word FROM words WHERE word >= ? AND word < ? LIMIT ?)
		ORDER BY items DESC, word`, s, s+"\U0010ffff", maxPrefixed)
	if rows >= maxPrefixed || t.items > most {
		t.fts, t.tokens = "("+strings.Join(frequent, " OR ")+")", len(frequent)
	}
	return t, err
}
