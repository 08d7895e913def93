package corpus

import (
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"stile.example/stile/content"
)

// The facets that are not attributes.
const (
	facetCollection = "collection"
	facetTag        = "tag"
)

const facetShift = 32

// valuesOf returns the values by which an item is counted and filtered: its collection, its tags,
// its scalar attributes and the scalars in its lists. An attribute named like one of the first two
// can't be queried, and is omitted.
func valuesOf(it content.Item) []facetValue {
	seen := map[facetValue]bool{}
	var values []facetValue
	add := func(facet, text string) {
		v := facetValue{facet, text}
		if text != "" && len(text) <= maxFacetValue && !seen[v] && len(values) < maxValues {
			seen[v] = true
			values = append(values, v)
		}
	}
	add(facetCollection, it.Collection)
	for _, tag := range it.Tags {
		add(facetTag, tag)
	}
	for _, name := range slices.Sorted(maps.Keys(it.Attributes)) {
		if name == facetCollection || name == facetTag {
			continue
		}
		list, ok := it.Attributes[name].([]any)
		if !ok {
			list = []any{it.Attributes[name]}
		}
		for _, v := range list {
			add(name, scalar(v))
		}
	}
	return values
}

// scalar returns the text of a scalar value, or "" for other values.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// filterWord returns a value as a word of the full text. It begins with a character that no folded
// word contains.
func filterWord(value int64) string { return "\ue000" + strconv.FormatInt(value, 36) }

// insertValues writes an item's values, and returns the words to filter by, with spaces between
// them.
func (b *Builder) insertValues(item int64, it content.Item) (filters string, err error) {
	var words []string
	for _, v := range valuesOf(it) {
		n, err := b.valueNumber(v)
		if err != nil {
			return "", err
		}
		if err := b.valued.add(b.tx, "", item, n); err != nil {
			return "", err
		}
		b.counts[n]++
		words = append(words, filterWord(n))
	}
	if len(b.counts) >= maxPending {
		err = b.flushCounts()
	}
	return strings.Join(words, " "), err
}

func (b *Builder) deleteValues(item int64, it content.Item) error {
	for _, v := range valuesOf(it) {
		n, err := b.valueNumber(v)
		if err != nil {
			return err
		}
		b.counts[n]--
	}
	_, err := b.tx.Exec(`DELETE FROM item_values WHERE item = ?`, item)
	return err
}

// valueNumber returns the number of a value, and assigns one to a new value.
func (b *Builder) valueNumber(v facetValue) (n int64, err error) {
	if n, ok := b.values[v]; ok {
		return n, nil
	}
	f, err := b.facetOf(v.facet)
	if err != nil {
		return 0, err
	}
	err = b.one(&n, `SELECT value FROM facet_values WHERE facet = ? AND text = ?`, f.number, v.text)
	if errors.Is(err, sql.ErrNoRows) {
		f.last++
		n = f.last
		_, err = b.tx.Exec(`INSERT INTO facet_values (value, facet, text) VALUES (?, ?, ?)`, n, f.number, v.text)
	}
	if len(b.values) >= maxPending {
		clear(b.values)
	}
	b.values[v] = n
	return n, err
}

// facet is the number of a facet and the highest number of its values.
type facet struct{ number, last int64 }

func (b *Builder) facetOf(name string) (*facet, error) {
	if f := b.facets[name]; f != nil {
		return f, nil
	}
	f := &facet{}
	if _, err := b.tx.Exec(`INSERT INTO facets (name) VALUES (?) ON CONFLICT DO NOTHING`, name); err != nil {
		return nil, err
	}
	if err := b.one(&f.number, `SELECT facet FROM facets WHERE name = ?`, name); err != nil {
		return nil, err
	}
	err := b.one(&f.last, `
		SELECT ifnull(max(value), ?1 << 32) FROM facet_values
		WHERE value BETWEEN ?1 << 32 AND (?1 + 1 << 32) - 1`, f.number)
	if len(b.facets) >= maxPending {
		clear(b.facets)
	}
	b.facets[name] = f
	return f, err
}

func (b *Builder) flushCounts() error {
	to := bulk{
		insert: `INSERT INTO value_counts (value, items, owner)`, width: 3,
		then: ` ON CONFLICT DO UPDATE SET items = items + excluded.items`,
	}
	for n, by := range b.counts {
		if err := to.add(b.tx, "", n, by, int64(b.owner)); err != nil {
			return err
		}
	}
	clear(b.counts)
	return to.flush(b.tx)
}
