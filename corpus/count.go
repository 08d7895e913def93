package corpus

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/words"
)

const (
	countable   = 1_000_000 // positions of the full text that counting may read
	facetable   = 10_000    // matches that facets are counted over
	facetLength = 20        // values of a facet in a page
)

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
			s.all, first(owner), last(owner), most).Scan(&n)
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
	complete, err = c.facets(soon, s, names, found)
	if err != nil && soon.Err() != nil {
		return found, false, true, nil
	}
	return found, complete, false, err
}

// facets counts the values of what is selected into found, the most frequent first, one facet after
// the other. If very many items match, it counts those imported last, and is not complete.
func (c *File) facets(
	ctx context.Context, s selection, names []string, found map[string][]content.FacetValue,
) (complete bool, err error) {
	among, complete, err := c.among(ctx, s)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		values := []content.FacetValue{}
		var facet int64
		err := c.db.QueryRowContext(ctx, `SELECT facet FROM facets WHERE name = ?`, words.Name(name)).Scan(&facet)
		if err == nil {
			values, err = c.facet(ctx, s, among, facet)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, err
		}
		found[name] = values
	}
	return complete, nil
}

// among returns a JSON list of the items that facets are counted over. It is complete if it has all
// that match. If everything matches, there is no list.
func (c *File) among(ctx context.Context, s selection) (list string, complete bool, err error) {
	if s.all == "" {
		return "", true, nil
	}
	var found []match
	complete = true
	for _, owner := range s.owners {
		n := 0
		err := query(ctx, c.db, func(scan scanner) error {
			var m match
			if n++; n > facetable {
				complete = false
				return nil
			}
			err := scan(&m.item)
			found = append(found, m)
			return err
		}, `SELECT rowid FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?`,
			s.all, first(owner), last(owner), facetable+1)
		if err != nil {
			return "", false, err
		}
	}
	return numbers(found), complete, nil
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

// facet counts the values of one facet.
func (c *File) facet(
	ctx context.Context, s selection, among string, facet int64,
) ([]content.FacetValue, error) {
	values := []content.FacetValue{}
	counts, args := facetCounts(s, among, facet<<facetShift, (facet+1)<<facetShift-1)
	err := query(ctx, c.db, func(scan scanner) error {
		var v content.FacetValue
		err := scan(&v.Value, &v.Count)
		values = append(values, v)
		return err
	}, `
		SELECT v.text, sum(c.n) AS n FROM (`+counts+`) AS c CROSS JOIN facet_values AS v ON v.value = c.value
		GROUP BY v.value HAVING sum(c.n) > 0 ORDER BY n DESC, v.text LIMIT ?`, append(args, facetLength)...)
	return values, err
}

// facetCounts returns the query of how many of the items have each of the values in a range.
func facetCounts(s selection, among string, from, to int64) (string, []any) {
	if s.all != "" {
		return `
			SELECT v.value, count(*) AS n FROM json_each(?) AS m
			CROSS JOIN item_values AS v ON v.item = m.value AND v.value BETWEEN ? AND ? GROUP BY v.value`,
			[]any{among, from, to}
	}
	var each []string
	var args []any
	for _, owner := range s.owners {
		each = append(each, `SELECT value, items AS n FROM value_counts WHERE value BETWEEN ? AND ? AND owner = ?`)
		args = append(args, from, to, owner)
	}
	return strings.Join(each, " UNION ALL "), args
}
