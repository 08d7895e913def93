package tokens_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	. "stile.example/stile/tokens"
)

// memStore is a Store for one goroutine. Its err, if any, comes after the step.
type memStore struct {
	states map[ID]State
	err    error
}

func (s *memStore) Update(_ context.Context, id ID, fn func(State) State) error {
	next := fn(s.states[id])
	if s.err != nil {
		return s.err
	}
	s.states[id] = next
	return nil
}

func (s *memStore) Peek(id ID) (State, bool) {
	state, known := s.states[id]
	return state, known
}

// fakeAddresses has the same verdict for all addresses, and counts its calls.
type fakeAddresses struct {
	verdict          AddressVerdict
	bindings, checks int
	issued, solved   int
	records          uint32
	last             AddressUse
	err              error
}

func (n *fakeAddresses) Check(_ context.Context, a AddressUse) (AddressVerdict, error) {
	n.records += a.Records
	n.last = a
	if n.checks++; a.NewBinding {
		n.bindings++
	}
	return n.verdict, n.err
}

func (n *fakeAddresses) ChallengeIssued(context.Context, AddressChallenge) error {
	n.issued++
	return n.err
}

func (n *fakeAddresses) ChallengeSolved(context.Context, AddressChallenge) error {
	n.solved++
	return n.err
}

var generous = Policy{Calls: 9, Records: 90, BindWithin: time.Minute, SpikeCalls: 9, SpikeSuggestions: 9, SpikePer: time.Minute,
	Ladder: []Kind{Work}, Ignored: 1, PerToken: 5, Expires: time.Minute}

// TestGateChecksTheAddressOnce checks that a binding is reported once. After an error, the next
// call consults the address again, and the binding is no longer new.
func TestGateChecksTheAddressOnce(t *testing.T) {
	n := &fakeAddresses{verdict: AddressVerdict{Kind: Work}, err: errors.New("disk full")}
	g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: n}
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	if v, err := g.Apply(t.Context(), ID{1}, generous, c); !errors.Is(err, n.err) || v != (Verdict{}) {
		t.Errorf("with an error: %+v, %v", v, err)
	}
	n.err = nil
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
	if n.bindings != 1 || n.checks != 2 || n.solved != 1 {
		t.Errorf("the address got %d bindings in %d checks, and %d solved challenges", n.bindings, n.checks, n.solved)
	}
}

// TestGateBlocked checks that a blocked address refuses the request, and that the token stays
// valid.
func TestGateBlocked(t *testing.T) {
	n := &fakeAddresses{verdict: AddressVerdict{Blocked: true}}
	g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: n}
	c := Suggest{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Reason != AddressBlocked || !v.NewlyBound {
		t.Errorf("got %+v, %v", v, err)
	}
	n.verdict.Blocked = false
	if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Outcome != Admit {
		t.Errorf("after the block: %+v, %v", v, err)
	}
}

// TestGateAllowance checks that an address is consulted only about records beyond the token's
// allowance, and that a binding is reported once.
func TestGateAllowance(t *testing.T) {
	n := &fakeAddresses{verdict: AddressVerdict{Allowance: 20}}
	g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: n}
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1"), Records: 15}
	for call, want := range []struct {
		bindings, checks int
		records          uint32
		// The allowances are added: 20, 40, 60, 60, 80.
	}{{1, 1, 15}, {1, 2, 15 + 10}, {1, 3, 25 + 5}, {1, 3, 30}, {1, 4, 30 + 15}} {
		if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Outcome != Admit || v.NewlyBound != (call == 0) {
			t.Fatalf("call %d: %+v, %v", call, v, err)
		}
		if n.bindings != want.bindings || n.checks != want.checks || n.records != want.records {
			t.Errorf("call %d: %d bindings in %d checks for %d records, want %+v", call, n.bindings, n.checks, n.records, want)
		}
	}
}

func TestGateRefusesOnError(t *testing.T) {
	s := &memStore{states: map[ID]State{}, err: errors.New("disk full")}
	g := Gate{Store: s, Addresses: &fakeAddresses{}}
	p := generous
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	v, err := g.Apply(t.Context(), ID{1}, p, c)
	if !errors.Is(err, s.err) || v != (Verdict{}) {
		t.Errorf("got %+v, %v", v, err)
	}
	if g.Dead(ID{1}) != None {
		t.Error("an error killed the token")
	}
	s.err = nil
	if v, err = g.Apply(t.Context(), ID{1}, p, c); err != nil || v.Outcome != Admit {
		t.Errorf("after the error: %+v, %v", v, err)
	}
}

func TestGateRemembersTheDead(t *testing.T) {
	g := Gate{Store: &memStore{states: map[ID]State{}}}
	if g.Dead(ID{1}) != None {
		t.Error("a token never seen is dead")
	}
	if _, err := g.Apply(t.Context(), ID{1}, Policy{}, Revoke{Tenant: 1}); err != nil {
		t.Fatal(err)
	}
	if g.Dead(ID{1}) != Revoked {
		t.Errorf("dead with reason %q", g.Dead(ID{1}))
	}
	for n := range 200_000 { // more than it stores
		g.Apply(t.Context(), ID{2, byte(n), byte(n >> 8), byte(n >> 16)}, Policy{}, Revoke{})
	}
	if g.Dead(ID{1}) != None {
		t.Error("nothing is dropped")
	}
	if v, err := g.Apply(t.Context(), ID{1}, Policy{}, Inspect{}); err != nil || v.Reason != Revoked {
		t.Errorf("dropped, the store must refuse it: %+v, %v", v, err)
	}
	if s, err := g.State(t.Context(), ID{1}); err != nil || s.Dead != Revoked || s.Tenant != 1 {
		t.Errorf("State: %+v, %v", s, err)
	}
}

// racingAddresses runs a function during the first check, as another caller would.
type racingAddresses struct {
	fakeAddresses
	meanwhile func()
}

func (n *racingAddresses) Check(ctx context.Context, a AddressUse) (AddressVerdict, error) {
	if n.meanwhile != nil {
		do := n.meanwhile
		n.meanwhile = nil
		do()
	}
	return n.fakeAddresses.Check(ctx, a)
}

// TestBindingCallIsAnswered checks that, of two simultaneous first calls, the one that bound the
// token is answered, although the other kills the token while the address is consulted.
func TestBindingCallIsAnswered(t *testing.T) {
	n := &racingAddresses{}
	g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: n}
	mine := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	theirs := mine
	theirs.From = netip.MustParseAddr("203.0.113.9")
	n.meanwhile = func() {
		if v, err := g.Apply(t.Context(), ID{1}, generous, theirs); err != nil || v.Reason != Hijacked {
			t.Errorf("the other caller: %+v, %v", v, err)
		}
	}
	if v, err := g.Apply(t.Context(), ID{1}, generous, mine); err != nil || v.Outcome != Admit || v.State.Used.Total().Calls != 1 {
		t.Errorf("the call that bound it: %+v, %v", v, err)
	}
	for _, c := range []Call{mine, theirs, {At: midnight, From: mine.From, Address: AddressVerdict{Known: true}}} {
		if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Reason != Hijacked {
			t.Errorf("afterwards: %+v, %v", v, err)
		}
	}
}

// TestGateNamesTheKey checks that an address gets the key of a key-bound token, and no key for an
// address-bound one.
func TestGateNamesTheKey(t *testing.T) {
	n := &fakeAddresses{}
	g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: n}
	for i, key := range []Key{{1}, {}} {
		c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1"), Key: key, Records: 3}
		if v, err := g.Apply(t.Context(), ID{byte(i)}, generous, c); err != nil || v.Outcome != Admit || !v.NewlyBound {
			t.Fatalf("%+v, %v", v, err)
		}
		if want := (AddressUse{From: c.From, At: c.At, NewBinding: true, Key: key, Records: 3}); n.last != want {
			t.Errorf("got %+v, want %+v", n.last, want)
		}
	}
}
