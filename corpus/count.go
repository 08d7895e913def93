package corpus

import (
	"context"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/facets"
	"stile.example/stile/corpus/sqlite"
)

// countable is how many positions of the full text counting may read.
const countable = 1_000_000

// count is how many items are selected: exactly n, or at least n.
type count struct {
	n     int
	exact bool
}

// count counts what is selected, up to a maximum for each owner.
func (c *File) count(ctx context.Context, s selection, most int) (count, error) {
	if s.exact >= 0 {
		return count{s.exact, true}, nil
	}
	all := count{exact: true}
	for _, owner := range s.owners {
		var n int
		err := c.db.QueryRowContext(ctx, `
			SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?)`,
			s.all, sqlite.First(owner), sqlite.Last(owner), most).Scan(&n)
		if err != nil {
			return count{}, err
		}
		all.n += n
		all.exact = all.exact && n < most
	}
	return all, nil
}

// totalWithin counts what is selected, unless the exact total is known. If that takes longer than
// the limit, or there is too much to count, the total is what is known.
func (c *File) totalWithin(
	ctx context.Context, limit time.Duration, s selection, known count,
) (total count, late bool, err error) {
	if known.exact {
		return known, false, nil
	}
	soon, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	total, err = c.count(soon, s, countable/s.terms)
	if err != nil && soon.Err() != nil {
		return known, true, nil
	}
	total.n = max(total.n, known.n)
	return total, false, err
}

// facetsWithin counts facets, and omits those for which the limit is too short. They are complete
// if no count is missing and all are exact.
func (c *File) facetsWithin(
	ctx context.Context, limit time.Duration, s selection, names []string,
) (found map[string][]content.FacetValue, complete, late bool, err error) {
	if len(names) == 0 {
		return nil, true, false, nil
	}
	soon, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	found = map[string][]content.FacetValue{}
	complete, err = facets.Count(soon, c.db, facets.Selection{Owners: s.owners, Matching: s.all}, names, found)
	if err != nil && soon.Err() != nil {
		return found, false, true, nil
	}
	return found, complete, false, err
}

// noFacets returns facets without values.
func noFacets(names []string) map[string][]content.FacetValue {
	if len(names) == 0 {
		return nil
	}
	out := map[string][]content.FacetValue{}
	for _, name := range names {
		out[name] = []content.FacetValue{}
	}
	return out
}
