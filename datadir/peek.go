package datadir

import (
	"context"
	"errors"
	"time"

	"stile.example/stile/datadir/moved"
	"stile.example/stile/nodes"
	"stile.example/stile/settings"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/postgres/nodetable"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
	"stile.example/stile/tokens/signing"
)

// Peeked is what [Peek] finds.
type Peeked struct {
	Version     string // of PostgreSQL
	IsNew       bool   // the database has no tables, or not all of them and no data
	IsOld       bool   // an older version of stile wrote the data
	Clock       time.Duration
	Unverified  bool         // others may read and change what is sent to PostgreSQL
	HasKeys     bool         // the keys of the servers are in it
	KeyProblem  error        // why they can't be decrypted
	Incomplete  error        // why nodes refuse to start on it: see [moved.ErrIncomplete]
	Live        []string     // names of live servers
	Engine      states.Owner // that the installation uses; zero: it is not known
	SameNames   []string     // that several of them have
	Differences []nodes.Difference
}

// Peek looks at a database that nodes share, without joining them, and without creating or
// migrating anything.
func Peek(ctx context.Context, s *settings.Settings, now func() time.Time) (p Peeked, err error) {
	box, err := NewBox(s)
	if err != nil {
		return p, err
	}
	url, err := s.StoreURL()
	if err != nil {
		return p, err
	}
	if cfg, err := postgres.Config(url); err == nil {
		p.Unverified = !postgres.IsVerified(cfg)
	}
	db, missing, err := postgres.OpenAsIs(ctx, url)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	began := now()
	var clock int64
	err = db.Reader().QueryRowContext(ctx, `SELECT current_setting('server_version'), (extract(epoch FROM clock_timestamp()) * 1000)::bigint`).Scan(&p.Version, &clock)
	if err != nil {
		return p, err
	}
	p.Clock = time.UnixMilli(clock).Sub(began.Add(now().Sub(began) / 2))
	switch {
	case missing == nil:
		p.IsNew = true
		return p, db.MayCreate(ctx)
	case len(missing) > 0:
		return p, p.lookAtOld(ctx, db)
	}
	v, err := (nodetable.Sealed{DB: db}).Read(ctx, sealedKeys)
	if err != nil {
		return p, err
	}
	var keys *signing.Set
	if p.HasKeys = v.Data != nil; p.HasKeys {
		d := &Dir{box: box, Now: now}
		keys, p.KeyProblem = d.unseal(v)
	}
	if err := p.lookForMove(ctx, db); err != nil {
		return p, err
	}
	if err := db.Ready(ctx); err != nil {
		return p, err
	}
	all, err := (nodetable.Table{Pool: db.Single()}).Nodes(ctx)
	if err != nil {
		return p, err
	}
	for _, r := range all {
		if r.Live() && r.Serves() {
			p.Live = append(p.Live, r.Name)
		}
	}
	p.SameNames = nodes.SameNames(all)
	if p.Engine, err = (values.Sink{DB: db}).Owner(ctx); err != nil {
		return p, err
	}
	if keys == nil {
		return p, nil
	}
	digestKey, err := signing.Shared(keys, false).DigestKey()
	p.Differences = nodes.Differences(s.SharedFingerprint(digestKey), all)
	return p, err
}

// lookAtOld says what a database without some tables has: the data of an older version, or only
// what was made before a first start or a move was interrupted.
func (p *Peeked) lookAtOld(ctx context.Context, db *postgres.DB) error {
	installation, err := db.Identity(ctx, secretKeyName)
	if err != nil {
		return err
	}
	p.IsNew, p.IsOld = installation == "", installation != ""
	return p.lookForMove(ctx, db)
}

// lookForMove says whether the database is the target of a move that is not complete.
func (p *Peeked) lookForMove(ctx context.Context, db *postgres.DB) error {
	err := moved.CheckIncoming(ctx, db)
	if errors.Is(err, moved.ErrIncomplete) {
		p.Incomplete, err = err, nil
	}
	return err
}
