package move

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/datadir/moved"
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
// gets its tables, and with the first of them the claim, unless Options.DryRun is set: nodes can't
// start on it while the others are made. Open changes nothing if what Options.From names can't be
// moved there. It does not use Options.Target.
func Open(ctx context.Context, s *settings.Settings, o Options, log *slog.Logger) (_ *Opened, err error) {
	t := &Opened{Target: Target{Place: s.Store.String(), PublicURL: s.Origin(s.Listen)}}
	if t.Box, err = datadir.NewBox(s); err != nil {
		return nil, err
	}
	p, err := datadir.Places(s, o.Now, log)
	if err != nil {
		return nil, err
	}
	o.Target = &t.Target
	installation, err := installationIn(ctx, o)
	if err != nil {
		return nil, err
	}
	if !o.DryRun {
		claimed := moved.Incoming{Installation: installation, At: o.Now().UTC().Truncate(time.Second)}
		p.Created = func(ctx context.Context, tx *sql.Tx) error { return writeMove(ctx, tx, claimed) }
	}
	if err := p.BeginFirstEpoch(ctx, installation); err != nil {
		return nil, err
	}
	if t.dir, err = os.MkdirTemp("", "stile-move-"); err != nil {
		return nil, err
	}
	p.Data, p.Statement = t.dir, maxStatement // the nodes fetch their copies themselves
	t.store, err = store.OpenShared(ctx, p, func(*postgres.DB) (store.Member, error) {
		return store.Member{Number: math.MaxUint32, Leave: func() {}, Installation: installation,
			Instead: "drop the database, which only has what a dry run or an incomplete move has written, create it again and repeat the move"}, nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", err), os.RemoveAll(t.dir))
	}
	sh := t.store.Shared
	t.DB, t.States, t.Corpus = sh.Postgres, clearable{sh.States, sh}, sh.Replica
	return t, nil
}

// clearable implements [States].
type clearable struct {
	updater
	shared *store.Shared
}

func (c clearable) Clear(ctx context.Context) error { return c.shared.ClearStates(ctx) }

// installationIn returns the id of the installation that is to be moved, or why it can't be.
func installationIn(ctx context.Context, o Options) (string, error) {
	m, err := begin(ctx, o)
	if err != nil {
		return "", err
	}
	return m.source.fingerprint, m.source.close()
}

// Close closes the store.
func (t *Opened) Close() error { return errors.Join(t.store.Close(), os.RemoveAll(t.dir)) }
