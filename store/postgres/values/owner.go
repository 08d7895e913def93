package values

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"stile.example/stile/nodes"
	"stile.example/stile/store/states"
	"stile.example/stile/store/tables/rows"
)

// Owner is the owner of PostgreSQL as an engine. Its database is that of the installation.
var Owner = states.Owner{Memory: "store"}

var _ states.Owned = (*Engine)(nil)

// Owner implements [states.Owned].
func (e *Engine) Owner(context.Context) (states.Owner, error) {
	return Owner, nil
}

// SetOwner implements [states.Owned].
func (e *Engine) SetOwner(context.Context, states.Owner) (states.Owner, error) {
	return Owner, nil
}

// Clear implements [states.Owned].
func (e *Engine) Clear(ctx context.Context) error {
	_, err := e.pool.ExecContext(ctx, `DELETE FROM states WHERE get_byte(key, 0) <> $1`, int(states.KindOnce))
	if err != nil {
		return fmt.Errorf("remove old states: %w", err)
	}
	return nil
}

// Owner returns the engine that the installation uses; zero: it is not known.
func (s Sink) Owner(ctx context.Context) (o states.Owner, err error) {
	return readOwner(ctx, s.DB.Reader())
}

func readOwner(ctx context.Context, q rows.Querier) (o states.Owner, err error) {
	err = q.QueryRowContext(ctx, `SELECT installation, memory FROM states_engine`).Scan(&o.Installation, &o.Memory)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return o, fmt.Errorf("read which engine has the states: %w", err)
	}
	return o, nil
}

// Installed gives the installation an id, unless it has one, and returns what [Sink.Owner] does.
func (s Sink) Installed(ctx context.Context, installation string) (states.Owner, error) {
	err := s.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO states_engine (one, installation, memory) VALUES (1, ?, '') ON CONFLICT DO NOTHING`, installation)
		return err
	})
	if err != nil {
		return states.Owner{}, fmt.Errorf("store which engine has the states: %w", err)
	}
	return s.Owner(ctx)
}

// Live returns the names of the servers that are live.
func (s Sink) Live(ctx context.Context) ([]string, error) { return live(ctx, s.DB.Reader()) }

func live(ctx context.Context, q rows.Querier) ([]string, error) {
	return rows.All(ctx, q, rows.Value[string], `
		SELECT name FROM nodes WHERE address <> '' AND seen > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - ?
		ORDER BY name`, nodes.DeadAfter.Milliseconds())
}

// ErrMeanwhile means that another node was faster.
var ErrMeanwhile = errors.New("another node has started meanwhile")

// UseEngine notes that the installation uses another engine than the last one. If changed is true,
// no server may be live, and states until lost are: it returns the new NotBefore.
func (s Sink) UseEngine(ctx context.Context, last, next states.Owner, changed bool, lost int64) (notBefore int64, err error) {
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		names, err := live(ctx, tx)
		if err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `UPDATE states_engine SET memory = ? WHERE installation = ? AND memory = ?`, next.Memory, last.Installation, last.Memory)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n != 1 || changed && len(names) > 0 {
			return errors.Join(err, ErrMeanwhile)
		}
		if changed {
			notBefore, err = setNotBefore(ctx, tx, lost)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store which engine has the states: %w", err)
	}
	return notBefore, nil
}
