package corpus

import (
	"context"
	"database/sql"
	"errors"

	"stile.example/stile/corpus/spelling"
	"stile.example/stile/corpus/words"
)

const (
	maxWords = 8 // of a query: the rarest of more are searched for

	// maxTried is how many candidates of a mistyped word are searched for together with the other
	// words. One that more than triable items have is taken without that.
	maxTried, triable = 6, 20_000
)

// correct replaces those words of a selection that nothing matches by the words that are meant.
func (c *File) correct(ctx context.Context, s *selection) error {
	for i := range s.list {
		w := &s.list[i]
		if w.seen > 0 || len(w.phrase.Words) != 1 || w.phrase.Words[0].Unspaced {
			continue
		}
		near := c.dictionary.Near(s.owners, w.phrase.Last(), w.isLast)
		best, err := c.fitting(ctx, s, near)
		if err != nil {
			return err
		}
		if best.Text == "" {
			continue
		}
		shown, err := c.dictionary.Spelt(ctx, s.owners, best)
		if err != nil {
			return err
		}
		s.corrected = append(s.corrected, [2]string{w.typed, shown})
		meant := queryWord{typed: best.Text, phrase: words.PhraseOf(best.Text)}
		meant.phrase.Prefix = best.Prefix
		if err := c.lookUpPhrase(ctx, s.owners, &meant, mergeable/maxWords); err != nil {
			return err
		}
		*w = meant
	}
	return nil
}

// fitting returns the best candidate that occurs together with the words of the selection that
// match something, or the best one if none does. Without candidates it returns none.
func (c *File) fitting(
	ctx context.Context, s *selection, near []spelling.Candidate,
) (best spelling.Candidate, err error) {
	if len(near) == 0 {
		return best, nil
	}
	var others []term
	for _, w := range s.list {
		if w.seen > 0 {
			others = append(others, w.term)
		}
	}
	if len(others) == 0 || len(near) == 1 {
		return near[0], nil
	}
	for _, one := range near[:min(maxTried, len(near))] {
		fts := quote(one.Text)
		if one.Prefix {
			fts += "*"
		}
		fits := one.Items > triable
		if !fits {
			fits, err = c.anyMatches(ctx, s.owners, fts+" AND "+allOf(others))
		}
		if err != nil || fits {
			return one, err
		}
	}
	return near[0], nil
}

// anyMatches reports whether an owner has an item that matches an expression.
func (c *File) anyMatches(ctx context.Context, owners []uint32, fts string) (bool, error) {
	for _, owner := range owners {
		var one int
		err := c.db.QueryRowContext(ctx, `SELECT 1 FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? LIMIT 1`,
			fts, first(owner), last(owner)).Scan(&one)
		if !errors.Is(err, sql.ErrNoRows) {
			return err == nil, err
		}
	}
	return false, nil
}
