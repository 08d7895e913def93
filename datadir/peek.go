package datadir

import (
	"context"
	"errors"
	"time"

	"stile.example/stile/nodes"
	"stile.example/stile/settings"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/postgres/nodetable"
)

// Peeked is what [Peek] finds.
type Peeked struct {
	Version     string // of PostgreSQL
	IsNew       bool   // the database has no tables
	IsOld       bool   // an older version of stile wrote it
	Clock       time.Duration
	KeyProblem  error    // why the keys in it can't be decrypted
	Live        []string // names of live servers
	SameNames   []string // that several of them have
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
		p.IsOld = true
		return p, nil
	}
	v, err := (nodetable.Sealed{DB: db}).Read(ctx, sealedKeys)
	if err != nil {
		return p, err
	}
	if v.Data != nil {
		d := &Dir{box: box, Now: now}
		_, p.KeyProblem = d.unseal(v)
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
	p.Differences = nodes.Differences(s.SharedFingerprint(box.DigestKey()), all)
	return p, nil
}
