package sqlite

import (
	"context"
	"math"
	"strings"
)

// phrase is one word of a question as it was typed, in words of the full text
// that must stand one after the other. Mostly it is one.
type phrase struct {
	words  []word
	begins bool // the last word may be the beginning of one
}

// phraseOf splits a typed word as wordsOf splits a text. The last character
// of a run without blanks stands alone there only at the end of a run, so
// here it is left to the pair before it, or is the beginning of a pair.
func phraseOf(typed string) (p phrase) {
	for w := range wordsOf(typed) {
		p.words = append(p.words, w)
	}
	n := len(p.words)
	if n == 0 || !p.words[n-1].dense {
		return p
	}
	if n > 1 && p.words[n-2].dense && p.words[n-2].end == p.words[n-1].end {
		p.words = p.words[:n-1]
	} else {
		p.begins = true
	}
	return p
}

// cut leaves the first n words.
func (p *phrase) cut(n int) {
	if len(p.words) > n {
		p.words, p.begins = p.words[:n], false
	}
}

func (p phrase) last() string { return p.words[len(p.words)-1].text }

func (p phrase) fts() string {
	var b strings.Builder
	for _, w := range p.words {
		b.WriteString(w.text + " ")
	}
	s := quote(strings.TrimSpace(b.String()))
	if p.begins {
		s += "*"
	}
	return s
}

// phrase looks up how many items have a phrase's words, and makes a term of
// it. The beginning of a word may stand for most places of the full text.
func (c *corpus) phrase(ctx context.Context, owners []uint32, p *phrase, isLast bool, most int) (t term, err error) {
	t = term{items: math.MaxInt, seen: math.MaxInt}
	for i, w := range p.words {
		begins := p.begins && i == len(p.words)-1
		if begins {
			break
		}
		var one term
		err := query(ctx, c.db, one.count(owners), `SELECT owner, items FROM words WHERE word = ?`, w.text)
		if err != nil {
			return t, err
		}
		if one.seen == 0 && isLast && i == len(p.words)-1 && !w.dense {
			p.begins = true
			break
		}
		t.items, t.seen = min(t.items, one.items), min(t.seen, one.seen)
	}
	t.fts, t.exact, t.tokens = p.fts(), len(p.words) == 1, len(p.words)
	if !p.begins {
		return t, nil
	}
	err = c.begin(ctx, owners, p, most, &t)
	return t, err
}

// begin makes the last word of a phrase's term the beginning of one. Beyond
// most places, a phrase of several words is left without the last.
func (c *corpus) begin(ctx context.Context, owners []uint32, p *phrase, most int, t *term) error {
	t.exact = false
	b, err := c.beginning(ctx, owners, p.last(), most)
	switch n := len(p.words); {
	case err != nil:
		return err
	case n == 1 && b.fts != "":
		t.fts, t.tokens = b.fts, b.tokens
	case n > 1 && b.items > most:
		p.cut(n - 1)
		t.fts, t.tokens = p.fts(), n-1
		return nil
	default:
		t.merged = b.items
	}
	t.items, t.seen = min(t.items, b.items), min(t.seen, b.seen)
	return nil
}

// beginning counts the items that have a word that begins so, at most: one
// with two such words counts twice. If there are too many words, or they stand
// for too many items, it gives an expression of the most frequent.
func (c *corpus) beginning(ctx context.Context, owners []uint32, s string, most int) (t term, err error) {
	var often []string
	rows := 0
	count := t.count(owners)
	err = query(ctx, c.db, func(scan scanner) error {
		var w string
		rows++
		err := count(func(to ...any) error { return scan(append(to, &w)...) })
		if len(often) < widest {
			often = append(often, quote(w))
		}
		return err
	}, `
		SELECT owner, items, word FROM (SELECT owner, items, word FROM words WHERE word >= ? AND word < ? LIMIT ?)
		ORDER BY items DESC, word`, s, s+"\U0010ffff", wide)
	if rows >= wide || t.items > most {
		t.fts, t.tokens = "("+strings.Join(often, " OR ")+")", len(often)
	}
	return t, err
}
