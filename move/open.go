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
	"stile.example/stile/tokens/signing"
)

// Opened is the store of nodes, opened for a move to it. This process is not a node.
type Opened struct {
	Target
	store *store.Store
	dir   string
}

// Open opens the store that the settings name, to move an installation to it. A new database
// gets its tables. from is the data directory that is to be moved.
func Open(ctx context.Context, s *settings.Settings, from string, now func() time.Time, log *slog.Logger) (_ *Opened, err error) {
	t := &Opened{Target: Target{Place: s.Store.String(), PublicURL: s.Origin(s.Listen)}}
	if t.Box, err = datadir.NewBox(s); err != nil {
		return nil, err
	}
	p, err := datadir.Places(s, now, log)
	if err != nil {
		return nil, err
	}
	installation := installationIn(from, now())
	if err := p.BeginFirstEpoch(ctx, installation); err != nil {
		return nil, err
	}
	if t.dir, err = os.MkdirTemp("", "stile-move-"); err != nil {
		return nil, err
	}
	p.Data, p.Statement = t.dir, maxStatement // the nodes fetch their copies themselves
	t.store, err = store.OpenShared(ctx, p, func(*postgres.DB) (store.Member, error) {
		return store.Member{Number: math.MaxUint32, Leave: func() {}, Installation: installation,
			Instead: "drop the database, create it again and repeat the move, which was not complete"}, nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", err), os.RemoveAll(t.dir))
	}
	sh := t.store.Shared
	t.DB, t.States, t.Corpus = sh.Postgres, sh.States, sh.Replica
	return t, nil
}

// installationIn returns the id of the installation in a data directory; "": [Run] says why it
// can't be read. So a move to a new database can use the engine of one that was interrupted.
func installationIn(dir string, now time.Time) string {
	keys, err := signing.ReadKeys(datadir.KeyFile(dir), now)
	if err != nil {
		return ""
	}
	id, err := keys.Fingerprint()
	if err != nil {
		return ""
	}
	return id
}

// Close closes the store.
func (t *Opened) Close() error { return errors.Join(t.store.Close(), os.RemoveAll(t.dir)) }
