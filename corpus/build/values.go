package build

import (
	"database/sql"
	"errors"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/terms"
)

// insertValues writes an item's values, and returns the words to filter by, with spaces between
// them.
func (b *Builder) insertValues(item int64, it content.Item) (filters string, err error) {
	numbers, err := b.valueNumbers(it)
	if err != nil {
		return "", err
	}
	for _, n := range numbers {
		if err := b.valued.add(b.tx, "", item, n); err != nil {
			return "", err
		}
		b.counts[n]++
	}
	if len(b.counts) >= maxPending {
		if err := b.flushCounts(); err != nil {
			return "", err
		}
	}
	return filtersOf(numbers), nil
}

// filtersOf returns the words to filter by of values with these numbers.
func filtersOf(numbers []int64) string {
	var filterWords []string
	for _, n := range numbers {
		filterWords = append(filterWords, terms.FilterWord(n))
	}
	return strings.Join(filterWords, " ")
}

func (b *Builder) deleteValues(item int64, it content.Item) error {
	numbers, err := b.valueNumbers(it)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		b.counts[n]--
	}
	_, err = b.tx.Exec(`DELETE FROM item_values WHERE item = ?`, item)
	return err
}

// valueNumbers returns the numbers of an item's values, in their order.
func (b *Builder) valueNumbers(it content.Item) (numbers []int64, err error) {
	for _, v := range terms.ValuesOf(it) {
		n, err := b.valueNumber(v)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// valueNumber returns the number of a value, and assigns one to a new value.
func (b *Builder) valueNumber(v terms.Value) (n int64, err error) {
	key := v.Key()
	if n, ok := b.values[key]; ok {
		return n, nil
	}
	f, err := b.facetOf(key.Facet)
	if err != nil {
		return 0, err
	}
	err = b.one(&n, `SELECT value FROM facet_values WHERE facet = ? AND ifnull(key, text) = ?`, f.number, key.Text)
	if errors.Is(err, sql.ErrNoRows) {
		f.last++
		n = f.last
		var number *float64
		if x, ok := v.Number(); ok {
			number = &x
		}
		_, err = b.tx.Exec(`INSERT INTO facet_values (value, facet, text, key, number) VALUES (?, ?, ?, nullif(?, ?3), ?)`,
			n, f.number, v.Text, key.Text, number)
	}
	if len(b.values) >= maxPending {
		clear(b.values)
	}
	b.values[key] = n
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
