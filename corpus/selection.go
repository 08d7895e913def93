package corpus

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/words"
)

const (
	// rankable is how many places of the full text ranking may look at. BM25
	// counts every item with a word before it ranks the first: words beyond
	// this are so common that they would hardly weigh, and are left out.
	rankable = 30_000

	// wide is how many words a beginning may stand for; one that begins more
	// stands for the most frequent few of them.
	maxPrefixed, maxFrequent = 2000, 48

	// mergeable is how many places of the full text the beginnings in a
	// question may stand for, all together. The full text merges them before it
	// finds the first match, and can't be interrupted meanwhile. Beyond this,
	// too, the most frequent words stand for a beginning.
	mergeable = 200_000

	// longest is how many words of the full text the words of a question are
	// looked for by, all together. A typed word has many if it is long and in
	// a script without spaces, or mixes scripts; what is left of it is then
	// not looked for.
	longest = 32
)

// A selection is which items a question is about, in terms of the full text.
// Every word in its expressions is quoted: nothing of a question is syntax.
type selection struct {
	tenant     uint32
	owners     []uint32
	collection string
	all        string            // FTS5 expression of what matches; "" where everything does
	rank       string            // of the words to rank by; "" where they are all too common
	exact      int               // how many match, where that is known; else -1
	terms      int               // in all
	tokens     int               // words of the full text in all terms
	least      int               // how many match, at most
	ranked     int               // places of the words to rank by
	merged     int               // places of the words that are begun: the full text merges their lists, whatever else must match
	none       bool              // nothing can match
	words      []words.TitleWord // the same words, as titles are looked through for them
	values     []int64           // numbers of the collection, the tags and the attributes asked for
	marks      []words.Mark      // what to highlight
}

// term is one word of a question.
type term struct {
	fts    string
	items  int  // that have it, of all owners, at most
	seen   int  // of those that the tenant sees
	exact  bool // seen is exact, not a bound
	merged int  // places of all the words that begin so, if it is the beginning of one
	tokens int  // words of the full text in it
}

func (c *File) selection(ctx context.Context, q content.Query) (s selection, err error) {
	s = selection{tenant: q.Tenant, owners: c.owners(q.Tenant), collection: q.Collection, exact: -1}
	if len(s.owners) == 0 {
		s.none = true
		return s, nil
	}
	terms, err := c.termsOf(ctx, &s, q.Words)
	if err != nil {
		return s, err
	}
	filters, err := c.filtersOf(ctx, &s, q)
	if err != nil {
		return s, err
	}
	s.none = len(q.Words) > 0 && len(terms) == 0 // nothing but marks
	all := slices.Concat(terms, filters)
	s.terms, s.least = len(all), c.visible(s.owners)
	for _, t := range all {
		s.none = s.none || t.seen == 0
		s.least = min(s.least, t.seen)
		s.tokens += t.tokens
	}
	s.express(terms, filters)
	if len(all) == 1 && all[0].exact {
		s.exact = all[0].seen
	} else if len(all) == 0 {
		s.exact = c.visible(s.owners)
	}
	return s, nil
}

func (s *selection) express(terms, filters []term) {
	s.all = allOf(terms)
	if len(filters) > 0 {
		s.all = strings.TrimPrefix(s.all+" AND "+allOf(filters), " AND ")
	}
	rare := rare(terms)
	s.rank = allOf(rare)
	for _, t := range rare {
		s.ranked += t.items
	}
}

// rare are the words that are rare enough to rank by.
func rare(terms []term) []term {
	rest := rankable
	var out []term
	byItems := slices.SortedFunc(slices.Values(terms), func(a, b term) int { return cmp.Compare(a.items, b.items) })
	for _, t := range byItems {
		if rest -= t.items; rest >= 0 {
			out = append(out, t)
		}
	}
	return out
}

// allOf is the expression of what has all terms.
func allOf(terms []term) string {
	var all []string
	for _, t := range terms {
		all = append(all, t.fts)
	}
	return strings.Join(all, " AND ")
}

// termsOf are the words of a question. The last one is taken for the
// beginning of a word where no word that the tenant may see equals it.
func (c *File) termsOf(ctx context.Context, s *selection, typed []string) (terms []term, err error) {
	rest := longest
	for i, w := range typed {
		p := words.PhraseOf(w)
		if len(p.Words) == 0 {
			continue
		}
		p.Cut(rest - (len(typed) - 1 - i)) // each word to come has one at least
		rest -= len(p.Words)
		t, err := c.phrase(ctx, s.owners, &p, i == len(typed)-1, mergeable-s.merged)
		if err != nil {
			return nil, err
		}
		inTitle := words.TitleWords(w)
		if p.Prefix {
			words.PrefixLast(inTitle)
		}
		s.words = words.AppendNew(s.words, inTitle...)
		s.marks = append(s.marks, p.Marks()...)
		terms, s.merged = append(terms, t), s.merged+t.merged
	}
	return terms, nil
}

// filtersOf are the collection, the tags and the attributes that a question asks for.
func (c *File) filtersOf(ctx context.Context, s *selection, q content.Query) (filters []term, err error) {
	var wanted []facetValue
	if q.Collection != "" {
		wanted = append(wanted, facetValue{facetCollection, q.Collection})
	}
	for _, tag := range q.Tags {
		wanted = append(wanted, facetValue{facetTag, tag})
	}
	for _, a := range q.Attributes {
		wanted = append(wanted, facetValue{a.Name, a.Value})
	}
	for _, v := range wanted {
		var value int64
		err := c.db.QueryRowContext(ctx, `
			SELECT v.value FROM facets AS f JOIN facet_values AS v ON v.facet = f.facet
			WHERE f.name = ? AND v.text = ?`, v.facet, v.text).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return []term{{}}, nil
		}
		if err != nil {
			return nil, err
		}
		t := term{fts: quote(filterWord(value)), exact: true, tokens: 1}
		err = query(ctx, c.db, t.count(s.owners), `SELECT owner, items FROM value_counts WHERE value = ?`, value)
		if err != nil {
			return nil, err
		}
		filters, s.values = append(filters, t), append(s.values, value)
	}
	return filters, nil
}

// count adds up rows of owner and items.
func (t *term) count(owners []uint32) func(scanner) error {
	return func(scan scanner) error {
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
func (s selection) cost(facets int) int {
	return s.tokens*s.least + s.ranked + s.merged + facets*min(s.least, facetable)
}
