package tokens

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// Store stores token states. Implementations must pass storetest.Run.
type Store interface {
	// Update atomically replaces the state of token id with fn of it, and returns once the new
	// state is durable. A token that was never seen has the zero State. fn is pure: it may be
	// called again if another writer came first. A fn that returns its argument writes nothing.
	// After an error, nothing is known to have changed, and a later Update of id sees what is
	// stored.
	Update(ctx context.Context, id ID, fn func(State) State) error
	// Peek returns the state of token id if it is in memory. It does not wait. The state may be
	// changing at this moment, so it may only be used to save work: an Update must confirm every
	// refusal.
	Peek(id ID) (s State, known bool)
}

// AddressChecker checks the addresses that tokens are bound to.
type AddressChecker interface {
	// Check returns the verdict of a call's address.
	Check(ctx context.Context, a AddressUse) (AddressVerdict, error)
	// ChallengeIssued reports that a challenge was issued because of an address. It is called once
	// for each challenge.
	ChallengeIssued(ctx context.Context, c AddressChallenge) error
	// ChallengeSolved reports that such a challenge was solved. It is called once.
	ChallengeSolved(ctx context.Context, c AddressChallenge) error
}

// AddressUse is the use of a token at an address.
type AddressUse struct {
	From           netip.Addr
	Tenant         uint32 // whose token it is
	At             time.Time
	NewBinding     bool   // it was bound just now, and no address was consulted about it before
	AddressChecked bool   // the address was consulted about it before
	Key            Key    // what it is bound to; zero: it is bound to the address
	Records        uint32 // what it would deliver beyond its allowance
}

// AddressChallenge is a challenge that was issued because of an address.
type AddressChallenge struct {
	From   netip.Addr
	Tenant uint32
	At     time.Time
	Shared bool // because of a budget that tenants or addresses share
}

// Gate applies events to stored tokens, and reports them to their addresses.
type Gate struct {
	Store     Store
	Addresses AddressChecker
	dead      recentlyDead
}

// Check steps token id through a Check. If the state in memory admits it and does not change,
// nothing is written.
func (g *Gate) Check(ctx context.Context, id ID, p Policy, e Check) (Verdict, error) {
	s, known := g.Store.Peek(id)
	if known && s.Dead == None && (s.AddressChecked || !e.Blocked) {
		if next, v := check(s, p, e); v.Outcome == Admit && next == s { // the result of Step
			v.State = s
			return v, nil
		}
	}
	return g.Apply(ctx, id, p, e)
}

// Apply steps token id through e. On error the Verdict refuses.
func (g *Gate) Apply(ctx context.Context, id ID, p Policy, e Event) (Verdict, error) {
	v, err := g.step(ctx, id, p, e)
	if err == nil && v.Outcome == NeedAddress {
		v, err = g.consultAddress(ctx, id, p, e, v)
	}
	if err == nil {
		err = g.reportChallenge(ctx, e, v)
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
		g.dead.add(id, v.State.Dead)
	}
	return v, err
}

// consultAddress gets the verdict of the address on a token, and steps the token again.
func (g *Gate) consultAddress(ctx context.Context, id ID, p Policy, e Event, was Verdict) (Verdict, error) {
	c, _ := callIn(e)
	address, err := g.Addresses.Check(ctx, AddressUse{From: c.From, Tenant: c.Tenant, At: c.At,
		NewBinding: was.NewlyBound, AddressChecked: was.State.AddressChecked, Key: was.State.Bound.Key(), Records: beyondAllowance(was.State, c)})
	if err != nil {
		return Verdict{}, err
	}
	address.Known = true
	v, err := g.step(ctx, id, p, withAddressVerdict(e, address, c.Binder || was.NewlyBound))
	v.NewlyBound = was.NewlyBound
	return v, err
}

// withAddressVerdict returns the event with the verdict of the address.
func withAddressVerdict(e Event, address AddressVerdict, binder bool) Event {
	with := func(c Call) Call {
		c.Address, c.Binder = address, binder
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

// reportChallenge reports a challenge to its address, if the challenge was issued because of the
// address, and this event opened or solved it. Only one of many simultaneous calls opens a
// challenge, so it counts once.
func (g *Gate) reportChallenge(ctx context.Context, e Event, v Verdict) error {
	c, ok := callIn(e)
	if !ok {
		return nil
	}
	if v.Solved != NoKind && v.For != ByToken {
		if err := g.Addresses.ChallengeSolved(ctx, AddressChallenge{c.From, c.Tenant, c.At, v.For == ByAll}); err != nil {
			return err
		}
	}
	if open := v.State.OpenChallenge; v.ChallengeIssued && open.For != ByToken {
		return g.Addresses.ChallengeIssued(ctx, AddressChallenge{c.From, c.Tenant, c.At, open.For == ByAll})
	}
	return nil
}

// Dead returns why token id is dead, if it died recently, or None. It does not consult the store,
// so a request with such a token can be refused before anything is read for it. Its result is never
// wrong, because a dead token stays dead. But it is forgotten after a while, and then only the
// store has it.
func (g *Gate) Dead(id ID) Reason { return g.dead.get(id) }

// State returns the stored state of token id.
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
