package corpus

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"stile.example/stile/content"
	"stile.example/stile/corpus/terms"
	"stile.example/stile/corpus/words"
)

const (
	suggestions = 8
	// suggestible is how many titles are searched for a second word, the best first.
	suggestible = 1000
	// choosable is how many of the words the rarest is chosen from.
	choosable = 16
)

// Suggest completes q to titles: first those that begin with it, and short ones before long ones.
// The last word of q may be a prefix. A q that is too short, as [words.IsEnough] defines it, has no
// suggestions, and nothing is read for it.
func (c *File) Suggest(ctx context.Context, tenant uint32, q string) ([]content.Suggestion, error) {
	typed, err := content.Words(q)
	if err != nil {
		return nil, err
	}
	var all []words.TitleWord
	for _, w := range typed {
		all = words.AppendNew(all, words.TitleWords(w)...)
	}
	if !words.IsEnough(all) {
		return []content.Suggestion{}, nil
	}
	var found []content.Suggestion
	err = c.inTurn(ctx, 0, "", func(ctx context.Context) (err error) {
		found, err = c.suggest(ctx, c.owners(tenant), words.PrefixLast(all))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	return found, nil
}

// startsWith returns the condition that finds a word in table starts.
func startsWith(w words.TitleWord, owner uint32) (string, []any) {
	if !w.Prefix {
		return `owner = ? AND start = ?`, []any{owner, w.Text}
	}
	if short, ok := terms.ShortStart(w.Text); ok {
		return `owner = ? AND start = ?`, []any{owner, short}
	}
	return `owner = ? AND start >= ? AND start < ?`, []any{owner, w.Text, w.Text + "\U0010ffff"}
}

type suggestion struct {
	content.Suggestion
	rank int
}

func (c *File) suggest(
	ctx context.Context, owners []uint32, all []words.TitleWord,
) ([]content.Suggestion, error) {
	var found []suggestion
	for _, owner := range owners {
		if len(all) == 0 {
			break
		}
		some, err := c.suggestOf(ctx, owner, all)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	slices.SortStableFunc(found, func(a, b suggestion) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Text, b.Text), cmp.Compare(a.ID, b.ID))
	})
	out := make([]content.Suggestion, 0, suggestions)
	for _, s := range found[:min(len(found), suggestions)] {
		out = append(out, s.Suggestion)
	}
	return out, nil
}

// suggestOf searches the titles that have the rarest of the words. For a single word it reads twice
// as many rows as there are suggestions, since a title may contain the word in two forms.
func (c *File) suggestOf(
	ctx context.Context, owner uint32, all []words.TitleWord,
) (found []suggestion, err error) {
	by, err := c.rarest(ctx, owner, all)
	if err != nil {
		return nil, err
	}
	limit := suggestible
	if len(all) == 1 {
		limit = 2 * suggestions
	}
	where, args := startsWith(by, owner)
	seen := map[string]bool{}
	err = query(ctx, c.db, func(scan scanner) error {
		var s suggestion
		var key string
		if err := scan(&s.rank, &s.ID, &s.Text, &s.Collection, &key); err != nil {
			return err
		}
		if len(found) < suggestions && words.AllIn(key, all) && !seen[s.ID] {
			seen[s.ID] = true
			found = append(found, s)
		}
		return nil
	}, `
		SELECT s.rank, i.id, i.title, i.collection, i.title_key
		FROM (SELECT rank, item FROM starts WHERE `+where+` ORDER BY rank, item LIMIT ?) AS s
		CROSS JOIN items AS i ON i.item = s.item ORDER BY s.rank, s.item`, append(args, limit)...)
	return found, err
}

// rarest returns the word that the fewest titles of an owner have, of the first words and the last.
func (c *File) rarest(
	ctx context.Context, owner uint32, all []words.TitleWord,
) (best words.TitleWord, err error) {
	if len(all) == 1 {
		return all[0], nil
	}
	least := suggestible + 1
	for _, w := range choices(all) {
		var n int
		where, args := startsWith(w, owner)
		err := c.db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM starts WHERE `+where+` LIMIT ?)`,
			append(args, least)...).Scan(&n)
		if err != nil {
			return best, err
		}
		if n < least || best == (words.TitleWord{}) {
			best, least = w, n
		}
	}
	return best, nil
}

// choices returns the words that the rarest is chosen from.
func choices(all []words.TitleWord) []words.TitleWord {
	n := len(all)
	if n <= choosable {
		return all
	}
	return append(slices.Clone(all[:choosable-1]), all[n-1])
}
