package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/nodes"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
)

const (
	// awaitOthers is how long a node that starts waits: for live nodes to say again whose an engine
	// is that has lost its memory, and for dead nodes to be seen as dead.
	awaitOthers = nodes.DeadAfter + 2*time.Second
	ownerPoll   = 250 * time.Millisecond
	watchEvery  = time.Second
	watchWithin = 2 * time.Second
	// changeSkew is how far the clocks of two nodes may differ: see package states.
	changeSkew = 10 * time.Second
)

// claim makes sure that the engine is the one that this installation and its live nodes use. Until
// that is certain, it changes nothing in the engine.
func (sh *Shared) claim(ctx context.Context, engine states.Engine, m Member, now func() time.Time) error {
	sh.owned = engine.(states.Owned)
	sink := values.Sink{DB: sh.Postgres}
	for began := time.Now(); ; {
		err := sh.tryClaim(ctx, engine, sink, m, now)
		isEarly := time.Since(began) < awaitOthers
		if !errors.Is(err, values.ErrMeanwhile) && !errors.Is(err, states.ErrOther) || !isEarly {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(ownerPoll):
		}
	}
}

func (sh *Shared) tryClaim(ctx context.Context, engine states.Engine, sink values.Sink, m Member, now func() time.Time) error {
	last, err := sink.Owner(ctx)
	if err == nil && last.Installation == "" {
		last, err = sink.Installed(ctx, cmp.Or(m.Installation, rand.Text()))
	}
	if err != nil {
		return err
	}
	found, err := sh.owned.Owner(ctx)
	if err != nil {
		return err
	}
	if m.Installation != "" && last.Memory == "" && found.Memory != "" && found.Installation == last.Installation {
		return errUsed
	}
	live, err := sink.Live(ctx)
	if err != nil {
		return err
	}
	next, changed, err := states.Choose(last, found, live)
	switch {
	case err != nil:
		return err
	case changed && m.Instead != "":
		return fmt.Errorf("%w, or it has lost its memory: set `state` as it was before, or %s", states.ErrOther, m.Instead)
	case changed:
		err = sh.clear(ctx, engine, sink, last, found)
	}
	if err != nil {
		return err
	}
	if found.Memory == "" {
		found, err = sh.owned.SetOwner(ctx, next)
	}
	if err == nil && found.Memory != next.Memory {
		err = values.ErrMeanwhile
	}
	if err != nil || last.Memory == next.Memory {
		sh.owner = next
		return err
	}
	notBefore, err := sink.UseEngine(ctx, last, next, changed, now().Add(changeSkew).Unix())
	if err != nil {
		return err
	}
	sh.owner = next
	if !changed {
		return nil
	}
	if f, ok := engine.(states.Forgetful); ok {
		if err := f.SetEpoch(ctx, notBefore); err != nil {
			return fmt.Errorf("begin an epoch: %w", err)
		}
	}
	sh.log.Warn("another engine of states is used than before, or it has lost its memory: tokens issued until now are refused", "not_before", time.Unix(notBefore, 0).UTC())
	return nil
}

// errUsed is for a move to a new database, which has the same installation as each other move of
// its source: the nodes of another database may use the engine, and the move would remove their
// states.
var errUsed = errors.New("the engine of states has states of this installation already, which another database uses, or used: set `state` to another database number, such as valkey://host/1, or to another engine. If no node uses them, such as after a move that was given up, empty the engine with FLUSHDB")

// ClearStates removes all states of tokens, addresses and quotas from the engine. No node may use
// it, and this process must not have read any of them.
func (sh *Shared) ClearStates(ctx context.Context) error { return sh.owned.Clear(ctx) }

// clear removes what an engine has from an earlier use by this installation. Counts that a dead
// node has not copied are copied before.
func (sh *Shared) clear(ctx context.Context, engine states.Engine, sink values.Sink, last, found states.Owner) error {
	if found.Installation == last.Installation || sh.Valkey == nil {
		if err := states.Transfer(ctx, engine, sink); err != nil {
			return err
		}
	}
	return sh.owned.Clear(ctx)
}

// Watch makes all calls fail for as long as the engine is not the one that the installation uses,
// such as after its name leads elsewhere. It runs until ctx ends.
func (sh *Shared) Watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for refused := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		at, cancel := context.WithTimeout(ctx, watchWithin)
		verdict, err := sh.checkOwner(at)
		cancel()
		if err != nil {
			continue // that the engine or the database does not respond is noticed by others
		}
		sh.guard.Refuse(verdict)
		switch {
		case verdict != nil && !refused:
			sh.log.Error("all calls are refused", "err", verdict)
		case verdict == nil && refused:
			sh.log.Info("the engine of states is the right one again")
		}
		refused = verdict != nil
	}
}

// checkOwner returns in verdict why the engine must not be used. If the engine has lost its memory,
// it stores the owner again.
func (sh *Shared) checkOwner(ctx context.Context) (verdict, err error) {
	found, err := sh.owned.Owner(ctx)
	if err != nil {
		return nil, err
	}
	last, lost := values.Sink{DB: sh.Postgres}.Owner(ctx)
	if lost == nil {
		sh.owner = last
	}
	if found == (states.Owner{}) {
		if lost != nil {
			return nil, lost
		}
		if found, err = sh.owned.SetOwner(ctx, sh.owner); err != nil {
			return nil, err
		}
	}
	return sh.owner.Check(found), nil
}
