package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Store keeps token states. Implementations must pass storetest.Run.
type Store interface {
	// Update atomically replaces the state of token id with the result of fn, and returns once the
	// new state is durable. A token that was never seen has the zero State. fn is pure: it may be
	// called again if another writer came first. If fn returns its argument, nothing is written.
	// After an error, the state may or may not have changed; a later Update sees what is stored.
	Update(ctx context.Context, id ID, fn func(State) State) error
	// Peek returns the state of token id if it is in memory. It does not wait, and the state may be
	// outdated when it returns. So Peek may only save work: an Update must decide again before a
	// call is refused.
	Peek(id ID) (s State, known bool)
}

// SharedStore is a Store that several processes use at the same time.
type SharedStore interface {
	Store
	// UpdateOnce is Update, and spends once together with the new state, in one atomic step. If it
	// was spent before, by any process, the state does not change and the error is [ErrUsed]. If fn
	// returns its argument, nothing is spent.
	UpdateOnce(ctx context.Context, id ID, once Once, fn func(State) State) (spent bool, err error)
	// NotBefore returns the time until which stored states may have been lost, in Unix seconds, or
	// 0. A token that has no state, and was issued until then, may have been used. The time may
	// change while an Update waits: so it is to be read by fn.
	NotBefore() int64
	// Await waits a moment for what another process is about to store, longer for each time that it
	// was waited for before. It returns false if that takes too long, or ctx ends.
	Await(ctx context.Context, times int) bool
}

// Errors of a [SharedStore].
var (
	// ErrUsed says that a [Once] was spent before.
	ErrUsed = errors.New("it was used before")
	// ErrUnknown says that the state may have changed, or may still change.
	ErrUnknown = errors.New("it is unknown whether the value was stored")
)

// AddressChecker applies the rules about source addresses.
type AddressChecker interface {
	// Check counts the use of a token at its address, and returns what the address's rules say.
	Check(ctx context.Context, a AddressUse) (AddressVerdict, error)
	// ChallengeIssued records that a challenge was issued because of the address. It is called once
	// for each such challenge.
	ChallengeIssued(ctx context.Context, c AddressChallenge) error
	// ChallengeSolved records that such a challenge was solved. It is called once for each.
	ChallengeSolved(ctx context.Context, c AddressChallenge) error
}

// AddressUse is the use of a token at an address.
type AddressUse struct {
	From           netip.Addr
	Tenant         uint32 // number of the token's tenant
	At             time.Time
	NewBinding     bool     // the token's binding is to be counted: it was perhaps not counted yet
	AddressChecked bool     // an address was consulted about the token before
	Key            Key      // key that the token is bound to; zero: it is address-bound
	Person         [16]byte // who uses the token; zero: not known
	Records        uint32   // records and titles that exceed the token's allowance
}

// AddressChallenge is a challenge that was issued because of an address.
type AddressChallenge struct {
	From   netip.Addr
	Tenant uint32
	At     time.Time
	Shared bool // a budget that tenants or addresses share led to it
}

// Gate applies events to stored tokens, and consults their addresses. Its methods may be called
// from several goroutines. The zero value needs a Store, and Addresses if tokens are to be bound.
type Gate struct {
	Store     Store
	Addresses AddressChecker
	dead      recentlyDead
	first     firstCalls
}

// Check applies a Check to token id. If the state in memory admits it without a change, nothing is
// written and the Store's writer is not involved.
func (g *Gate) Check(ctx context.Context, id ID, p Policy, e Check) (Verdict, error) {
	s, known := g.Store.Peek(id)
	if known && s.Dead == None && (s.AddressChecked || !e.Blocked) {
		if next, v := Step(s, p, e); v.Outcome == Admit && next == s {
			return v, nil
		}
	}
	return g.Apply(ctx, id, p, e)
}

// Apply applies e to token id. On error the Verdict refuses.
func (g *Gate) Apply(ctx context.Context, id ID, p Policy, e Event) (Verdict, error) {
	if c, isCall := callIn(e); isCall && !c.Settled { // another look at the state is 2 % of a call
		if s, known := g.Store.Peek(id); !known || !s.AddressChecked {
			leave, err := g.first.enter(ctx, id)
			if err != nil {
				return Verdict{}, fmt.Errorf("wait for the token's first call: %w", err)
			}
			defer leave()
		}
	}
	v, err := g.step(ctx, id, p, e)
	if err == nil && v.Spent && v.Outcome == NeedAddress {
		e = withCall(e, func(c Call) Call { c.Proof, c.Counter = Once{}, 0; return c })
	}
	counts := v.NewlyBound
	if shared, ok := g.Store.(SharedStore); ok && err == nil && v.isBeforeAddress() {
		v, err = g.awaitBinder(ctx, shared, id, p, e, v)
		counts = v.isBeforeAddress()
	}
	if err == nil && v.Outcome == NeedAddress {
		v, err = g.consultAddress(ctx, id, p, e, v, counts)
	}
	if err == nil {
		err = g.reportChallenge(ctx, e, v)
	}
	if err != nil {
		return Verdict{}, fmt.Errorf("apply %T: %w", e, err)
	}
	return v, nil
}

// stepping is one application of an event by the store, whose function needs memory of its own.
type stepping struct {
	p    Policy
	e    Event
	call Call // memory for e
	v    Verdict
	fn   func(State) State
}

// steppings holds steppings for reuse. Without it a call allocates 340 bytes more, a quarter.
var steppings = sync.Pool{New: func() any {
	t := &stepping{}
	t.fn = func(s State) State {
		s, t.v = Step(s, t.p, t.e)
		return s
	}
	return t
}}

func (g *Gate) step(ctx context.Context, id ID, p Policy, e Event) (v Verdict, err error) {
	if shared, ok := g.Store.(SharedStore); ok {
		v, err = stepShared(ctx, shared, id, p, e)
	} else {
		t := steppings.Get().(*stepping)
		t.p, t.e = p, copyCall(e, &t.call)
		err = g.Store.Update(ctx, id, t.fn)
		if err == nil { // otherwise the store may still call fn
			v = t.v
			t.e, t.v = nil, Verdict{}
			steppings.Put(t)
		}
	}
	if err == nil && v.State.Dead != None {
		g.dead.add(id, v.State.Dead)
	}
	return v, err
}

// copyCall returns an event that its caller can't change any more: a call is copied to the memory
// at to. A store may still apply an event when its step has failed for the caller.
func copyCall(e Event, to *Call) Event {
	c, isCall := e.(*Call)
	if !isCall {
		return e
	}
	*to = *c
	return to
}

// stepShared applies an event to a state that other processes may change too.
func stepShared(ctx context.Context, store SharedStore, id ID, p Policy, e Event) (v Verdict, err error) {
	e = copyCall(e, new(Call))
	fn := func(s State) State {
		at := e
		if s.Bound.Kind == Unbound {
			at = withCall(e, func(c Call) Call { c.NotBefore = store.NotBefore(); return c })
		}
		s, v = Step(s, p, at)
		return s
	}
	spent := false
	if c, _ := callIn(e); c.Proof == (Once{}) {
		err = store.Update(ctx, id, fn)
	} else {
		spent, err = store.UpdateOnce(ctx, id, c.Proof, fn)
	}
	v.Spent = v.Spent || spent
	return v, err
}

// isBeforeAddress reports whether another call has bound the token, and has not consulted the
// address yet.
func (v Verdict) isBeforeAddress() bool {
	return v.Outcome == NeedAddress && !v.NewlyBound && !v.State.AddressChecked
}

// awaitBinder waits until the process that bound a token has consulted the address, which counts
// the binding. Consulted earlier, the address would not know of it, and would admit too much.
// [firstCalls] does the same within a process.
//
// If the address is not consulted in time, perhaps the binding was never counted: the other process
// ended, or its engine failed or was late. Then this call counts it, even if it is counted twice.
// Otherwise somebody who binds tokens during a fault would exceed the address's budget.
func (g *Gate) awaitBinder(ctx context.Context, store SharedStore, id ID, p Policy, e Event, was Verdict) (v Verdict, err error) {
	v = was
	for n := 0; err == nil && v.isBeforeAddress() && store.Await(ctx, n); n++ {
		v, err = stepShared(ctx, store, id, p, e)
	}
	v.Spent = v.Spent || was.Spent
	return v, err
}

// consultAddress consults the address about a token, and applies the event again with the verdict.
// counts says that the address is to count the binding.
func (g *Gate) consultAddress(ctx context.Context, id ID, p Policy, e Event, was Verdict, counts bool) (Verdict, error) {
	c, _ := callIn(e)
	address, err := g.Addresses.Check(ctx, AddressUse{From: c.From, Tenant: c.Tenant, At: c.At,
		NewBinding: counts, AddressChecked: was.State.AddressChecked, Key: was.State.Bound.Key(), Person: c.Person, Records: beyondAllowance(was.State, c)})
	if err != nil {
		return Verdict{}, err
	}
	address.Known = true
	v, err := g.step(ctx, id, p, withAddressVerdict(e, address, c.Binder || was.NewlyBound))
	v.NewlyBound, v.Spent = was.NewlyBound, v.Spent || was.Spent
	return v, err
}

// withAddressVerdict returns an event with the address's verdict. binder says that the same request
// bound the token.
func withAddressVerdict(e Event, address AddressVerdict, binder bool) Event {
	return withCall(e, func(c Call) Call {
		c.Address, c.Binder = address, binder
		return c
	})
}

// withCall returns an event with its call as with returns it.
func withCall(e Event, with func(Call) Call) Event {
	switch e := e.(type) {
	case Check:
		e.Call = with(e.Call)
		return e
	case *Call:
		c := with(*e)
		return &c
	case Suggest:
		return Suggest(with(Call(e)))
	case Attempt:
		e.Call = with(e.Call)
		return e
	case Inspect:
		return Inspect(with(Call(e)))
	case Answer:
		e.Call = with(e.Call)
		return e
	case Reload:
		e.Call = with(e.Call)
		return e
	}
	return e // it has no call
}

// reportChallenge reports to the address that this event issued or solved a challenge because of
// it. Of several simultaneous calls only one issues the challenge, so it is counted once.
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

// Dead returns why token id is known to be dead, or None. It does not read the store: a request
// with a dead token can be refused before anything is read for it. A dead token never becomes valid
// again, so an entry is never wrong. An entry may be evicted; then the store's state decides.
func (g *Gate) Dead(id ID) Reason { return g.dead.get(id) }

// State returns what is known about token id. If several servers share the store, a newer state may
// be stored: it is for decisions that are made again by [Gate.Apply].
func (g *Gate) State(ctx context.Context, id ID) (s State, err error) {
	if s, known := g.Store.Peek(id); known {
		return s, nil
	}
	return g.read(ctx, id)
}

// Stored returns what is stored about token id. It may cost a round trip that State does not.
func (g *Gate) Stored(ctx context.Context, id ID) (State, error) {
	if _, shared := g.Store.(SharedStore); shared {
		return g.read(ctx, id)
	}
	return g.State(ctx, id)
}

func (g *Gate) read(ctx context.Context, id ID) (s State, err error) {
	err = g.Store.Update(ctx, id, func(old State) State { s = old; return old })
	if err != nil {
		return State{}, fmt.Errorf("read token: %w", err)
	}
	return s, nil
}
