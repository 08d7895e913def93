package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"stile.example/stile/tokens"
)

// unbatched is the simplest possible store of tokens, with a transaction for each call.
type unbatched struct{ db *DB }

func (p unbatched) Update(ctx context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	return p.db.tx(ctx, func(tx *sql.Tx) error {
		var b []byte
		var old tokens.State
		err := tx.QueryRowContext(ctx, `SELECT state FROM tokens WHERE id = ?`, id[:]).Scan(&b)
		if err == nil {
			old, err = tokens.DecodeState(b)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if next := fn(old); next != old {
			return writeToken(tx, id, next)
		}
		return nil
	})
}

func (unbatched) Peek(tokens.ID) (s tokens.State, known bool) { return s, false }
