package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"stile.example/stile/tokens"
)

// replay writes the states in the journal to their rows, in steps, since the journal of a server
// that was killed may be long. It may be killed at any point and then be run again.
func (db *DB) replay(ctx context.Context) error {
	for more := true; more; {
		err := db.tx(ctx, func(tx *sql.Tx) error {
			states, last, err := readJournal(ctx, tx, 4096)
			if more = last > 0; err != nil || !more {
				return err
			}
			for _, id := range slices.SortedFunc(maps.Keys(states), compareIDs) {
				if err := writeToken(tx, id, states[id]); err != nil {
					return err
				}
			}
			_, err = tx.ExecContext(ctx, `DELETE FROM journal WHERE seq <= ?`, last)
			return err
		})
		if err != nil {
			return fmt.Errorf("replay the journal: %w", err)
		}
	}
	return nil
}

// readJournal reads the first n rows of the journal, or all if n < 0. It returns the number of the
// last row, or 0 if there is none.
func readJournal(
	ctx context.Context, tx *sql.Tx, n int,
) (states map[tokens.ID]tokens.State, last int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT seq, batch FROM journal ORDER BY seq LIMIT ?`, n)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	states = map[tokens.ID]tokens.State{}
	for rows.Next() {
		var row sql.RawBytes
		if err := rows.Scan(&last, &row); err != nil {
			return nil, 0, err
		}
		if err := records(states, row); err != nil {
			return nil, 0, fmt.Errorf("row %d: %w", last, err)
		}
	}
	return states, last, rows.Err()
}
