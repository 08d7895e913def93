package tokens

import (
	"context"
	"fmt"
)

// Store keeps token states. Implementations must pass storetest.Run.
type Store interface {
	// Update replaces the state of token id with fn of it, atomically, and
	// returns once the new state is durable. A token never seen has the zero
	// State. fn is pure: it may be called again if another writer came first.
	// A fn that returns its argument writes nothing. After an error nothing is
	// known to have changed, and a later Update of id sees what is stored.
	Update(ctx context.Context, id ID, fn func(State) State) error
}

// Gate applies events to stored tokens.
type Gate struct {
	Store Store
	dead  graveyard
}

// Apply steps token id through e. On error the Verdict refuses.
func (g *Gate) Apply(ctx context.Context, id ID, p Policy, e Event) (Verdict, error) {
	var v Verdict
	err := g.Store.Update(ctx, id, func(s State) State {
		s, v = Step(s, p, e)
		return s
	})
	if err != nil {
		return Verdict{}, fmt.Errorf("apply %T: %w", e, err)
	}
	if v.State.Dead != None {
		g.dead.bury(id, v.State.Dead)
	}
	return v, nil
}

// Dead is why token id is known to be dead, or None. It asks no store: a
// request with such a token can be refused before anything is read for it.
// A dead token never lives again, so what it remembers is never wrong; it
// forgets, and then the store says it.
func (g *Gate) Dead(id ID) Reason { return g.dead.find(id) }

// State is what is remembered of token id.
func (g *Gate) State(ctx context.Context, id ID) (s State, err error) {
	err = g.Store.Update(ctx, id, func(old State) State { s = old; return old })
	if err != nil {
		return State{}, fmt.Errorf("read token: %w", err)
	}
	return s, nil
}
