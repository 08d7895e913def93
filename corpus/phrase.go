package corpus

import (
	"context"
	"math"
	"strings"

	"stile.example/stile/corpus/sqlite"
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

// phrase looks up how many items have a phrase's words, or what may be there instead, and makes a
// term of them. If the phrase ends the query, and no item that the owners have contains any of
// them, the last word is taken as a prefix. A prefix may match at most most positions of the full
// text.
func (c *File) phrase(
	ctx context.Context, owners []uint32, p *words.Phrase, isLast bool, most int,
) (t term, err error) {
	if p.Also == "" && len(p.Apart) == 0 {
		return c.alternative(ctx, owners, p, isLast, most)
	}
	for _, mayBePrefix := range []bool{false, isLast} {
		if t, err = c.alternatives(ctx, owners, p, mayBePrefix, most); err != nil || t.seen > 0 {
			return t, err
		}
	}
	return t, nil
}

// alternatives makes a term of a phrase and what may be there instead.
func (c *File) alternatives(
	ctx context.Context, owners []uint32, p *words.Phrase, mayBePrefix bool, most int,
) (t term, err error) {
	if t, err = c.alternative(ctx, owners, p, mayBePrefix, most); err != nil {
		return t, err
	}
	if p.Also != "" {
		also := words.SignPhrase(p.Also)
		other, err := c.alternative(ctx, owners, &also, mayBePrefix, most-t.merged)
		if err != nil {
			return t, err
		}
		t = t.or(other)
	}
	if len(p.Apart) == 0 {
		return t, nil
	}
	apart := term{items: math.MaxInt, seen: math.MaxInt}
	var all []term
	for i, w := range p.Apart {
		one := words.SignPhrase(w)
		letter, err := c.alternative(ctx, owners, &one, mayBePrefix && i == len(p.Apart)-1, most-t.merged)
		if err != nil {
			return t, err
		}
		all = append(all, letter)
		apart.items, apart.seen = min(apart.items, letter.items), min(apart.seen, letter.seen)
		apart.merged, apart.tokens = apart.merged+letter.merged, apart.tokens+letter.tokens
	}
	apart.fts = "(" + allOf(all) + ")"
	return t.or(apart), nil
}

// or returns a term for what has one of two terms. A term that no item has is omitted.
func (t term) or(other term) term {
	switch {
	case other.items == 0:
		return t
	case t.items == 0:
		return other
	}
	return term{
		fts:   "(" + t.fts + " OR " + other.fts + ")",
		items: t.items + other.items, seen: t.seen + other.seen,
		merged: t.merged + other.merged, tokens: t.tokens + other.tokens,
	}
}

// alternative makes a term of a phrase's own words.
func (c *File) alternative(
	ctx context.Context, owners []uint32, p *words.Phrase, isLast bool, most int,
) (t term, err error) {
	t = term{items: math.MaxInt, seen: math.MaxInt}
	for i, w := range p.Words {
		lastOf := i == len(p.Words)-1
		if p.Prefix && lastOf {
			break
		}
		var one term
		err := sqlite.Query(ctx, c.db, one.count(owners), `SELECT owner, items FROM words WHERE word = ?`, w.Text)
		if err != nil {
			return t, err
		}
		if one.seen == 0 && isLast && lastOf {
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
	err = sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
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
