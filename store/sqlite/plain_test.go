package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"stile.example/stile/tokens"
)

// plain is the simplest store that could work: a transaction a call.
type plain struct{ db *DB }

func (p plain) Update(ctx context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
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

func (plain) Peek(tokens.ID) (s tokens.State, known bool) { return s, false }
