package titles

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"stile.example/stile/content"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/words"
)

const (
	suggestions = 8
	// suggestible is how many titles are searched for a second word, the best first.
	suggestible = 1000
)

type suggestion struct {
	content.Suggestion
	rank int
}

// Suggest returns titles with all words of the first way, then those of the next, as long as there
// are too few.
func Suggest(
	ctx context.Context, db *sql.DB, owners []uint32, ways [][]words.TitleWord,
) ([]content.Suggestion, error) {
	out := []content.Suggestion{}
	for _, all := range ways {
		found, err := suggestBy(ctx, db, owners, all)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			if len(out) < suggestions && !slices.Contains(out, s.Suggestion) {
				out = append(out, s.Suggestion)
			}
		}
		if len(out) == suggestions {
			break
		}
	}
	return out, nil
}

// suggestBy returns titles with all words, in order.
func suggestBy(
	ctx context.Context, db *sql.DB, owners []uint32, all []words.TitleWord,
) (found []suggestion, err error) {
	for _, owner := range owners {
		some, err := suggestOf(ctx, db, owner, all)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	slices.SortStableFunc(found, func(a, b suggestion) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Text, b.Text), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

// suggestOf searches the titles that have the rarest of the words. For a single word it reads twice
// as many rows as there are suggestions, since a title may contain the word in two forms.
func suggestOf(
	ctx context.Context, db *sql.DB, owner uint32, all []words.TitleWord,
) (found []suggestion, err error) {
	by, err := rarest(ctx, db, owner, all)
	if err != nil {
		return nil, err
	}
	limit := suggestible
	if len(all) == 1 {
		limit = 2 * suggestions
	}
	seen := map[string]bool{}
	for _, by := range by.Spellings() {
		where, args := startsWith(by, owner)
		n := 0
		err = sqlite.Query(ctx, db, func(scan sqlite.Scanner) error {
			var s suggestion
			var key string
			if err := scan(&s.rank, &s.ID, &s.Text, &s.Collection, &key); err != nil {
				return err
			}
			if n < suggestions && words.AllIn(key, all) && !seen[s.ID] {
				seen[s.ID] = true
				found = append(found, s)
				n++
			}
			return nil
		}, `
			SELECT s.rank, i.id, i.title, i.collection, `+titleText+`
			FROM (SELECT rank, item FROM starts WHERE `+where+` ORDER BY rank, item LIMIT ?) AS s
			CROSS JOIN items AS i ON i.item = s.item ORDER BY s.rank, s.item`, append(args, limit)...)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}
