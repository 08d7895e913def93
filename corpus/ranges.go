package corpus

import (
	"context"
	"math"
	"strings"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/terms"
)

// maxEdge is how many different values may be at the two ends of a range, outside its blocks: in an
// interval with a relative width of two millionths.
const maxEdge = 2000

// seen is the condition that an item of the owners ?1 has a value v. Without it, values of other
// tenants near the ends of a range would count towards maxEdge, and could be inferred.
const seen = ` AND EXISTS (
	SELECT 1 FROM value_counts AS c WHERE c.value = v.value AND c.items > 0 AND c.owner IN (SELECT value FROM json_each(?1)))`

// rangesOf returns a term for each range of a query: all values and blocks in it.
func (c *File) rangesOf(
	ctx context.Context, s *selection, ranges []content.Range,
) (filters []term, err error) {
	for _, r := range ranges {
		values, err := c.valuesIn(ctx, sqlite.List(s.owners), r)
		if err != nil {
			return nil, err
		}
		t := term{tokens: 1}
		var any []string
		for _, value := range values {
			any = append(any, quote(terms.FilterWord(value)))
		}
		t.fts = "(" + strings.Join(any, " OR ") + ")"
		err = sqlite.Query(ctx, c.db, t.count(s.owners),
			`SELECT owner, items FROM value_counts WHERE value IN (SELECT value FROM json_each(?))`, sqlite.List(values))
		if err != nil {
			return nil, err
		}
		t.merged = t.items
		filters, s.ranges = append(filters, t), append(s.ranges, values)
	}
	return filters, nil
}

// valuesIn returns the numbers of the values and blocks in a range that items of the owners have, a
// JSON list.
func (c *File) valuesIn(ctx context.Context, owners string, r content.Range) ([]int64, error) {
	facet := terms.RangeFacet(r.Name)
	values := []int64{}
	add := func(scan sqlite.Scanner) error {
		var value int64
		err := scan(&value)
		values = append(values, value)
		return err
	}
	const inFacet = `SELECT v.value FROM facets AS f JOIN facet_values AS v ON v.facet = f.facet
		WHERE f.name = ?2 AND v.number BETWEEN ?3 AND ?4` + seen
	blocks, from, to := terms.BlocksIn(r.Min, r.Max)
	for _, b := range blocks {
		err := sqlite.Query(ctx, c.db, add, inFacet, owners,
			terms.BlockFacet(facet, b.Level), float64(b.First), float64(b.Last))
		if err != nil {
			return nil, err
		}
	}
	edges := [][2]float64{{r.Min, r.Max}}
	if from <= to {
		edges = [][2]float64{{r.Min, math.Nextafter(from, math.Inf(-1))}, {math.Nextafter(to, math.Inf(1)), r.Max}}
	}
	most := len(values) + maxEdge
	for _, e := range edges {
		if err := sqlite.Query(ctx, c.db, add, inFacet+` LIMIT ?5`, owners, facet, e[0], e[1], maxEdge+1); err != nil {
			return nil, err
		}
	}
	if len(values) > most {
		return nil, content.ErrQuery{Field: "min." + r.Name, Problem: "too many different values are near the ends of the range: widen it"}
	}
	return values, nil
}

// ends returns the smallest and the largest value of each name, of everything that the tenant sees.
// A name without numbers and dates is left out.
func (c *File) ends(ctx context.Context, s selection, names []string) (map[string]content.Ends, error) {
	if len(names) == 0 {
		return nil, nil
	}
	found := map[string]content.Ends{}
	for _, name := range names {
		var ends [2]any
		for i, order := range []string{"ASC", "DESC"} {
			err := sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
				var text string
				err := scan(&text)
				ends[i] = endOf(text)
				return err
			}, `
				SELECT v.text FROM facets AS f JOIN facet_values AS v ON v.facet = f.facet
				WHERE f.name = ?2 AND v.number IS NOT NULL`+seen+`
				ORDER BY v.number `+order+` LIMIT 1`, sqlite.List(s.owners), terms.RangeFacet(name))
			if err != nil {
				return nil, err
			}
		}
		if ends[0] != nil {
			found[name] = content.Ends{Min: ends[0], Max: ends[1]}
		}
	}
	return found, nil
}

// endOf returns the text of a number or date as it is shown: a date without its time.
func endOf(text string) any {
	n, isDate, _ := content.Number(text)
	if isDate {
		return time.UnixMicro(int64(n * 1e6)).UTC().Format(time.DateOnly)
	}
	return n
}
