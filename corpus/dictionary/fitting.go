package dictionary

import (
	"context"
	"database/sql"
	"errors"
	"unicode/utf8"

	"stile.example/stile/corpus/spelling"
	"stile.example/stile/corpus/sqlite"
)

// maxTried is how many candidates of a mistyped word are searched for together with the other words
// of its query. One that more than triable items have is taken without that.
const maxTried, triable = 6, 20_000

// certain is how many letters a candidate needs if it does not occur together with the other words:
// the shorter a word, the more others are near it.
const certain = 6

// Fitting returns the best candidate that occurs together with what an expression of FTS5 matches.
// If the expression is empty, or none does, it returns the best one, which must not be short if
// there are other words. It may return none.
func (d *Dictionary) Fitting(
	ctx context.Context, owners []uint32, near []spelling.Candidate, others string,
) (best spelling.Candidate, err error) {
	if len(near) == 0 {
		return best, nil
	}
	if others == "" {
		return near[0], nil
	}
	for _, one := range near[:min(maxTried, len(near))] {
		word := `"` + one.Text + `"`
		if one.Prefix {
			word += "*"
		}
		fits := one.Items > triable
		if !fits {
			fits, err = d.matches(ctx, owners, word+" AND "+others)
		}
		if err != nil || fits {
			return one, err
		}
	}
	if utf8.RuneCountInString(near[0].Text) < certain {
		return best, nil
	}
	return near[0], nil
}

// matches reports whether an owner has an item that matches an expression.
func (d *Dictionary) matches(ctx context.Context, owners []uint32, expression string) (bool, error) {
	for _, owner := range owners {
		var one int
		err := d.db.QueryRowContext(ctx, `SELECT 1 FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? LIMIT 1`,
			expression, sqlite.First(owner), sqlite.Last(owner)).Scan(&one)
		if !errors.Is(err, sql.ErrNoRows) {
			return err == nil, err
		}
	}
	return false, nil
}
