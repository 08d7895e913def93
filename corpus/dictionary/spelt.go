package dictionary

import (
	"context"
	"database/sql"
	"errors"

	"stile.example/stile/corpus/spelling"
	"stile.example/stile/corpus/words"
)

// Spelt returns a candidate as a title writes it: the best title of the first owner that has it. A
// start of words, or a word that no title has, stays folded.
func (d *Dictionary) Spelt(
	ctx context.Context, owners []uint32, w spelling.Candidate,
) (string, error) {
	for _, owner := range owners {
		if w.Prefix {
			break
		}
		var title string
		err := d.db.QueryRowContext(ctx, `
			SELECT i.title FROM starts AS s CROSS JOIN items AS i ON i.item = s.item
			WHERE s.owner = ? AND s.start = ? ORDER BY s.rank, s.item LIMIT 1`, owner, w.Text).Scan(&title)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", err
		}
		for in := range words.Of(title) {
			if in.Text == w.Text {
				return title[in.Start:in.End], nil
			}
		}
	}
	return w.Text, nil
}
