package dictionary

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/words"
)

// maxDistinct is how many different indexed words of a query are looked up. A query of 512
// characters has no more.
const maxDistinct = 1 << 9

// Rarest returns the most words of those typed that the fewest items of some owners have, in the
// order in which they were typed, and the others. Words that no item has are among the others
// first, so that a long text finds what it can.
func (d *Dictionary) Rarest(
	ctx context.Context, owners []uint32, typed []string, most int,
) (rarest, others []string, err error) {
	if len(typed) <= most {
		return typed, nil, nil
	}
	items, err := d.items(ctx, owners, strings.Join(typed, " "))
	if err != nil {
		return nil, nil, err
	}
	order := make([]int, len(typed))
	frequency := make([]int, len(typed))
	for i, text := range typed {
		order[i], frequency[i] = i, frequencyOf(text, items)
	}
	slices.SortStableFunc(order, func(a, b int) int { return frequency[a] - frequency[b] })
	order = order[:most]
	for i, text := range typed {
		if slices.Contains(order, i) {
			rarest = append(rarest, text)
		} else {
			others = append(others, text)
		}
	}
	return rarest, others, nil
}

// frequencyOf returns an upper bound of the items that have a typed word, or the largest number if
// there are none.
func frequencyOf(text string, items map[string]int) int {
	n := math.MaxInt32
	for _, w := range words.PhraseOf(text).Words {
		n = min(n, items[w.Text])
	}
	if n == 0 {
		return math.MaxInt32
	}
	return n
}

// items returns how many items of some owners have each word of a text.
func (d *Dictionary) items(ctx context.Context, owners []uint32, text string) (map[string]int, error) {
	list, err := json.Marshal(words.Distinct(maxDistinct, text))
	if err != nil {
		return nil, err
	}
	items := map[string]int{}
	err = sqlite.Query(ctx, d.db, func(scan sqlite.Scanner) error {
		var word string
		var owner uint32
		var n int
		err := scan(&word, &owner, &n)
		if slices.Contains(owners, owner) {
			items[word] += n
		}
		return err
	}, `SELECT word, owner, items FROM words WHERE word IN (SELECT value FROM json_each(?))`, string(list))
	return items, err
}
