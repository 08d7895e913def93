package corpus

import (
	"context"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/words"
)

// withSigns adds the signs of a query to its terms if it has no words: then they must match. Next
// to words, those that some items have decide only the order.
func (c *File) withSigns(
	ctx context.Context, s *selection, q content.Query, list []term,
) ([]term, error) {
	mustMatch := len(q.Words) == 0
	for i, sign := range q.Signs {
		p := words.SignPhrase(sign)
		t, err := c.phrase(ctx, s.owners, &p, mustMatch && i == len(q.Signs)-1, mergeable-s.merged)
		if err != nil {
			return nil, err
		}
		inTitle := words.SignWords([]string{sign})
		switch {
		case mustMatch && p.Prefix:
			s.words = append(s.words, words.PrefixLast(inTitle)...)
		case mustMatch:
			s.words = append(s.words, inTitle...)
		case t.seen == 0:
			continue
		default:
			s.signs = append(s.signs, rankedSign{inTitle[0], t})
		}
		s.marks = append(s.marks, p.Marks()...)
		if mustMatch {
			list, s.merged = append(list, t), s.merged+t.merged
		}
	}
	return list, nil
}

// rankedSign is a sign next to words.
type rankedSign struct {
	words.TitleWord
	term term
}

// rankSigns adds the signs to what is ranked by.
func (s *selection) rankSigns() {
	if s.rank == "" {
		return
	}
	any := []string{"(" + s.rank + ")"}
	for _, sign := range s.signs {
		if s.ranked+sign.term.items <= rankable {
			any = append(any, sign.term.fts)
			s.ranked += sign.term.items
		}
	}
	if len(any) > 1 {
		s.rank = strings.Join(any, " OR ")
	}
}

// titleSigns returns the signs, as a title must contain them to come first.
func (s selection) titleSigns() (signs []words.TitleWord) {
	for _, sign := range s.signs {
		signs = append(signs, sign.TitleWord)
	}
	return signs
}
