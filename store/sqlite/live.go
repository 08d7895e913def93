package sqlite

import (
	"context"
	"fmt"
	"time"
)

// LiveTokens returns how many tokens of each tenant, by its number, can still be used. Tokens
// without a call are unknown here and not in it. On a busy server, the first calls of the last
// minute may be missing.
func (db *DB) LiveTokens(ctx context.Context, now time.Time) (map[uint32]int, error) {
	if _, err := db.Settle(ctx); err != nil {
		return nil, fmt.Errorf("count live tokens: %w", err)
	}
	rows, err := db.read.QueryContext(ctx, `
		SELECT tenant, count(*) FROM tokens INDEXED BY tokens_by_expiry
		WHERE dead = 0 AND expires > ? GROUP BY tenant`, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("count live tokens: %w", err)
	}
	defer rows.Close()
	live := map[uint32]int{}
	for rows.Next() {
		var tenant uint32
		var n int
		if err := rows.Scan(&tenant, &n); err != nil {
			return nil, fmt.Errorf("count live tokens: %w", err)
		}
		live[tenant] = n
	}
	return live, rows.Err()
}
