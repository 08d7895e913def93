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
	// Peek returns the state of token id if it is in memory. It does not wait,
	// and what it returns may be changing at this moment, so it may only save
	// work: what it refuses is decided again by an Update.
	Peek(id ID) (s State, known bool)
}

// Neighbours know the addresses that tokens are bound to.
type Neighbours interface {
	// Bound says what the address of a call calls for.
	Bound(ctx context.Context, a Arrival) (Crowd, error)
	// Asked reports that a challenge was opened which the address had called
	// for. It is called once for each challenge.
	Asked(ctx context.Context, c Called) error
	// Solved reports that such a challenge was solved. It is called once.
	Solved(ctx context.Context, c Called) error
}

// Arrival is a token that is used at an address, of which the address must be
// told.
type Arrival struct {
	From    netip.Addr
	Tenant  uint32 // whose token it is
	At      time.Time
	Fresh   bool   // it was bound just now, and no address was told of it before
	Cleared bool   // the address was consulted about it before
	Key     Key    // what it is bound to; zero: it is bound to the address
	Records uint32 // what it is to deliver, and has no leave for yet
}

// Called is a challenge that an address had called for.
type Called struct {
	From   netip.Addr
	Tenant uint32
	At     time.Time
	Shared bool // a budget that tenants or addresses share had called for it
}

// Gate applies events to stored tokens, and tells their addresses.
type Gate struct {
	Store      Store
	Neighbours Neighbours
	dead       graveyard
}

// Check steps token id through a Check. If the state in memory admits it, it
// changes nothing, and nothing is written.
func (g *Gate) Check(ctx context.Context, id ID, p Policy, e Check) (Verdict, error) {
	s, known := g.Store.Peek(id)
	if known && s.Dead == None && (s.Cleared || !e.Blocked) {
		if next, v := check(s, p, e); v.Outcome == Admit && next == s { // as Step says
			v.State = s
			return v, nil
		}
	}
	return g.Apply(ctx, id, p, e)
}

// Apply steps token id through e. On error the Verdict refuses.
func (g *Gate) Apply(ctx context.Context, id ID, p Policy, e Event) (Verdict, error) {
	v, err := g.step(ctx, id, p, e)
	if err == nil && v.Outcome == AskAddress {
		v, err = g.ask(ctx, id, p, e, v)
	}
	if err == nil {
		err = g.tell(ctx, e, v)
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
	c, _ := callOf(e)
	crowd, err := g.Neighbours.Bound(ctx, Arrival{From: c.From, Tenant: c.Tenant, At: c.At,
		Fresh: was.Binds, Cleared: was.State.Cleared, Key: was.State.Bound.Key(), Records: lacks(was.State, c)})
	if err != nil {
		return Verdict{}, err
	}
	crowd.Asked = true
	v, err := g.step(ctx, id, p, withCrowd(e, crowd, c.Binder || was.Binds))
	v.Binds = was.Binds
	return v, err
}

// withCrowd is an event with what the address said.
func withCrowd(e Event, crowd Crowd, binder bool) Event {
	with := func(c Call) Call {
		c.Crowd, c.Binder = crowd, binder
		return c
	}
	switch e := e.(type) {
	case Check:
		e.Call = with(e.Call)
		return e
	case Call:
		return with(e)
	case Suggest:
		return Suggest(with(Call(e)))
	case Attempt:
		e.Call = with(e.Call)
		return e
	}
	return nil // no other event consults the address
}

// tell tells the address of a challenge that it called for and that this event
// opened or solved. Of many calls at once only one opens a challenge, so it
// counts once.
func (g *Gate) tell(ctx context.Context, e Event, v Verdict) error {
	c, ok := callOf(e)
	if !ok {
		return nil
	}
	if v.Solved != NoKind && v.Crowd != ByToken {
		if err := g.Neighbours.Solved(ctx, Called{c.From, c.Tenant, c.At, v.Crowd == ByAll}); err != nil {
			return err
		}
	}
	if open := v.State.Open; v.Asks && open.Crowd != ByToken {
		return g.Neighbours.Asked(ctx, Called{c.From, c.Tenant, c.At, open.Crowd == ByAll})
	}
	return nil
}

// Dead is why token id is known to be dead, or None. It asks no store: a
// request with such a token can be refused before anything is read for it.
// A dead token never lives again, so what it remembers is never wrong; it
// forgets, and then the store says it.
func (g *Gate) Dead(id ID) Reason { return g.dead.find(id) }

// State is what is remembered of token id.
func (g *Gate) State(ctx context.Context, id ID) (s State, err error) {
	if s, known := g.Store.Peek(id); known {
		return s, nil
	}
	err = g.Store.Update(ctx, id, func(old State) State { s = old; return old })
	if err != nil {
		return State{}, fmt.Errorf("read token: %w", err)
	}
	return s, nil
}
