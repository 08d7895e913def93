// Package facets counts the values of facets among the items that a query selects.
package facets

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/words"
)

const (
	// Countable is how many matches facets are counted over.
	Countable = 10_000

	// Shift is how far the number of a value is shifted from the number of its facet.
	Shift = 32

	length = 20 // values of a facet in a page
)

// Selection says which items are counted.
type Selection struct {
	Owners   []uint32
	Matching string // the expression of FTS5; "" for all items
}

// Count counts the values of what is selected into found, the most frequent first, one facet after
// the other. If very many items match, it counts those imported last, and is not complete.
func Count(
	ctx context.Context, db *sql.DB, s Selection, names []string, found map[string][]content.FacetValue,
) (complete bool, err error) {
	list, complete, err := among(ctx, db, s)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		values := []content.FacetValue{}
		var facet int64
		err := db.QueryRowContext(ctx, `SELECT facet FROM facets WHERE name = ?`, words.Name(name)).Scan(&facet)
		if err == nil {
			values, err = valuesOf(ctx, db, s, list, facet)
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
func among(ctx context.Context, db *sql.DB, s Selection) (list string, complete bool, err error) {
	if s.Matching == "" {
		return "", true, nil
	}
	found := []int64{}
	complete = true
	for _, owner := range s.Owners {
		n := 0
		err := sqlite.Query(ctx, db, func(scan sqlite.Scanner) error {
			var item int64
			if n++; n > Countable {
				complete = false
				return nil
			}
			err := scan(&item)
			found = append(found, item)
			return err
		}, `SELECT rowid FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?`,
			s.Matching, sqlite.First(owner), sqlite.Last(owner), Countable+1)
		if err != nil {
			return "", false, err
		}
	}
	return sqlite.List(found), complete, nil
}

// valuesOf counts the values of one facet.
func valuesOf(
	ctx context.Context, db *sql.DB, s Selection, among string, facet int64,
) ([]content.FacetValue, error) {
	values := []content.FacetValue{}
	counts, args := facetCounts(s, among, facet<<Shift, (facet+1)<<Shift-1)
	err := sqlite.Query(ctx, db, func(scan sqlite.Scanner) error {
		var v content.FacetValue
		err := scan(&v.Value, &v.Count)
		values = append(values, v)
		return err
	}, `
		SELECT v.text, sum(c.n) AS n FROM (`+counts+`) AS c CROSS JOIN facet_values AS v ON v.value = c.value
		GROUP BY v.value HAVING sum(c.n) > 0 ORDER BY n DESC, v.text LIMIT ?`, append(args, length)...)
	return values, err
}

// facetCounts returns the query of how many of the items have each of the values in a range.
func facetCounts(s Selection, among string, from, to int64) (string, []any) {
	if s.Matching != "" {
		return `
			SELECT v.value, count(*) AS n FROM json_each(?) AS m
			CROSS JOIN item_values AS v ON v.item = m.value AND v.value BETWEEN ? AND ? GROUP BY v.value`,
			[]any{among, from, to}
	}
	var each []string
	var args []any
	for _, owner := range s.Owners {
		each = append(each, `SELECT value, items AS n FROM value_counts WHERE value BETWEEN ? AND ? AND owner = ?`)
		args = append(args, from, to, owner)
	}
	return strings.Join(each, " UNION ALL "), args
}
