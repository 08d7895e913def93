package tokenlist

import (
	"context"
	"fmt"
	"time"
)

// LiveTokens implements [listing.Store].
func (t Table) LiveTokens(ctx context.Context, now time.Time) (map[uint32]int, error) {
	if _, err := t.DB.Settle(ctx); err != nil {
		return nil, fmt.Errorf("count live tokens: %w", err)
	}
	rows, err := t.DB.Reader().QueryContext(ctx, `
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
