package tokens

import (
	"context"
	"fmt"
	"net/netip"
	"time"
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

// Neighbours know the addresses that tokens are bound to.
type Neighbours interface {
	// Bound says what the address of a call calls for.
	Bound(ctx context.Context, a Arrival) (Crowd, error)
	// Solved tells that a challenge was solved which the address had called for.
	Solved(ctx context.Context, from netip.Addr, at time.Time) error
}

// Arrival is a token that is used at an address, of which the address must be
// told.
type Arrival struct {
	From    netip.Addr
	At      time.Time
	Fresh   bool   // it was bound just now, and no address was told of it before
	Key     Key    // what it is bound to; zero: it is bound to the address
	Records uint32 // what it is to deliver, and has no leave for yet
}

// Gate applies events to stored tokens, and tells their addresses.
type Gate struct {
	Store      Store
	Neighbours Neighbours
	dead       graveyard
}

// Apply steps token id through e. On error the Verdict refuses.
func (g *Gate) Apply(ctx context.Context, id ID, p Policy, e Event) (Verdict, error) {
	v, err := g.step(ctx, id, p, e)
	if err == nil && v.Outcome == AskAddress {
		v, err = g.ask(ctx, id, p, e, v)
	}
	if a, ok := e.(Answer); ok && err == nil && v.Crowd {
		err = g.Neighbours.Solved(ctx, a.From, a.At)
	}
	if err != nil {
		return Verdict{}, fmt.Errorf("apply %T: %w", e, err)
	}
	return v, nil
}

func (g *Gate) step(ctx context.Context, id ID, p Policy, e Event) (v Verdict, err error) {
	err = g.Store.Update(ctx, id, func(s State) State {
		s, v = Step(s, p, e)
		return s
	})
	if err == nil && v.State.Dead != None {
		g.dead.bury(id, v.State.Dead)
	}
	return v, err
}

// ask asks the address about a token, and steps the token once more.
func (g *Gate) ask(ctx context.Context, id ID, p Policy, e Event, was Verdict) (Verdict, error) {
	c, again := asked(e)
	crowd, err := g.Neighbours.Bound(ctx, Arrival{From: c.From, At: c.At, Fresh: was.Binds,
		Key: was.State.Bound.Key(), Records: lacks(was.State, c)})
	if err != nil {
		return Verdict{}, err
	}
	crowd.Asked = true
	v, err := g.step(ctx, id, p, again(crowd))
	v.Binds = was.Binds
	return v, err
}

// asked takes out of an event the call that is in it, and makes the event
// anew with what the address said.
func asked(e Event) (c Call, again func(Crowd) Event) {
	switch e := e.(type) {
	case Call:
		return e, func(crowd Crowd) Event { e.Crowd = crowd; return e }
	case Suggest:
		return Call(e), func(crowd Crowd) Event { e.Crowd = crowd; return e }
	}
	return Call{}, func(Crowd) Event { return nil } // no other event binds
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
