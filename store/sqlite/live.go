package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"stile.example/stile/tokens"
)

// LiveTokens returns how many tokens of each tenant, by its number, can still be used. Tokens
// without a call are unknown here and not in it.
func (db *DB) LiveTokens(ctx context.Context, now time.Time) (map[uint32]int, error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("count live tokens: %w", err)
	}
	defer tx.Rollback()
	live := map[uint32]int{}
	err = eachState(ctx, tx, func(_ tokens.ID, s tokens.State) {
		if s.Dead == tokens.None && s.Expires > now.Unix() {
			live[s.Tenant]++
		}
	})
	if err != nil {
		return nil, fmt.Errorf("count live tokens: %w", err)
	}
	return live, nil
}
