package corpus

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/facets"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/terms"
	"stile.example/stile/corpus/words"
)

const (
	// rankable is how many positions of the full text ranking may read. BM25 counts every item with a
	// word before it ranks the first one. Words beyond this limit are so common that they would have
	// almost no weight, and are not ranked by.
	rankable = 30_000

	// maxPrefixed limits the words that a prefix matches. A prefix of more words matches only the
	// maxFrequent most frequent of them.
	maxPrefixed, maxFrequent = 2000, 48

	// mergeable limits the positions of the full text that all prefixes of a query match. FTS5 merges
	// them before it finds the first match, and can't be interrupted meanwhile. Beyond this limit,
	// too, a prefix matches only the most frequent words.
	mergeable = 200_000

	// maxTokens is how many indexed words are searched for, for all words of a query. A typed word
	// consists of many if it is long and of a script without spaces, or mixes scripts. Its rest is not
	// searched for.
	maxTokens = 32
)

// selection is which items a query selects: those with all words of its list, and all filters. The
// expressions are of FTS5. Every word in them is quoted, so nothing in a query is interpreted as
// syntax.
type selection struct {
	tenant     uint32
	owners     []uint32
	visible    int // items that the owners have
	collection string
	list       []queryWord
	filters    []term
	values     []int64      // numbers of the collection, the tags and the attributes in the query
	ranges     [][]int64    // for each range in the query, the numbers of its values
	signs      []rankedSign // next to words, what decides the order
	marks      []words.Mark // what to highlight

	corrected [][2]string
	ignored   []string
	fewer     []selection // the same with fewer words, if those are searched for too
	strict    bool        // too few matches are not a reason to search for fewer words

	all    string            // the expression of what matches; "" if everything does
	rank   string            // of the words to rank by; "" if all are too common
	exact  int               // how many items match, if that is known; else -1
	terms  int               // how many
	tokens int               // indexed words in all terms
	least  int               // upper bound of the items that match
	ranked int               // positions of the words to rank by
	merged int               // positions of the prefixes, whose lists FTS5 merges
	none   bool              // nothing can match
	words  []words.TitleWord // the words, as a title must contain them
}

// queryWord is a typed word, and what it is searched for as.
type queryWord struct {
	typed  string
	phrase words.Phrase
	title  []words.TitleWord
	isLast bool // in the query, so it may be the start of a word
	isSign bool
	term
}

// term is one word of a query, or one of its filters.
type term struct {
	fts    string
	items  int  // upper bound of the items that have it, of all owners
	seen   int  // upper bound of those that the tenant sees
	exact  bool // seen is exact
	merged int  // positions of all words with a prefix, if the term is one
	tokens int  // indexed words
}

// selection looks up the words and filters of a query.
func (c *File) selection(ctx context.Context, q content.Query) (s selection, err error) {
	s = selection{tenant: q.Tenant, owners: c.owners(q.Tenant), collection: words.Name(q.Collection)}
	if s.visible = c.visible(s.owners); s.visible == 0 {
		return selection{none: true}, nil
	}
	rarest, ignored, err := c.dictionary.Rarest(ctx, s.owners, q.Words, maxWords)
	if err != nil {
		return s, err
	}
	s.ignored = ignored
	if s.list, err = c.lookUp(ctx, s.owners, rarest, q.Words); err != nil {
		return s, err
	}
	if !q.Exact {
		if err := c.correct(ctx, &s); err != nil {
			return s, err
		}
	}
	if err := c.lookUpSigns(ctx, &s, q); err != nil {
		return s, err
	}
	for _, w := range s.list {
		s.marks = append(s.marks, w.phrase.Marks()...)
	}
	if s.filters, err = c.filtersOf(ctx, &s, q); err != nil {
		return s, err
	}
	s = s.of(s.list)
	isEmpty := len(s.list) == 0 && len(q.Words)+len(q.Signs) > 0 // nothing of the query is a word
	s.none = s.none || isEmpty
	return s, nil
}

// of returns the selection of what has all words of a list.
func (s selection) of(list []queryWord) selection {
	s.list, s.words, s.tokens, s.merged, s.none, s.exact = list, nil, 0, 0, false, -1
	terms := make([]term, 0, len(list))
	for _, w := range list {
		terms = append(terms, w.term)
		s.words = words.AppendNew(s.words, w.title...)
	}
	all := slices.Concat(terms, s.filters)
	s.terms, s.least = len(all), s.visible
	for _, t := range all {
		s.none = s.none || t.seen == 0
		s.least = min(s.least, t.seen)
		s.tokens += t.tokens
		s.merged += t.merged
	}
	s.express(terms)
	s.rankSigns()
	if len(all) == 1 && all[0].exact {
		s.exact = all[0].seen
	} else if len(all) == 0 {
		s.exact = s.visible
	}
	return s
}

// express sets the expressions of what matches, and of what to rank by.
func (s *selection) express(list []term) {
	s.all = allOf(list)
	if len(s.filters) > 0 {
		s.all = strings.TrimPrefix(s.all+" AND "+allOf(s.filters), " AND ")
	}
	rare := rare(list)
	s.rank, s.ranked = allOf(rare), 0
	for _, t := range rare {
		s.ranked += t.items
	}
}

// rare returns the words that are rare enough to rank by.
func rare(list []term) []term {
	rest := rankable
	var out []term
	for _, t := range slices.SortedFunc(slices.Values(list), byItems) {
		if rest -= t.items; rest >= 0 {
			out = append(out, t)
		}
	}
	return out
}

func byItems(a, b term) int { return cmp.Compare(a.items, b.items) }

// allOf returns the expression of what has all terms.
func allOf(list []term) string {
	var all []string
	for _, t := range list {
		all = append(all, t.fts)
	}
	return strings.Join(all, " AND ")
}

// lookUp returns the words to search for. The last word of the query is taken as a prefix if the
// tenant sees no item with it.
func (c *File) lookUp(
	ctx context.Context, owners []uint32, typed, all []string,
) (list []queryWord, err error) {
	tokens, merged := maxTokens, 0
	for i, text := range typed {
		w := queryWord{typed: text, phrase: words.PhraseOf(text), isLast: text == all[len(all)-1]}
		if len(w.phrase.Words) == 0 {
			continue
		}
		w.phrase.Cut(tokens - (len(typed) - 1 - i)) // at least one for each word that follows
		tokens -= w.phrase.Tokens()
		if err = c.lookUpPhrase(ctx, owners, &w, mergeable-merged); err != nil {
			return nil, err
		}
		merged += w.merged
		list = append(list, w)
	}
	return list, nil
}

// lookUpPhrase sets the term of a word from its phrase, and what a title must contain.
func (c *File) lookUpPhrase(ctx context.Context, owners []uint32, w *queryWord, most int) (err error) {
	w.term, err = c.phrase(ctx, owners, &w.phrase, w.isLast, most)
	w.title = words.TitleWords(w.typed)
	if w.phrase.Prefix {
		words.PrefixLast(w.title)
	}
	return err
}

// filtersOf returns the collection, the tags and the attributes of a query.
func (c *File) filtersOf(
	ctx context.Context, s *selection, q content.Query,
) (filters []term, err error) {
	for _, v := range terms.ValuesIn(q) {
		var value int64
		err := c.db.QueryRowContext(ctx, `
			SELECT v.value FROM facets AS f JOIN facet_values AS v ON v.facet = f.facet
			WHERE f.name = ? AND ifnull(v.key, v.text) = ?`, v.Facet, v.Text).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return []term{{}}, nil
		}
		if err != nil {
			return nil, err
		}
		t := term{fts: quote(terms.FilterWord(value)), exact: true, tokens: 1}
		err = sqlite.Query(ctx, c.db, t.count(s.owners), `SELECT owner, items FROM value_counts WHERE value = ?`, value)
		if err != nil {
			return nil, err
		}
		filters, s.values = append(filters, t), append(s.values, value)
	}
	ranges, err := c.rangesOf(ctx, s, q.Ranges)
	return append(filters, ranges...), err
}

// count returns a function that adds up rows of owner and items.
func (t *term) count(owners []uint32) func(sqlite.Scanner) error {
	return func(scan sqlite.Scanner) error {
		var owner uint32
		var n int
		err := scan(&owner, &n)
		t.items += n
		if slices.Contains(owners, owner) {
			t.seen += n
		}
		return err
	}
}

func quote(s string) string { return `"` + s + `"` }

// cost returns an upper bound of the positions of the full text that a search reads. It is known
// before the search runs, from how many items have its words.
func (s selection) cost(counted int) int {
	cost := s.tokens*s.least + s.ranked + s.merged + counted*min(s.least, facets.Countable)
	for _, f := range s.fewer {
		cost += f.cost(counted)
		counted = 0 // facets are counted once
	}
	return cost
}
