package tokens_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "stile.example/stile/tokens"
)

// memStore is a Store. Its fault, if any, occurs after fn was called.
type memStore struct {
	mu     sync.Mutex
	states map[ID]State
	fault  error
}

func (s *memStore) Update(_ context.Context, id ID, fn func(State) State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := fn(s.states[id])
	if s.fault != nil {
		return s.fault
	}
	s.states[id] = next
	return nil
}

func (s *memStore) Peek(id ID) (State, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, known := s.states[id]
	return state, known
}

// fakeAddresses returns one verdict for all addresses, and counts how it was called.
type fakeAddresses struct {
	verdict          AddressVerdict
	bindings, checks int
	issued, solved   int
	records          uint32
	last             AddressUse
	fault            error
}

func (f *fakeAddresses) Check(_ context.Context, a AddressUse) (AddressVerdict, error) {
	f.records += a.Records
	f.last = a
	if f.checks++; a.NewBinding {
		f.bindings++
	}
	return f.verdict, f.fault
}

func (f *fakeAddresses) ChallengeIssued(context.Context, AddressChallenge) error {
	f.issued++
	return f.fault
}

func (f *fakeAddresses) ChallengeSolved(context.Context, AddressChallenge) error {
	f.solved++
	return f.fault
}

var generous = Policy{Calls: 9, Records: 90, BindWithin: time.Minute, SpikeCalls: 9, SpikeSuggestions: 9, SpikePer: time.Minute,
	Ladder: []Kind{Work}, Ignored: 1, PerToken: 5, Expires: time.Minute}

// TestGateConsultsTheAddressOnce checks that a binding is reported to the address once. If a fault
// prevents that, the next call consults the address, and the binding is no longer new.
func TestGateConsultsTheAddressOnce(t *testing.T) {
	addresses := &fakeAddresses{verdict: AddressVerdict{Kind: Work}, fault: errors.New("disk full")}
	g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: addresses}
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	if v, err := g.Apply(t.Context(), ID{1}, generous, &c); !errors.Is(err, addresses.fault) || v != (Verdict{}) {
		t.Errorf("with a fault: %+v, %v", v, err)
	}
	addresses.fault = nil
	v, err := g.Apply(t.Context(), ID{1}, generous, &c)
	if err != nil || v.Outcome != Challenged || v.NewlyBound {
		t.Errorf("after it: %+v, %v", v, err)
	}
	v, err = g.Apply(t.Context(), ID{1}, generous, Answer{c, v.State.OpenChallenge.Number, true})
	if err != nil || v.Outcome != Admit {
		t.Errorf("the answer: %+v, %v", v, err)
	}
	for range 3 {
		if v, err := g.Apply(t.Context(), ID{1}, generous, &c); err != nil || v.Outcome != Admit {
			t.Errorf("a call: %+v, %v", v, err)
		}
	}
	if addresses.bindings != 1 || addresses.checks != 2 || addresses.solved != 1 {
		t.Errorf("the address counted %d new bindings in %d checks, and %d solved challenges", addresses.bindings, addresses.checks, addresses.solved)
	}
}

// TestGateBlocked checks that a blocked address refuses the request, and that the token lives.
func TestGateBlocked(t *testing.T) {
	addresses := &fakeAddresses{verdict: AddressVerdict{Blocked: true}}
	g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: addresses}
	c := Suggest{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Reason != AddressBlocked || !v.NewlyBound {
		t.Errorf("got %+v, %v", v, err)
	}
	addresses.verdict.Blocked = false
	if v, err := g.Apply(t.Context(), ID{1}, generous, c); err != nil || v.Outcome != Admit {
		t.Errorf("after the block: %+v, %v", v, err)
	}
}

// TestGateConsultsBeyondAllowance checks that the address is consulted about records beyond the
// token's allowance, and only then, and that it counts one binding.
func TestGateConsultsBeyondAllowance(t *testing.T) {
	addresses := &fakeAddresses{verdict: AddressVerdict{Allowance: 20}}
	g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: addresses}
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1"), Records: 15}
	// The allowance grows to 20, 40, 60 and 80: each verdict's is added.
	for call, want := range []struct {
		bindings, checks int
		records          uint32
	}{{1, 1, 15}, {1, 2, 15 + 10}, {1, 3, 25 + 5}, {1, 3, 30}, {1, 4, 30 + 15}} {
		if v, err := g.Apply(t.Context(), ID{1}, generous, &c); err != nil || v.Outcome != Admit || v.NewlyBound != (call == 0) {
			t.Fatalf("call %d: %+v, %v", call, v, err)
		}
		if addresses.bindings != want.bindings || addresses.checks != want.checks || addresses.records != want.records {
			t.Errorf("call %d: %d new bindings in %d checks for %d records, want %+v", call, addresses.bindings, addresses.checks, addresses.records, want)
		}
	}
}

// TestGateRefusesOnFault checks that an error of the store refuses the call, and that the token
// lives.
func TestGateRefusesOnFault(t *testing.T) {
	s := &memStore{states: map[ID]State{}, fault: errors.New("disk full")}
	g := Gate{Store: s, Addresses: &fakeAddresses{}}
	p := generous
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	v, err := g.Apply(t.Context(), ID{1}, p, &c)
	if !errors.Is(err, s.fault) || v != (Verdict{}) {
		t.Errorf("got %+v, %v", v, err)
	}
	if g.Dead(ID{1}) != None {
		t.Error("a fault killed the token")
	}
	s.fault = nil
	if v, err = g.Apply(t.Context(), ID{1}, p, &c); err != nil || v.Outcome != Admit {
		t.Errorf("after the fault: %+v, %v", v, err)
	}
}

// TestGateCachesDeadTokens checks that dead tokens are known without the store, that the cache is
// bounded, and that the store decides once an entry was evicted.
func TestGateCachesDeadTokens(t *testing.T) {
	g := Gate{Store: &memStore{states: map[ID]State{}}}
	if g.Dead(ID{1}) != None {
		t.Error("a token that was never seen is dead")
	}
	if _, err := g.Apply(t.Context(), ID{1}, Policy{}, Revoke{Tenant: 1}); err != nil {
		t.Fatal(err)
	}
	if g.Dead(ID{1}) != Revoked {
		t.Errorf("dead of %q", g.Dead(ID{1}))
	}
	for n := range 200_000 {
		g.Apply(t.Context(), ID{2, byte(n), byte(n >> 8), byte(n >> 16)}, Policy{}, Revoke{})
	}
	if g.Dead(ID{1}) != None {
		t.Error("the cache is not bounded")
	}
	if v, err := g.Apply(t.Context(), ID{1}, Policy{}, Inspect{}); err != nil || v.Reason != Revoked {
		t.Errorf("after its eviction: %+v, %v", v, err)
	}
	if s, err := g.State(t.Context(), ID{1}); err != nil || s.Dead != Revoked || s.Tenant != 1 {
		t.Errorf("State: %+v, %v", s, err)
	}
}

// slowAddresses calls meanwhile during its first check. If it returns an error, so does the check.
type slowAddresses struct {
	fakeAddresses
	meanwhile func() error
}

func (s *slowAddresses) Check(ctx context.Context, a AddressUse) (AddressVerdict, error) {
	if s.meanwhile != nil {
		do := s.meanwhile
		s.meanwhile = nil
		if err := do(); err != nil {
			return AddressVerdict{}, err
		}
	}
	return s.fakeAddresses.Check(ctx, a)
}

// TestBindingCallIsAdmitted checks two simultaneous first calls at two servers with one store. The
// one that bound the token is admitted, although the other kills the token while the address is
// consulted.
func TestBindingCallIsAdmitted(t *testing.T) {
	addresses := &slowAddresses{}
	store := &memStore{states: map[ID]State{}}
	g, other := Gate{Store: store, Addresses: addresses}, Gate{Store: store, Addresses: addresses}
	mine := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	theirs := mine
	theirs.From = netip.MustParseAddr("203.0.113.9")
	addresses.meanwhile = func() error {
		if v, err := other.Apply(t.Context(), ID{1}, generous, &theirs); err != nil || v.Reason != Hijacked {
			t.Errorf("the other call: %+v, %v", v, err)
		}
		return nil
	}
	if v, err := g.Apply(t.Context(), ID{1}, generous, &mine); err != nil || v.Outcome != Admit || v.State.Used.Total().Calls != 1 {
		t.Errorf("the call that bound the token: %+v, %v", v, err)
	}
	for _, c := range []Call{mine, theirs, {At: midnight, From: mine.From, Address: AddressVerdict{Known: true}}} {
		if v, err := g.Apply(t.Context(), ID{1}, generous, &c); err != nil || v.Reason != Hijacked {
			t.Errorf("afterwards: %+v, %v", v, err)
		}
	}
}

// TestFirstCallsWait makes simultaneous first calls of a token while its address is being
// consulted. They wait until the one that bound the token has the address's verdict, except for one
// whose client gives up. A call of another token does not wait.
func TestFirstCallsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		addresses := &slowAddresses{}
		g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: addresses}
		c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
		release := make(chan struct{})
		addresses.meanwhile = func() error { <-release; return nil }
		admitted := 0
		var mu sync.Mutex
		for range 6 {
			go func() {
				v, err := g.Apply(t.Context(), ID{1}, generous, &c)
				mu.Lock()
				defer mu.Unlock()
				if admitted++; err != nil || v.Outcome != Admit {
					t.Errorf("%+v, %v", v, err)
				}
			}()
		}
		synctest.Wait()
		if admitted != 0 || addresses.checks != 0 {
			t.Errorf("while the address is consulted: %d admitted, %d more consultations", admitted, addresses.checks)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.Apply(gone, ID{1}, generous, &c); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that gave up: %v", err)
		}
		if v, err := g.Apply(t.Context(), ID{2}, generous, &c); err != nil || v.Outcome != Admit {
			t.Errorf("another token: %+v, %v", v, err)
		}
		close(release)
		synctest.Wait()
		if admitted != 6 || addresses.checks != 2 || addresses.bindings != 2 {
			t.Errorf("afterwards: %d admitted, %d consultations, %d bindings; want 6, 2 and 2", admitted, addresses.checks, addresses.bindings)
		}
	})
}

// TestFirstCallEndsBadly checks that the calls that wait for a token's first call continue if it
// ends with an error or a panic.
func TestFirstCallEndsBadly(t *testing.T) {
	for name, end := range map[string]func() error{
		"error": func() error { return errors.New("disk full") },
		"panic": func() error { panic("in the first call") },
	} {
		synctest.Test(t, func(t *testing.T) {
			addresses := &slowAddresses{}
			g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: addresses}
			c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
			release := make(chan struct{})
			addresses.meanwhile = func() error { <-release; return end() }
			ended, admitted := false, false
			go func() {
				defer func() { recover(); ended = true }()
				if _, err := g.Apply(t.Context(), ID{1}, generous, &c); err == nil {
					t.Errorf("%s: the first call succeeds", name)
				}
			}()
			synctest.Wait()
			go func() {
				v, err := g.Apply(t.Context(), ID{1}, generous, &c)
				admitted = err == nil && v.Outcome == Admit
			}()
			synctest.Wait()
			if ended || admitted {
				t.Errorf("%s: nothing waits", name)
			}
			close(release)
			synctest.Wait()
			if !ended || !admitted || addresses.checks != 1 {
				t.Errorf("%s: ended %t, then admitted %t with %d consultations", name, ended, admitted, addresses.checks)
			}
		})
	}
}

// TestGateReportsTheKey checks that the address gets the key of a key-bound token, and the zero Key
// of an address-bound one.
func TestGateReportsTheKey(t *testing.T) {
	addresses := &fakeAddresses{}
	g := Gate{Store: &memStore{states: map[ID]State{}}, Addresses: addresses}
	for i, key := range []Key{{1}, {}} {
		c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1"), Key: key, Records: 3}
		if v, err := g.Apply(t.Context(), ID{byte(i)}, generous, &c); err != nil || v.Outcome != Admit || !v.NewlyBound {
			t.Fatalf("%+v, %v", v, err)
		}
		if want := (AddressUse{From: c.From, At: c.At, NewBinding: true, Key: key, Records: 3}); addresses.last != want {
			t.Errorf("the address got %+v, want %+v", addresses.last, want)
		}
	}
}

// TestGateSpendsACounterOnce checks that a session proof is spent before the address is consulted,
// so that simultaneous copies of a request consult it once, and that a Check that admits stores
// nothing.
func TestGateSpendsACounterOnce(t *testing.T) {
	addresses := &fakeAddresses{verdict: AddressVerdict{Allowance: 20}}
	store := &memStore{states: map[ID]State{}}
	g := Gate{Store: store, Addresses: addresses}
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1"), Key: Key{1}, Records: 15}
	if v, err := g.Apply(t.Context(), ID{1}, generous, &c); err != nil || v.Outcome != Admit {
		t.Fatalf("the first call: %+v, %v", v, err)
	}
	c.Counter, c.Records = 1, 5
	was := store.states[ID{1}]
	if v, err := g.Check(t.Context(), ID{1}, generous, Check{Call: c}); err != nil || v.Outcome != Admit || v.Spent || store.states[ID{1}] != was {
		t.Errorf("a check: %+v, %v", v, err)
	}
	if v, err := g.Apply(t.Context(), ID{1}, generous, &c); err != nil || v.Outcome != Admit || !v.Spent {
		t.Errorf("its call: %+v, %v", v, err)
	}
	c.Counter, c.Records = 2, 15 // more than the allowance
	checks, refused := addresses.checks, 0
	copied := c
	for _, e := range []Event{Check{Call: c}, &c, Check{Call: copied}, &copied} {
		v, err := g.Apply(t.Context(), ID{1}, generous, e)
		if err != nil {
			t.Fatal(err)
		}
		if v.Outcome == Refuse && v.Reason == ProofInvalid {
			refused++
		}
	}
	if addresses.checks != checks+1 || refused != 3 {
		t.Errorf("consulted %d times, %d refused of 3", addresses.checks-checks, refused)
	}
	c.Counter = 0 // the request's own call, after its Check has spent the proof
	if v, err := g.Apply(t.Context(), ID{1}, generous, &c); err != nil || v.Outcome != Admit {
		t.Errorf("the call of the check that consulted the address: %+v, %v", v, err)
	}
}

// lateStore is a Store whose updates fail for their callers, and are applied later.
type lateStore struct {
	memStore
	late []func(State) State
}

func (s *lateStore) Update(_ context.Context, _ ID, fn func(State) State) error {
	s.late = append(s.late, fn)
	return ErrUnknown
}

// lateShared is a lateStore that several processes use.
type lateShared struct{ lateStore }

func (s *lateShared) UpdateOnce(ctx context.Context, id ID, _ Once, fn func(State) State) (bool, error) {
	return false, s.Update(ctx, id, fn)
}
func (*lateShared) NotBefore() int64                { return 0 }
func (*lateShared) Await(context.Context, int) bool { return false }

// TestLateStepsKeepTheirCall checks that a call which a store applies after it has failed is the
// one that was passed, even if its memory has another call by then.
func TestLateStepsKeepTheirCall(t *testing.T) {
	local, shared := &lateStore{}, &lateShared{}
	for name, g := range map[string]*Gate{"local": {Store: local}, "shared": {Store: shared}} {
		c := Call{At: midnight, Tenant: 1, IssuedAt: midnight, Expires: midnight.Add(time.Hour), From: netip.MustParseAddr("192.0.2.1")}
		if _, err := g.Apply(t.Context(), ID{1}, generous, &c); !errors.Is(err, ErrUnknown) {
			t.Fatalf("%s: %v", name, err)
		}
		c = Call{At: midnight, Tenant: 2, IssuedAt: midnight, Expires: midnight.Add(time.Hour), From: netip.MustParseAddr("192.0.2.2")}
		if _, err := g.Apply(t.Context(), ID{2}, generous, &c); !errors.Is(err, ErrUnknown) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for n, fn := range append(local.late, shared.late...) {
		if s := fn(State{}); s.Tenant != uint32(n%2)+1 {
			t.Errorf("step %d is for tenant %d", n, s.Tenant)
		}
	}
}
