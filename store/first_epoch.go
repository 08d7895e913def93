package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"stile.example/stile/store/postgres"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
	"stile.example/stile/store/valkey"
)

// BeginFirstEpoch makes an engine of states that is empty, as the database is, accept tokens that
// were issued before and never used: they have no state. An engine without an epoch would seem to
// have lost its memory. installation is the id of what is moved; an engine of another one is
// refused.
func (p Places) BeginFirstEpoch(ctx context.Context, installation string) (err error) {
	if p.States == "" {
		return nil // PostgreSQL does not lose its memory
	}
	db, err := postgres.Open(ctx, p.Postgres, postgres.Options{Log: p.Log, Now: p.Now, Created: p.Created})
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	installed, err := db.Identity(ctx, "secret_key")
	mine, failed := values.Sink{DB: db}.Owner(ctx)
	err = errors.Join(err, failed)
	if err = errors.Join(err, db.Close()); err != nil || installed != "" {
		return err
	}
	e, err := valkey.Open(ctx, p.ValkeyOptions())
	if err != nil {
		return fmt.Errorf("open the engine of states: %w", err)
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	mine.Installation = cmp.Or(mine.Installation, installation)
	found, err := e.Owner(ctx)
	var changed bool
	if err == nil {
		_, changed, err = states.Choose(mine, found, nil)
	}
	if err != nil || changed { // which claim refuses
		return err
	}
	_, err = e.Get(ctx, states.Key{Kind: states.KindOnce, ID: "\x00epoch"}) // there is no such value
	if errors.Is(err, states.ErrForgot) {
		err = e.SetEpoch(ctx, states.FirstEpoch) // it is to get the states of all tokens
	}
	if err != nil {
		return fmt.Errorf("prepare the engine of states: %w", err)
	}
	return nil
}
