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

// AddressChecker know the addresses that tokens are bound to.
type AddressChecker interface {
	// Check says what the address of a call calls for.
	Check(ctx context.Context, a AddressUse) (AddressVerdict, error)
	// ChallengeIssued reports that a challenge was opened which the address had called
	// for. It is called once for each challenge.
	ChallengeIssued(ctx context.Context, c AddressChallenge) error
	// ChallengeSolved reports that such a challenge was solved. It is called once.
	ChallengeSolved(ctx context.Context, c AddressChallenge) error
}

// AddressUse is a token that is used at an address, of which the address must be
// told.
type AddressUse struct {
	From           netip.Addr
	Tenant         uint32 // whose token it is
	At             time.Time
	NewBinding     bool   // it was bound just now, and no address was told of it before
	AddressChecked bool   // the address was consulted about it before
	Key            Key    // what it is bound to; zero: it is bound to the address
	Records        uint32 // what it is to deliver, and has no leave for yet
}

// AddressChallenge is a challenge that an address had called for.
type AddressChallenge struct {
	From   netip.Addr
	Tenant uint32
	At     time.Time
	Shared bool // a budget that tenants or addresses share had called for it
}

// Gate applies events to stored tokens, and tells their addresses.
type Gate struct {
	Store     Store
	Addresses AddressChecker
	dead      recentlyDead
}

// Check steps token id through a Check. If the state in memory admits it, it
// changes nothing, and nothing is written.
func (g *Gate) Check(ctx context.Context, id ID, p Policy, e Check) (Verdict, error) {
	s, known := g.Store.Peek(id)
	if known && s.Dead == None && (s.AddressChecked || !e.Blocked) {
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

// consultAddress asks the address about a token, and steps the token once more.
func (g *Gate) consultAddress(ctx context.Context, id ID, p Policy, e Event, was Verdict) (Verdict, error) {
	c, _ := callIn(e)
	crowd, err := g.Addresses.Check(ctx, AddressUse{From: c.From, Tenant: c.Tenant, At: c.At,
		NewBinding: was.NewlyBound, AddressChecked: was.State.AddressChecked, Key: was.State.Bound.Key(), Records: beyondAllowance(was.State, c)})
	if err != nil {
		return Verdict{}, err
	}
	crowd.Known = true
	v, err := g.step(ctx, id, p, withAddressVerdict(e, crowd, c.Binder || was.NewlyBound))
	v.NewlyBound = was.NewlyBound
	return v, err
}

// withAddressVerdict is an event with what the address said.
func withAddressVerdict(e Event, crowd AddressVerdict, binder bool) Event {
	with := func(c Call) Call {
		c.Address, c.Binder = crowd, binder
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

// reportChallenge tells the address of a challenge that it called for and that this event
// opened or solved. Of many calls at once only one opens a challenge, so it
// counts once.
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

// Dead is why token id is known to be dead, or None. It asks no store: a
// request with such a token can be refused before anything is read for it.
// A dead token never lives again, so what it remembers is never wrong; it
// forgets, and then the store says it.
func (g *Gate) Dead(id ID) Reason { return g.dead.get(id) }

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
