package tokens_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	. "stile.example/stile/tokens"
)

// shelf is a store of one goroutine; its fault, if any, comes after the step.
type shelf struct {
	states map[ID]State
	fault  error
}

func (s *shelf) Update(_ context.Context, id ID, fn func(State) State) error {
	next := fn(s.states[id])
	if s.fault != nil {
		return s.fault
	}
	s.states[id] = next
	return nil
}

func (s *shelf) Peek(id ID) (State, bool) {
	state, known := s.states[id]
	return state, known
}

// street answers for all addresses, and counts what it is told.
type street struct {
	crowd         AddressVerdict
	fresh, seen   int
	asked, solved int
	records       uint32
	last          AddressUse
	fault         error
}

func (n *street) Check(_ context.Context, a AddressUse) (AddressVerdict, error) {
	n.records += a.Records
	n.last = a
	if n.seen++; a.NewBinding {
		n.fresh++
	}
	return n.crowd, n.fault
}

func (n *street) ChallengeIssued(context.Context, AddressChallenge) error { n.asked++; return n.fault }

func (n *street) ChallengeSolved(context.Context, AddressChallenge) error { n.solved++; return n.fault }

var generous = Policy{Calls: 9, Records: 90, BindWithin: time.Minute, SpikeCalls: 9, SpikeSuggestions: 9, SpikePer: time.Minute,
	Ladder: []Kind{Work}, Ignored: 1, PerToken: 5, Expires: time.Minute}

// TestGateAsksTheAddressOnce: a binding is told once; a fault in between is
// made good by the next call, and then the binding is not new any more.
func TestGateAsksTheAddressOnce(t *testing.T) {
	n := &street{crowd: AddressVerdict{Kind: Work}, fault: errors.New("disk full")}
	g := Gate{Store: &shelf{states: map[ID]State{}}, Addresses: n}
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	if v, err := g.Apply(t.Context(), ID{1}, generous, c); !errors.Is(err, n.fault) || v != (Verdict{}) {
		t.Errorf("with a fault: %+v, %v", v, err)
	}
	n.fault = nil
	v, err := g.Apply(t.Context(), ID{1}, generous, c)
	if err != nil || v.Outcome != Challenged || v.NewlyBound {
		t.Errorf("after it: %+v, %v", v, err)
	}
	v, err = g.Apply(t.Context(), ID{1}, generous, Answer{c, v.State.OpenChallenge.Number, true})
	if err != nil || v.Outcome != Admit {
		t.Errorf("the answer: %+v, %v", v, err)
	}
	for range 3 {
		if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Outcome != Admit {
			t.Errorf("a call: %+v, %v", v, err)
		}
	}
	if n.fresh != 1 || n.seen != 2 || n.solved != 1 {
		t.Errorf("the address was told of %d bindings in %d questions, and of %d solutions", n.fresh, n.seen, n.solved)
	}
}

// TestGateBlocked: a blocked address refuses the request; the token lives.
func TestGateBlocked(t *testing.T) {
	n := &street{crowd: AddressVerdict{Blocked: true}}
	g := Gate{Store: &shelf{states: map[ID]State{}}, Addresses: n}
	c := Suggest{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Reason != AddressBlocked || !v.NewlyBound {
		t.Errorf("got %+v, %v", v, err)
	}
	n.crowd.Blocked = false
	if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Outcome != Admit {
		t.Errorf("after the block: %+v, %v", v, err)
	}
}

// TestGateAsksForLeave: an address is told what a token is to deliver beyond
// what it has leave for, and only then; a binding is told of once.
func TestGateAsksForLeave(t *testing.T) {
	n := &street{crowd: AddressVerdict{Allowance: 20}}
	g := Gate{Store: &shelf{states: map[ID]State{}}, Addresses: n}
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1"), Records: 15}
	for call, want := range []struct {
		fresh, seen int
		records     uint32
	}{{1, 1, 15}, {1, 2, 15 + 10}, {1, 3, 25 + 5}, {1, 3, 30}, {1, 4, 30 + 15}} { // 20, 40, 60, 60, 80: leave is added
		if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Outcome != Admit || v.NewlyBound != (call == 0) {
			t.Fatalf("call %d: %+v, %v", call, v, err)
		}
		if n.fresh != want.fresh || n.seen != want.seen || n.records != want.records {
			t.Errorf("call %d: told of %d bindings in %d questions for %d records, want %+v", call, n.fresh, n.seen, n.records, want)
		}
	}
}

func TestGateRefusesOnFault(t *testing.T) {
	s := &shelf{states: map[ID]State{}, fault: errors.New("disk full")}
	g := Gate{Store: s, Addresses: &street{}}
	p := generous
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	v, err := g.Apply(t.Context(), ID{1}, p, c)
	if !errors.Is(err, s.fault) || v != (Verdict{}) {
		t.Errorf("got %+v, %v", v, err)
	}
	if g.Dead(ID{1}) != None {
		t.Error("a fault killed the token")
	}
	s.fault = nil
	if v, err = g.Apply(t.Context(), ID{1}, p, c); err != nil || v.Outcome != Admit {
		t.Errorf("after the fault: %+v, %v", v, err)
	}
}

func TestGateRemembersTheDead(t *testing.T) {
	g := Gate{Store: &shelf{states: map[ID]State{}}}
	if g.Dead(ID{1}) != None {
		t.Error("a token never seen is dead")
	}
	if _, err := g.Apply(t.Context(), ID{1}, Policy{}, Revoke{Tenant: 1}); err != nil {
		t.Fatal(err)
	}
	if g.Dead(ID{1}) != Revoked {
		t.Errorf("dead of %q", g.Dead(ID{1}))
	}
	for n := range 200_000 { // the memory of the dead is bounded
		g.Apply(t.Context(), ID{2, byte(n), byte(n >> 8), byte(n >> 16)}, Policy{}, Revoke{})
	}
	if g.Dead(ID{1}) != None {
		t.Error("nothing is forgotten")
	}
	if v, err := g.Apply(t.Context(), ID{1}, Policy{}, Inspect{}); err != nil || v.Reason != Revoked {
		t.Errorf("forgotten, the store must say it: %+v, %v", v, err)
	}
	if s, err := g.State(t.Context(), ID{1}); err != nil || s.Dead != Revoked || s.Tenant != 1 {
		t.Errorf("State: %+v, %v", s, err)
	}
}

// passerBy is a neighbour in whose time somebody else uses the token.
type passerBy struct {
	street
	meanwhile func()
}

func (n *passerBy) Check(ctx context.Context, a AddressUse) (AddressVerdict, error) {
	if n.meanwhile != nil {
		do := n.meanwhile
		n.meanwhile = nil
		do()
	}
	return n.street.Check(ctx, a)
}

// TestBindingCallIsAnswered: of two first calls at once, the one that bound the
// token is answered, though the other kills it while the address is asked.
func TestBindingCallIsAnswered(t *testing.T) {
	n := &passerBy{}
	g := Gate{Store: &shelf{states: map[ID]State{}}, Addresses: n}
	mine := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	theirs := mine
	theirs.From = netip.MustParseAddr("203.0.113.9")
	n.meanwhile = func() {
		if v, err := g.Apply(t.Context(), ID{1}, generous, theirs); err != nil || v.Reason != Hijacked {
			t.Errorf("the stranger: %+v, %v", v, err)
		}
	}
	if v, err := g.Apply(t.Context(), ID{1}, generous, mine); err != nil || v.Outcome != Admit || v.State.Used.Total().Calls != 1 {
		t.Errorf("who bound it: %+v, %v", v, err)
	}
	for _, c := range []Call{mine, theirs, {At: midnight, From: mine.From, Address: AddressVerdict{Known: true}}} {
		if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Reason != Hijacked {
			t.Errorf("afterwards: %+v, %v", v, err)
		}
	}
}

// TestGateNamesTheKey: an address is told which key its token is bound to, and
// of one that is bound to the address, none.
func TestGateNamesTheKey(t *testing.T) {
	n := &street{}
	g := Gate{Store: &shelf{states: map[ID]State{}}, Addresses: n}
	for i, key := range []Key{{1}, {}} {
		c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1"), Key: key, Records: 3}
		if v, err := g.Apply(t.Context(), ID{byte(i)}, generous, c); err != nil || v.Outcome != Admit || !v.NewlyBound {
			t.Fatalf("%+v, %v", v, err)
		}
		if want := (AddressUse{From: c.From, At: c.At, NewBinding: true, Key: key, Records: 3}); n.last != want {
			t.Errorf("told of %+v, want %+v", n.last, want)
		}
	}
}
