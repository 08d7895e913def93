// Package titles finds items by their titles, the best first, in table starts of a corpus: for
// suggestions, and for what a search shows first.
package titles

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/terms"
	"stile.example/stile/corpus/words"
)

// choosable is how many of the words the rarest is chosen from.
const choosable = 16

// before is subtracted from the rank of a title for each sign of the query in it, so that it comes
// before all titles with fewer. See [terms.Start] for the ranks of titles.
const before = 1 << 12

// inOrder is subtracted from the ranks of titles that begin with the words as typed: "red wine" is
// before "wine-red", although a title that begins with the rarest word has a lower rank.
const inOrder = 2000

// Query says which titles to find.
type Query struct {
	Owner  uint32
	Words  []words.TitleWord // a title must contain all of them
	Signs  []words.TitleWord // titles that contain them come first
	Values []int64           // numbers of values that an item must have
	Ranges [][]int64         // of each, an item must have one of the values
	Limit  int               // of titles that are read for a word
}

// Find returns the matches with all words in the title, and their ranks: lower is better. It reads
// table starts, where the best of them are adjacent. In the full text, frequent words of titles
// would have to be read to the end. Without words there are none.
func Find(ctx context.Context, db *sql.DB, q Query) (map[int64]float64, error) {
	if len(q.Words) == 0 {
		return nil, nil
	}
	by, err := rarest(ctx, db, q.Owner, q.Words)
	if err != nil {
		return nil, err
	}
	found := map[int64]float64{}
	for _, by := range append(by.Spellings(), q.Signs...) {
		if err := q.findBy(ctx, db, by, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// findBy adds those that are found by one word.
func (q Query) findBy(
	ctx context.Context, db *sql.DB, by words.TitleWord, found map[int64]float64,
) error {
	where, args := startsWith(by, q.Owner)
	args = append(args, q.Limit)
	var filters strings.Builder
	for _, value := range q.Values {
		filters.WriteString(` AND EXISTS (SELECT 1 FROM item_values WHERE item = s.item AND value = ?)`)
		args = append(args, value)
	}
	for _, values := range q.Ranges {
		filters.WriteString(` AND EXISTS (SELECT 1 FROM item_values AS v JOIN json_each(?) AS r ON r.value = v.value WHERE v.item = s.item)`)
		args = append(args, sqlite.List(values))
	}
	return sqlite.Query(ctx, db, func(scan sqlite.Scanner) error {
		var item int64
		var rank float64
		var title string
		if err := scan(&item, &rank, &title); err != nil {
			return err
		}
		if !words.AllIn(title, q.Words) {
			return nil
		}
		if q.begins(title) {
			rank -= inOrder
		}
		for _, sign := range q.Signs {
			if words.AllIn(title, []words.TitleWord{sign}) {
				rank -= before
			}
		}
		if old, twice := found[item]; !twice || rank < old {
			found[item] = rank
		}
		return nil
	}, `
		SELECT s.item, s.rank, `+titleText+` FROM (SELECT item, rank FROM starts WHERE `+where+` ORDER BY rank LIMIT ?) AS s
		CROSS JOIN items AS i ON i.item = s.item WHERE true`+filters.String(), args...)
}

// titleText is what [words.AllIn] searches in a title.
const titleText = `i.title_key || ifnull(' ' || i.title_also, '')`

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

// rarest returns the word that the fewest titles of an owner have, of the first words and the last.
func rarest(
	ctx context.Context, db *sql.DB, owner uint32, all []words.TitleWord,
) (best words.TitleWord, err error) {
	if len(all) == 1 {
		return all[0], nil
	}
	least := suggestible + 1
	for _, w := range choices(all) {
		n, err := started(ctx, db, owner, w, least)
		if err != nil {
			return best, err
		}
		if n < least || best == (words.TitleWord{}) {
			best, least = w, n
		}
	}
	return best, nil
}

// started returns how many titles have a word, up to about a maximum.
func started(
	ctx context.Context, db *sql.DB, owner uint32, w words.TitleWord, most int,
) (all int, err error) {
	for _, w := range w.Spellings() {
		var n int
		where, args := startsWith(w, owner)
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM starts WHERE `+where+` LIMIT ?)`,
			append(args, most)...).Scan(&n)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

// choices returns the words that the rarest is chosen from.
func choices(all []words.TitleWord) []words.TitleWord {
	n := len(all)
	if n <= choosable {
		return all
	}
	return append(slices.Clone(all[:choosable-1]), all[n-1])
}

// begins reports whether a folded title begins with the several words of a query, as typed.
func (q Query) begins(title string) bool {
	rest, isPrefix := title, false
	for i, w := range q.Words {
		if i > 0 && !isPrefix {
			if rest, isPrefix = strings.CutPrefix(rest, " "); !isPrefix {
				return false
			}
		}
		var ok bool
		if rest, ok = strings.CutPrefix(rest, w.Text); !ok {
			return false
		}
		isPrefix = w.Prefix
	}
	return len(q.Words) > 1 && (isPrefix || rest == "" || rest[0] == ' ')
}
