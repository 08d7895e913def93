package move

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/settings"
	"stile.example/stile/store"
	"stile.example/stile/store/postgres"
)

// Opened is the store of nodes, opened for a move to it. This process is not a node.
type Opened struct {
	Target
	store *store.Store
	dir   string
}

// Open opens the store that the settings name, to move an installation to it. A new database
// gets its tables.
func Open(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) (_ *Opened, err error) {
	t := &Opened{Target: Target{Place: s.Store.String(), PublicURL: s.Origin(s.Listen)}}
	if t.Box, err = datadir.NewBox(s); err != nil {
		return nil, err
	}
	p, err := datadir.Places(s, now, log)
	if err != nil {
		return nil, err
	}
	if err := p.BeginFirstEpoch(ctx); err != nil {
		return nil, err
	}
	if t.dir, err = os.MkdirTemp("", "stile-move-"); err != nil {
		return nil, err
	}
	p.Data, p.Statement = t.dir, maxStatement // the nodes fetch their copies themselves
	t.store, err = store.OpenShared(ctx, p, func(*postgres.DB) (store.Member, error) {
		return store.Member{Number: math.MaxUint32, Leave: func() {}}, nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", err), os.RemoveAll(t.dir))
	}
	sh := t.store.Shared
	t.DB, t.States, t.Corpus = sh.Postgres, sh.States, sh.Replica
	return t, nil
}

// Close closes the store.
func (t *Opened) Close() error { return errors.Join(t.store.Close(), os.RemoveAll(t.dir)) }
