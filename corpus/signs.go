package corpus

import (
	"context"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/words"
)

// lookUpSigns looks up the signs of a query. If it has no words, they must match. Next to words,
// those that some items have decide only the order.
func (c *File) lookUpSigns(ctx context.Context, s *selection, q content.Query) (err error) {
	mustMatch, merged := len(q.Words) == 0, 0
	for i, sign := range q.Signs {
		w := queryWord{typed: sign, phrase: words.SignPhrase(sign), title: words.SignWords([]string{sign}), isSign: true}
		w.isLast = mustMatch && i == len(q.Signs)-1
		if w.term, err = c.phrase(ctx, s.owners, &w.phrase, w.isLast, mergeable-merged); err != nil {
			return err
		}
		if mustMatch {
			if w.phrase.Prefix {
				words.PrefixLast(w.title)
			}
			s.list, merged = append(s.list, w), merged+w.merged
		} else if w.seen > 0 {
			s.signs = append(s.signs, rankedSign{w.title[0], w.term})
			s.marks = append(s.marks, w.phrase.Marks()...)
		}
	}
	return nil
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
