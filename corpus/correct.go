package corpus

import (
	"context"

	"stile.example/stile/corpus/words"
)

// maxWords is how many words of a query are searched for: the rarest.
const maxWords = 8

// correct replaces those words of a selection that nothing matches by the words that are meant.
func (c *File) correct(ctx context.Context, s *selection) error {
	for i := range s.list {
		w := &s.list[i]
		if w.isSign || w.seen > 0 || len(w.phrase.Words) != 1 || w.phrase.Words[0].Unspaced {
			continue
		}
		near := c.dictionary.Near(s.owners, w.phrase.Last(), w.isLast)
		best, err := c.dictionary.Fitting(ctx, s.owners, near, s.found())
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

// found returns the expression of the words that something matches.
func (s *selection) found() string {
	var found []term
	for _, w := range s.list {
		if w.seen > 0 {
			found = append(found, w.term)
		}
	}
	return allOf(found)
}
