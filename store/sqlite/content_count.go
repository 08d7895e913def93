package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"stile.example/stile/content"
)

const (
	countable   = 1_000_000 // places of the full text that counting may look at
	countTime   = searchTime / 4
	facetable   = 10_000 // matches that facets are counted over
	facetLength = 20     // values of a facet in an answer
)

// total is how many items are selected. Beyond what may be counted it is what
// was counted.
func (c *corpus) total(ctx context.Context, s selection, w window) (n int, err error) {
	switch {
	case s.exact >= 0:
		return s.exact, nil
	case w.total >= 0:
		return w.total, nil
	}
	for _, owner := range s.owners {
		var found int
		err := c.db.QueryRowContext(ctx, `
			SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?)`,
			s.all, first(owner), last(owner), countable/s.terms).Scan(&found)
		if err != nil {
			return 0, err
		}
		n += found
	}
	return n, nil
}

// totalSoon is total, or what was ranked where counting takes too long: it is
// not worth failing for.
func (c *corpus) totalSoon(ctx context.Context, s selection, w window) (int, error) {
	soon, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	n, err := c.total(soon, s, w)
	if err != nil && soon.Err() != nil && ctx.Err() == nil {
		return len(w.matches), nil
	}
	return n, err
}

// facets counts the values of what is selected, the most frequent first. Of
// very many matches it counts those imported last.
func (c *corpus) facets(ctx context.Context, s selection, names []string) (map[string][]content.FacetValue, error) {
	out := noFacets(names)
	for name := range out {
		var facet int64
		err := c.db.QueryRowContext(ctx, `SELECT facet FROM facets WHERE name = ?`, name).Scan(&facet)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err == nil {
			out[name], err = c.facet(ctx, s, facet)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

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

func (c *corpus) facet(ctx context.Context, s selection, facet int64) ([]content.FacetValue, error) {
	values := []content.FacetValue{}
	counts, args := facetCounts(s, facet<<facetShift, (facet+1)<<facetShift-1)
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

// facetCounts is the query of how often the values in a range stand in what
// is selected, by owner.
func facetCounts(s selection, from, to int64) (string, []any) {
	var each []string
	var args []any
	for _, owner := range s.owners {
		if s.all == "" {
			each = append(each, `SELECT value, items AS n FROM value_counts WHERE value BETWEEN ? AND ? AND owner = ?`)
			args = append(args, from, to, owner)
			continue
		}
		each = append(each, `
			SELECT v.value, count(*) AS n FROM (
				SELECT rowid AS item FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?
			) AS m CROSS JOIN item_values AS v ON v.item = m.item AND v.value BETWEEN ? AND ? GROUP BY v.value`)
		args = append(args, s.all, first(owner), last(owner), facetable, from, to)
	}
	return strings.Join(each, " UNION ALL "), args
}
