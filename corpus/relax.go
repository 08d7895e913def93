package corpus

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/paging"
)

// Items with fewer words follow if fewer than wantedMatches items have all words, and none of those
// has all in its title: such an item is what was searched for. Words are dropped until there are
// enoughMatches, which fill a page.
const (
	wantedMatches = 5
	enoughMatches = 20
)

// behindLevel is added to the ranks of items for each word that they may lack. It is larger than
// every rank of an item with all words.
const behindLevel = 1 << 22

// errFewMatches says that a search must be relaxed. That costs more, so it has a turn of its own.
var errFewMatches = errors.New("too few items have all words")

// isTooFew reports whether items with fewer words must follow the matches.
func (w window) isTooFew() bool {
	return 0 <= w.total && len(w.matches) < wantedMatches &&
		(len(w.matches) == 0 || !w.matches[0].isTitle())
}

// mayRelax reports whether a query may be relaxed. It needs two words, and must be ordered by
// relevance: any other order would mix good matches and poor ones. Its filters must match.
func (s selection) mayRelax(q content.Query) bool {
	return paging.IsRanked(q) && !s.strict && len(q.Words) > 0 && len(s.list) > 1 &&
		!slices.ContainsFunc(s.filters, func(t term) bool { return t.seen == 0 })
}

// relaxed returns the selection, and with it those with fewer words if the query may be relaxed.
// First, all words that nothing matches are dropped together, then one after the other, the most
// common first, and of equally common ones the shortest first. The last selection has the rarest
// word, or one that is about as rare. So the order of the words does not decide.
func (s selection) relaxed(q content.Query) selection {
	if !s.mayRelax(q) {
		return s
	}
	list := slices.DeleteFunc(slices.Clone(s.list), func(w queryWord) bool { return w.seen == 0 })
	slices.SortStableFunc(list, func(a, b queryWord) int {
		return cmp.Or(cmp.Compare(a.seen, b.seen), cmp.Compare(len(b.typed), len(a.typed)))
	})
	s.fewer = nil
	for n := min(len(list), len(s.list)-1); n > 1; n-- {
		s.fewer = append(s.fewer, s.of(list[:n]))
	}
	if len(list) > 0 {
		s.fewer = append(s.fewer, s.of(rarestOf(list)))
	}
	return s
}

// rarestOf returns one word that stands for the rarest of a list, which is ordered by that, and for
// those that at most twice as many items have. BM25 ranks by how many of them an item has.
func rarestOf(list []queryWord) []queryWord {
	one := list[0]
	either, rest := []string{one.fts}, rankable-one.items
	for _, w := range list[1:] {
		if rest -= w.items; rest < 0 || w.seen > 2*list[0].seen {
			break
		}
		either = append(either, w.fts)
		one.items, one.seen = one.items+w.items, one.seen+w.seen
		one.merged, one.tokens = one.merged+w.merged, one.tokens+w.tokens
	}
	if len(either) > 1 {
		one.fts, one.title, one.exact = "("+strings.Join(either, " OR ")+")", nil, false
	}
	return []queryWord{one}
}

// flight returns the key that a search shares with equal ones.
func (s selection) flight(key string) string {
	if len(s.fewer) > 0 {
		return key + " relaxed"
	}
	return key
}

// answerRelaxed finds a page of items with all words, and then fewer. If that takes too long, the
// page has only those with all words, for a short time.
func (c *File) answerRelaxed(
	ctx context.Context, q content.Query, key, identity string, s selection, at *match,
) (content.Page, error) {
	p, err := c.answer(ctx, q, key, "", s.relaxed(q), at)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		s.strict = true
		return c.answer(ctx, q, key, identity, s, at)
	}
	return p, err
}

// relaxedWindow returns the matches of a selection, followed by those of its selections of fewer
// words. Each of these selects what those before it select, so the last one that is needed becomes
// s, by which the total and the facets are counted.
func (c *File) relaxedWindow(
	ctx context.Context, s *selection, p *content.Page,
) (all window, err error) {
	seen := map[int64]bool{}
	marks := s.marks
	for n, level := range append([]selection{*s}, s.fewer...) {
		if level.none {
			continue
		}
		w, err := c.window(ctx, level)
		if err != nil {
			return all, err
		}
		for _, m := range w.matches {
			if !seen[m.item] {
				seen[m.item] = true
				m.rank += float64(n * behindLevel)
				all.matches = append(all.matches, m)
			}
		}
		if all.total = w.total; n == 0 {
			p.Full = len(all.matches)
		}
		*s = level
		if n > 0 && len(all.matches) >= enoughMatches {
			break
		}
	}
	s.marks = marks
	if p.Relaxed = len(all.matches) > p.Full; !p.Relaxed {
		p.Full = 0
	}
	return all, nil
}
