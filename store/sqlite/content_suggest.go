package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"stile.example/stile/content"
)

const (
	suggestions = 8
	// suggestible is how many titles are looked through for a second word,
	// best first.
	suggestible = 1000
	// choosable is how many of the words the rarest is chosen from.
	choosable = 16
)

// Suggest completes q to titles: those that begin with it and short ones
// first. The last word of q is taken for the beginning of one. A q that is too
// short, as [isEnough] has it, is completed to nothing, and nothing is read.
func (db *DB) Suggest(ctx context.Context, tenant uint32, q string) ([]content.Suggestion, error) {
	words, err := content.Words(q)
	if err != nil {
		return nil, err
	}
	var all []suggestQuery
	for _, w := range words {
		all = appendNew(all, suggestQueries(w)...)
	}
	if !isEnough(all) {
		return []content.Suggestion{}, nil
	}
	c := db.acquire()
	defer db.release(c)
	var found []content.Suggestion
	err = db.inTurn(ctx, 0, func() error {
		return db.limited(ctx, c, "", func(ctx context.Context) (err error) {
			found, err = c.suggest(ctx, c.owners(tenant), prefixes(all))
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	return found, nil
}

// suggestQuery is a word that a title must have.
type suggestQuery struct {
	text   string
	begins bool // it may be the beginning of a word
	dense  bool // it may stand anywhere in a run
}

// suggestQueries is a typed word, which has several parts where it is of several
// scripts.
func suggestQueries(typed string) (parts []suggestQuery) {
	for run := range runsOf(typed) {
		if text := caseFold(run.text); text != "" {
			parts = append(parts, suggestQuery{text, run.dense, run.dense})
		}
	}
	return parts
}

// appendNew appends the parts that are not among the words.
func appendNew(words []suggestQuery, parts ...suggestQuery) []suggestQuery {
	for _, part := range parts {
		if !slices.Contains(words, part) {
			words = append(words, part)
		}
	}
	return words
}

// isEnough reports whether words may be completed: they have at least two
// characters, or one of a script without spaces. Characters are counted as
// words are compared, so case and accents make no difference. A mark belongs
// to the character before it.
func isEnough(words []suggestQuery) bool {
	n := 0
	for _, w := range words {
		for _, r := range w.text {
			if isMark(r) {
				continue
			}
			if n++; n == 2 || w.dense {
				return true
			}
		}
	}
	return false
}

// prefixes lets the last word be the beginning of one.
func prefixes(words []suggestQuery) []suggestQuery {
	if n := len(words); n > 0 {
		words[n-1].begins = true
	}
	return words
}

func hasAll(title string, words []suggestQuery) bool {
	title = " " + title + " "
	return !slices.ContainsFunc(words, func(w suggestQuery) bool { return !w.in(title) })
}

// in says whether a folded title, with blanks around it, has the word.
func (w suggestQuery) in(title string) bool {
	text := w.text
	if !w.dense {
		text = " " + text
		if !w.begins {
			text += " "
		}
	}
	return strings.Contains(title, text)
}

// among is the condition that finds the word in table starts.
func (w suggestQuery) among(owner uint32) (string, []any) {
	if !w.begins {
		return `owner = ? AND start = ?`, []any{owner, w.text}
	}
	if utf8.RuneCountInString(w.text) <= shortStart {
		return `owner = ? AND start = ?`, []any{owner, w.text + "*"}
	}
	return `owner = ? AND start >= ? AND start < ?`, []any{owner, w.text, w.text + "\U0010ffff"}
}

type suggestion struct {
	content.Suggestion
	rank int
}

func (c *corpus) suggest(ctx context.Context, owners []uint32, words []suggestQuery) ([]content.Suggestion, error) {
	var all []suggestion
	for _, owner := range owners {
		if len(words) == 0 {
			break
		}
		found, err := c.suggestOf(ctx, owner, words)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b suggestion) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Text, b.Text), cmp.Compare(a.ID, b.ID))
	})
	out := make([]content.Suggestion, 0, suggestions)
	for _, s := range all[:min(len(all), suggestions)] {
		out = append(out, s.Suggestion)
	}
	return out, nil
}

// suggestOf looks through the titles with the rarest of the words. One word
// alone has as many rows as there are answers, or twice as many, since a
// title may have it in two forms.
func (c *corpus) suggestOf(ctx context.Context, owner uint32, words []suggestQuery) (found []suggestion, err error) {
	by, err := c.rarest(ctx, owner, words)
	if err != nil {
		return nil, err
	}
	limit := suggestible
	if len(words) == 1 {
		limit = 2 * suggestions
	}
	where, args := by.among(owner)
	seen := map[string]bool{}
	err = query(ctx, c.db, func(scan scanner) error {
		var s suggestion
		var key string
		if err := scan(&s.rank, &s.ID, &s.Text, &s.Collection, &key); err != nil {
			return err
		}
		if len(found) < suggestions && hasAll(key, words) && !seen[s.ID] {
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

// rarest is the word that the fewest titles of an owner have, of the first
// few and the last.
func (c *corpus) rarest(ctx context.Context, owner uint32, words []suggestQuery) (best suggestQuery, err error) {
	if len(words) == 1 {
		return words[0], nil
	}
	least := suggestible + 1
	for _, w := range choices(words) {
		var n int
		where, args := w.among(owner)
		err := c.db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM starts WHERE `+where+` LIMIT ?)`,
			append(args, least)...).Scan(&n)
		if err != nil {
			return best, err
		}
		if n < least || best == (suggestQuery{}) {
			best, least = w, n
		}
	}
	return best, nil
}

// choices are the words that the rarest is chosen from.
func choices(words []suggestQuery) []suggestQuery {
	n := len(words)
	if n <= choosable {
		return words
	}
	return append(slices.Clone(words[:choosable-1]), words[n-1])
}
