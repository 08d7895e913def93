package tokenlist

import (
	"context"
	"fmt"
	"time"

	"stile.example/stile/store/tables/rows"
)

// LiveTokens implements [listing.Store].
func (t Table) LiveTokens(ctx context.Context, now time.Time) (map[uint32]int, error) {
	if _, err := t.DB.Settle(ctx); err != nil {
		return nil, fmt.Errorf("count live tokens: %w", err)
	}
	live := map[uint32]int{}
	err := rows.Each(ctx, t.DB.Reader(), func(r rows.Row) error {
		var tenant uint32
		var n int
		err := r.Scan(&tenant, &n)
		live[tenant] = n
		return err
	}, `
		SELECT tenant, count(*) FROM tokens INDEXED BY tokens_by_expiry
		WHERE dead = 0 AND expires > ? GROUP BY tenant`, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("count live tokens: %w", err)
	}
	return live, nil
}
