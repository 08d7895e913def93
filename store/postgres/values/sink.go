package values

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/states"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tokens"
)

// Sink stores in a database what lasts of the states of any engine.
type Sink struct{ DB *postgres.DB }

var _ states.Sink = Sink{}

// PutTokens implements [states.Sink].
func (s Sink) PutTokens(ctx context.Context, list []states.Token) error {
	some := make([]postgres.TokenRow, 0, len(list))
	var gone []tokens.ID
	for _, t := range list {
		if t.State == (tokens.State{}) { // as if the token was never seen
			gone = append(gone, t.ID)
			continue
		}
		some = append(some, postgres.RowOf(t.ID, t.Version, t.State))
	}
	return errors.Join(s.remove(ctx, gone), s.DB.TransferTokens(ctx, some))
}

func (s Sink) remove(ctx context.Context, ids []tokens.ID) error {
	if len(ids) == 0 {
		return nil
	}
	return s.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE id = ?`, id[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// PutAddresses implements [states.Sink].
func (s Sink) PutAddresses(ctx context.Context, list []states.Address) error {
	some := make([]postgres.ScopeRow, 0, len(list))
	for _, a := range list {
		r := postgres.ScopeRowOf(a.Scope, a.Version, a.State, time.Unix(0, 0))
		r.Forget = a.Expires
		some = append(some, r)
	}
	return s.DB.TransferScopes(ctx, some)
}

// EachAddress implements [states.Sink].
func (s Sink) EachAddress(ctx context.Context, fn func(addresses.Scope, addresses.State)) error {
	return s.DB.EachAddress(ctx, fn)
}

// HasTokens implements [states.Sink].
func (s Sink) HasTokens(ctx context.Context) (has bool, err error) {
	err = s.DB.Reader().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM tokens)`).Scan(&has)
	return has, err
}

// NotBefore implements [states.Sink].
func (s Sink) NotBefore(ctx context.Context) (notBefore int64, err error) {
	err = s.DB.Reader().QueryRowContext(ctx, `SELECT coalesce(max(not_before), 0) FROM states_lost`).Scan(&notBefore)
	return notBefore, err
}

// SetNotBefore implements [states.Sink]. After a loss, tokens are dated one second after what is
// stored: so the next loss is at least as late, even if it is in the same second. A loss whose end
// fails repeatedly must not lead far into the future.
func (s Sink) SetNotBefore(ctx context.Context, notBefore int64) (stored int64, err error) {
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		stored, err = setNotBefore(ctx, tx, notBefore)
		return err
	})
	return stored, err
}

func setNotBefore(ctx context.Context, tx *sql.Tx, notBefore int64) (stored int64, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO states_lost AS l (one, not_before) VALUES (1, ?)
		ON CONFLICT (one) DO UPDATE SET not_before = CASE excluded.not_before WHEN ? THEN l.not_before
			ELSE greatest(excluded.not_before, least(l.not_before + 1, excluded.not_before + 10)) END
		RETURNING not_before`, notBefore, states.FirstEpoch).Scan(&stored)
	return stored, err
}

// Used implements [states.Sink].
func (s Sink) Used(ctx context.Context, month int32) (map[uint32]int64, error) {
	first := time.Date(0, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
	const day = 24 * 60 * 60
	used := map[uint32]int64{}
	err := rows.Each(ctx, s.DB.Reader(), func(r rows.Row) error {
		var tenant uint32
		var n int64
		err := r.Scan(&tenant, &n)
		used[tenant] = n
		return err
	}, `
		SELECT tenant, CAST(sum(calls) AS bigint) FROM ledger_days
		WHERE day >= ? AND day < ? GROUP BY tenant`, first.Unix()/day, first.AddDate(0, 1, 0).Unix()/day)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return used, nil
}

// Sweep implements [states.Sink].
func (s Sink) Sweep(ctx context.Context, now time.Time) error { return s.DB.Sweep(ctx, now) }
