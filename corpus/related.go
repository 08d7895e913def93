package corpus

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/terms"
	"stile.example/stile/corpus/words"
)

const (
	maxRelatedRead  = 1500 // positions of the full text that are read for the items related to one
	maxRelatedTerms = 16   // words and tags of an item that others are found by: its rarest
	maxLookedUp     = 64   // different words of an item whose frequency is read: the first ones
)

// Related returns at most limit items that are similar to the item with an id, the most similar
// first, as they are encoded in a list. Items are similar if they share rare words and tags, by
// BM25.
func (c *File) Related(ctx context.Context, tenant uint32, id string, limit int) ([][]byte, error) {
	var items [][]byte
	err := c.inTurn(ctx, 0, "", func(ctx context.Context) (err error) {
		items, err = c.related(ctx, tenant, id, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("related: %w", err)
	}
	return items, nil
}

func (c *File) related(ctx context.Context, tenant uint32, id string, limit int) ([][]byte, error) {
	w, err := c.whole(id)
	if err != nil {
		return nil, err
	}
	if !w.visible(tenant) {
		return nil, content.ErrNotFound
	}
	shared, err := c.distinctiveTerms(ctx, w)
	if err != nil || len(shared) == 0 {
		return [][]byte{}, err
	}
	var found []match
	for _, owner := range c.owners(tenant) {
		err := sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
			var m match
			err := scan(&m.item, &m.rank)
			found = append(found, m)
			return err
		}, `
			SELECT rowid, bm25(search, 4, 4, 2, 1, 3) AS score FROM search
			WHERE search MATCH ? AND rowid BETWEEN ? AND ? AND rowid <> ? ORDER BY score, rowid LIMIT ?`,
			strings.Join(shared, " OR "), sqlite.First(owner), sqlite.Last(owner), w.item, limit)
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.item, b.item))
	})
	return c.lists(ctx, found[:min(limit, len(found))])
}

// distinctiveTerms returns the words and tags of an item that the fewest other items have.
func (c *File) distinctiveTerms(
	ctx context.Context, w whole,
) (distinctive []string, err error) {
	it, err := content.DecodeItem(w.bytes)
	if err != nil {
		return nil, err
	}
	own, err := json.Marshal(words.Distinct(maxLookedUp,
		it.Title, strings.Join(it.Tags, " | "), it.Summary, words.PlainText(it.Body)))
	if err != nil {
		return nil, err
	}
	rest := maxRelatedRead
	// A word that no other item has finds nothing. Names of facets that begin with a control character
	// are those of range filters.
	err = sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
		var word string
		var value int64
		var n int
		err := scan(&word, &value, &n)
		if word == "" {
			word = terms.FilterWord(value)
		}
		if rest -= n; rest >= 0 && len(distinctive) < maxRelatedTerms {
			distinctive = append(distinctive, quote(word))
		}
		return err
	}, `
		SELECT word, 0 AS value, sum(items) AS n FROM words WHERE word IN (SELECT value FROM json_each(?1)) GROUP BY word HAVING n > 1
		UNION ALL
		SELECT '', v.value, sum(c.items) AS n
		FROM item_values AS v JOIN value_counts AS c ON c.value = v.value JOIN facets AS f ON f.facet = v.value >> 32
		WHERE v.item = ?2 AND f.name >= ' ' GROUP BY v.value HAVING n > 1
		ORDER BY n, word, value`, string(own), w.item)
	return distinctive, err
}
