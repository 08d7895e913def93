package datadir

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"stile.example/stile/settings"
	"stile.example/stile/store"
	"stile.example/stile/store/postgres"
	"stile.example/stile/tokens/signing"
)

// Target is the store of nodes, opened for a move to it. This process is not a node.
type Target struct {
	Place string // as it may be shown: without a password
	Store *store.Store
	Box   *signing.Box // encrypts the keys

	dir string
}

// OpenTarget opens the store that the settings name, to move an installation to it. A new database
// gets its tables.
func OpenTarget(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) (_ *Target, err error) {
	t := &Target{Place: s.Store.String()}
	if t.Box, err = newBox(s); err != nil {
		return nil, err
	}
	p, err := placesOf(s, now, log)
	if err != nil {
		return nil, err
	}
	if err := p.BeginFirstEpoch(ctx); err != nil {
		return nil, err
	}
	if t.dir, err = os.MkdirTemp("", "stile-move-"); err != nil {
		return nil, err
	}
	p.Data = t.dir // the nodes fetch their copies themselves
	t.Store, err = store.OpenShared(ctx, p, func(*postgres.DB) (store.Member, error) {
		return store.Member{Number: math.MaxUint32, Leave: func() {}}, nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", err), os.RemoveAll(t.dir))
	}
	return t, nil
}

// Close closes the store.
func (t *Target) Close() error { return errors.Join(t.Store.Close(), os.RemoveAll(t.dir)) }
