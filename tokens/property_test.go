package tokens_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
	. "stile.example/stile/tokens"
)

// model is one token under random events, and what the test observed about it.
type model struct {
	state            State
	policy           Policy
	now              time.Time
	issued           time.Time
	dead             Reason
	bound            Binding
	admitted         Count
	solved           map[uint16]bool
	issuedChallenges int
	only             Key
	used             map[uint32]bool // counters of session proofs
}

// TestProperties checks what must hold for every sequence of events.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := model{now: midnight.Add(23 * time.Hour), issued: midnight.Add(23 * time.Hour), solved: map[uint16]bool{}, used: map[uint32]bool{}, policy: Policy{
			Calls:            rapid.Uint32Range(1, 40).Draw(t, "calls"),
			Records:          rapid.Uint32Range(1, 400).Draw(t, "records"),
			BindWithin:       10 * time.Minute,
			SpikeCalls:       rapid.Uint32Range(1, 5).Draw(t, "spike"),
			SpikeSuggestions: rapid.Uint32Range(1, 5).Draw(t, "suggestions"),
			SpikePer:         time.Hour,
			Ladder:           []Kind{Work, Picture},
			Ignored:          rapid.Uint8Range(1, 5).Draw(t, "ignored"),
			PerToken:         rapid.Uint16Range(1, 6).Draw(t, "per token"),
			Expires:          5 * time.Minute,
			Binding:          rapid.SampledFrom([]Mode{Auto, Auto, ByAddress, ByKey}).Draw(t, "binding"),
			KillOnForeignKey: rapid.Bool().Draw(t, "kill"),
			RoamAddresses:    rapid.Uint8Range(1, 3).Draw(t, "roaming"),
			RoamPer:          time.Hour,
		}, only: Key{rapid.SampledFrom([]byte{0, 0, 0, 1}).Draw(t, "only")}}
		t.Repeat(map[string]func(*rapid.T){
			"check":   func(t *rapid.T) { m.apply(t, Check{m.call(t), rapid.Bool().Draw(t, "suggest")}) },
			"call":    func(t *rapid.T) { c := m.call(t); m.apply(t, &c) },
			"suggest": func(t *rapid.T) { m.apply(t, Suggest(m.call(t))) },
			"attempt": func(t *rapid.T) { m.apply(t, Attempt{m.call(t), rapid.Bool().Draw(t, "suggest")}) },
			"inspect": func(t *rapid.T) { m.apply(t, Inspect(m.call(t))) },
			"render":  func(t *rapid.T) { m.apply(t, Render{m.now, m.number(t)}) },
			"answer": func(t *rapid.T) {
				m.apply(t, Answer{m.call(t), m.number(t), rapid.Bool().Draw(t, "correct")})
			},
			"reload": func(t *rapid.T) { m.apply(t, Reload{m.call(t), m.number(t)}) },
			"revoke": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
					m.apply(t, Revoke{}) // by a caller that knows nothing about the token
				}
			},
		})
	})
}

// call generates a call. The clock mostly advances, and is sometimes set back.
func (m *model) call(t *rapid.T) Call {
	m.now = m.now.Add(time.Duration(rapid.IntRange(-60, 600).Draw(t, "dt")) * time.Second)
	last := rapid.SampledFrom([]byte{1, 1, 1, 1, 1, 1, 1, 2}).Draw(t, "ip")
	key := Key{rapid.SampledFrom([]byte{0, 1, 1, 1, 1, 2}).Draw(t, "key")}
	binder := rapid.IntRange(0, 9).Draw(t, "binder") == 0
	counter := uint32(0)
	if key != (Key{}) && !binder { // a session proof binds nothing
		high := m.state.Proofs.Highest
		counter = rapid.SampledFrom([]uint32{0, 0, 1, high, high + 1, high + 2, high + 63, high + 64, high - 1, high - 63, high - 64}).Draw(t, "counter")
	}
	return Call{
		At: m.now, Counter: counter, Tenant: 1, IssuedAt: m.issued, Expires: m.issued.Add(24 * time.Hour),
		From: netip.AddrFrom4([4]byte{192, 0, 2, last}),
		Key:  key, InvalidProof: key == Key{} && rapid.Bool().Draw(t, "invalid proof"), ConfirmedKey: m.only,
		Route:   Route(rapid.IntRange(0, Routes-1).Draw(t, "route")),
		Records: rapid.Uint32Range(0, 50).Draw(t, "n"),
		Titles:  rapid.Uint32Range(0, 8).Draw(t, "titles"),
		Blocked: rapid.IntRange(0, 9).Draw(t, "blocked by a rule") == 0,
		Binder:  binder,
		Address: AddressVerdict{Known: rapid.IntRange(0, 3).Draw(t, "known") > 0, Blocked: rapid.IntRange(0, 9).Draw(t, "blocked") == 0,
			Kind: rapid.SampledFrom([]Kind{NoKind, NoKind, Work, Picture}).Draw(t, "kind"), Level: rapid.Uint8Range(0, MaxLevel).Draw(t, "level"),
			Allowance: rapid.SampledFrom([]uint32{0, 1, 50, 100}).Draw(t, "allowance"), Shared: rapid.Bool().Draw(t, "shared")},
	}
}

// number generates the number of a challenge, mostly that of the open one.
func (m *model) number(t *rapid.T) uint16 {
	return rapid.SampledFrom([]uint16{m.state.OpenChallenge.Number, m.state.OpenChallenge.Number, m.state.Serial, 1, 0}).Draw(t, "number")
}

func (m *model) apply(t *rapid.T, e Event) {
	next, v := Step(m.state, m.policy, e)
	if again, v2 := Step(m.state, m.policy, e); again != next || v2 != v {
		t.Fatalf("Step is not pure: %+v", e)
	}
	if v.State != next {
		t.Fatalf("the verdict has the state %+v, Step returned %+v", v.State, next)
	}
	if (v.Reason == None) != (v.Outcome == Admit || v.Outcome == NeedAddress) {
		t.Fatalf("outcome and reason disagree: %+v", v)
	}
	m.challenges(t, next, v, e)
	m.blocked(t, next, v, e)
	m.checks(t, next, v, e)
	m.staysDead(t, next, v, e)
	m.staysBound(t, next, v)
	m.otherKeys(t, next, v, e)
	m.counts(t, next, v, e)
	m.proofs(t, next, v, e)
	m.state = next
}

// blocked checks that a token whose address was not consulted before is refused at an address that
// a rule blocks, and that its state does not change.
func (m *model) blocked(t *rapid.T, next State, v Verdict, e Event) {
	if c, ok := callOf(e); ok && c.Blocked && !m.state.AddressChecked && (v.Reason != AddressBlocked || next != m.state) {
		t.Fatalf("a block admitted %+v: %+v", c, v)
	}
}

// checks checks that a call is admitted immediately after its Check was, if it delivers no more
// than the Check announced and the token's records allow. A Check never counts anything.
func (m *model) checks(t *rapid.T, next State, v Verdict, e Event) {
	ch, ok := e.(Check)
	if !ok {
		return
	}
	if next.Used != m.state.Used || next.Calls != m.state.Calls || next.Suggestions != m.state.Suggestions || next.Hints != m.state.Hints {
		t.Fatalf("a Check counted: %+v became %+v", m.state, next)
	}
	if v.Outcome != Admit || ch.Suggest || next.Used.Total().Records+ch.Records > m.policy.Records {
		return
	}
	if v.Spent {
		ch.Counter = 0
	}
	if _, after := Step(next, m.policy, &ch.Call); after.Outcome != Admit {
		t.Fatalf("the Check admitted %+v, the call got %+v", ch.Call, after)
	}
}

// staysDead checks that a dead token never becomes valid, and that its reason stays. The request
// that bound it may still be admitted if another caller hijacked it meanwhile.
func (m *model) staysDead(t *rapid.T, next State, v Verdict, e Event) {
	c, _ := callOf(e)
	_, isCheck := e.(Check)
	_, isCall := e.(*Call)
	inFlight := (isCall || isCheck) && c.Binder && m.dead == Hijacked && v.Outcome == Admit
	blocked := c.Blocked && !m.state.AddressChecked
	if m.dead != None && !inFlight && !blocked && (v.Outcome != Refuse || v.Reason != m.dead || next != m.state) {
		t.Fatalf("a token that is dead (%s) got %+v", m.dead, v)
	}
	if m.dead != None && next.Dead != m.dead {
		t.Fatalf("dead (%s), and then dead (%s)", m.dead, next.Dead)
	}
	m.dead = next.Dead
}

// staysBound checks that a binding never moves.
func (m *model) staysBound(t *rapid.T, next State, v Verdict) {
	if m.bound.Kind != Unbound && next.Bound != m.bound {
		t.Fatalf("the binding moved from %v to %v", m.bound, next.Bound)
	}
	if v.NewlyBound != (m.bound.Kind == Unbound && next.Bound.Kind != Unbound) {
		t.Fatalf("NewlyBound is %v, the binding changed from %v to %v", v.NewlyBound, m.bound, next.Bound)
	}
	m.bound = next.Bound
	if next.Bound.Kind != Unbound && (next.Tenant != 1 || next.Expires != m.issued.Add(24*time.Hour).Unix()) {
		t.Fatalf("a bound token lost its tenant or its expiry: %+v", next)
	}
}

// otherKeys checks calls without the key of a key-bound token. They are never admitted. A call
// without a proof changes nothing; a call with another key at most kills the token, if the policy
// says so. If the policy or the token requires a key, the token is never bound to anything else.
func (m *model) otherKeys(t *rapid.T, next State, v Verdict, e Event) {
	c, isRequest := callOf(e)
	if v.Reason == ProofInvalid && next != m.state {
		t.Fatalf("without a valid proof %+v became %+v", m.state, next)
	}
	if next.Bound.Kind == ToAddress && (m.policy.Binding == ByKey || m.only != Key{}) || next.Bound.Kind == ToKey && m.only != (Key{}) && next.Bound.Key() != m.only {
		t.Fatalf("bound to %v by %+v", next.Bound, c)
	}
	if next.Bound.Kind != ToKey && next.Roaming != (Roaming{}) {
		t.Fatalf("not key-bound, but with roaming: %+v", next)
	}
	if !isRequest || m.state.Bound.Kind != ToKey || c.Key == m.state.Bound.Key() {
		return
	}
	killed := m.state
	killed.Dead = Hijacked
	if v.Outcome != Refuse || next != m.state && (next != killed || !m.policy.KillOnForeignKey || c.Key == Key{}) {
		t.Fatalf("call %+v without the key changed %+v to %+v: %+v", c, m.state, next, v)
	}
}

// proofs checks that a session proof works once: whatever its event does, nothing but a Check that
// changes nothing leaves it unused. No other event changes the window. In all else, the event does
// what it does with a DPoP proof.
func (m *model) proofs(t *rapid.T, next State, v Verdict, e Event) {
	c, _ := callOf(e)
	_, isCheck := e.(Check)
	had := c.Counter != 0 && v.Reason != ProofInvalid && m.state.Dead == None && !(c.Blocked && !m.state.AddressChecked)
	same, want := Step(m.state, m.policy, withoutCounter(e))
	same.Proofs = next.Proofs
	switch {
	case had && (same != next || want.Outcome != v.Outcome || want.Reason != v.Reason):
		t.Fatalf("%+v got %+v and became %+v; without a counter, %+v and %+v", e, v, next, want, same)
	case c.Counter != 0 && m.used[c.Counter] && (v.Outcome != Refuse || next != m.state):
		t.Fatalf("counter %d was used twice: %+v", c.Counter, v)
	case had && m.state.Bound != BindToKey(c.Key):
		t.Fatalf("a session proof of %v was valid for %+v", c.Key, m.state)
	case v.Spent != (had && !(isCheck && v.Outcome == Admit && next == m.state)):
		t.Fatalf("spent is %v: %+v got %+v", v.Spent, e, v)
	case !v.Spent && next.Proofs != m.state.Proofs:
		t.Fatalf("unspent, but %+v became %+v", m.state.Proofs, next.Proofs)
	case v.Spent:
		m.used[c.Counter] = true
	}
}

// withoutCounter returns a Check or Call whose key proved it by a DPoP proof.
func withoutCounter(e Event) Event {
	switch e := e.(type) {
	case Check:
		e.Counter = 0
		return e
	case *Call:
		c := *e
		c.Counter = 0
		return &c
	}
	return e
}

// callOf returns the call inside an event, if there is one.
func callOf(e Event) (Call, bool) {
	switch e := e.(type) {
	case Check:
		return e.Call, true
	case Attempt:
		return e.Call, true
	case *Call:
		return *e, true
	case Suggest:
		return Call(e), true
	case Inspect:
		return Call(e), true
	case Answer:
		return e.Call, true
	case Reload:
		return e.Call, true
	}
	return Call{}, false
}

// counts checks that admitted calls, and nothing else, are counted exactly once, and that there are
// never more calls or records than the policy allows.
func (m *model) counts(t *rapid.T, next State, v Verdict, e Event) {
	if c, ok := e.(*Call); ok && v.Outcome == Admit {
		m.admitted.Calls++
		m.admitted.Records += c.Records
	}
	if next.Used.Total() != m.admitted {
		t.Fatalf("%+v counted, %+v admitted", next.Used.Total(), m.admitted)
	}
	if m.admitted.Calls > m.policy.Calls || m.admitted.Records > m.policy.Records {
		t.Fatalf("admitted %+v of %+v", m.admitted, m.policy)
	}
}

// challenges checks that there are never more challenges than the policy allows, that none is
// solved twice, that no call is admitted while one is open, and that a Challenged verdict has an
// open one.
func (m *model) challenges(t *rapid.T, next State, v Verdict, e Event) {
	if v.ChallengeIssued {
		m.issuedChallenges++
	}
	if next.Rendered > MaxRendered {
		t.Fatalf("a challenge was rendered %d times", next.Rendered)
	}
	if m.issuedChallenges > int(m.policy.PerToken) || int(next.ChallengesIssued) != m.issuedChallenges {
		t.Fatalf("%d challenges issued, %d counted, %d allowed", m.issuedChallenges, next.ChallengesIssued, m.policy.PerToken)
	}
	if _, ok := e.(*Call); ok && v.Outcome == Admit && m.state.OpenChallenge.Number != 0 {
		t.Fatalf("a call was admitted with challenge %d open", m.state.OpenChallenge.Number)
	}
	if v.Outcome == Challenged && next.OpenChallenge.Number == 0 {
		t.Fatalf("Challenged without an open challenge: %+v", v)
	}
	if a, ok := e.(Answer); ok && v.Outcome == Admit {
		if m.solved[a.Number] || !a.Correct || next.OpenChallenge.Number != 0 || v.Solved == NoKind {
			t.Fatalf("answer %+v solved %+v", a, v)
		}
		m.solved[a.Number] = true
	}
}

// TestUnknownEventRefuses checks that Step refuses an event that it does not know.
func TestUnknownEventRefuses(t *testing.T) {
	if s, v := Step(State{}, Policy{}, nil); v.Outcome != Refuse || v.Reason != Unknown || s != (State{}) {
		t.Errorf("got %+v %+v", s, v)
	}
	if (Verdict{}).Outcome != Refuse {
		t.Error("the zero Verdict does not refuse")
	}
}

// TestNamesAreComplete checks that every reason and route has a name of its own.
func TestNamesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons {
		if r == None || r.String() == "" || seen[r.String()] {
			t.Errorf("reason %d has the name %q", r, r)
		}
		seen[r.String()] = true
	}
	if last := Reasons[len(Reasons)-1]; int(last) != len(Reasons) {
		t.Errorf("Reasons lists %d, the last is number %d", len(Reasons), last)
	}
	for r := range Route(Routes) {
		if r.String() == "" || strings.ToLower(r.String()) != r.String() {
			t.Errorf("route %d has the name %q", r, r)
		}
	}
}

// TestStateIsSmall bounds a State, which each step copies. In memory, states are packed.
func TestStateIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(State{}); n > 184 {
		t.Errorf("a State takes %d bytes", n)
	}
}

// TestBoundAt checks the time of a binding: to the second, up to 18 hours after the token's issue.
func TestBoundAt(t *testing.T) {
	issued := midnight.Unix()
	for after, want := range map[time.Duration]int64{0: 0, 9 * time.Second: 9, 10 * time.Minute: 600, -5 * time.Second: 0, 20 * time.Hour: 65_534} {
		at := midnight.Add(after)
		s, _ := Step(State{}, Policy{Calls: 1, Records: 1, BindWithin: 24 * time.Hour}, &Call{At: at, IssuedAt: midnight, Expires: at.Add(time.Hour), From: netip.MustParseAddr("192.0.2.1")})
		if got := s.BoundAt() - issued; got != want {
			t.Errorf("after %v: %d s after its issue, want %d", after, got, want)
		}
	}
	if got := (State{IssuedAt: issued}).BoundAt(); got != 0 {
		t.Errorf("unbound: %d", got)
	}
}

func TestIDs(t *testing.T) {
	if NewID("a", "bc") == NewID("ab", "c") {
		t.Error("NewID does not separate issuer and jti")
	}
	if got := NewID("a", "b").String(); got != "59b271ae1bbcb1d31d41929817f4b16f" {
		t.Errorf("got %s: stored states would not be found under their IDs", got)
	}
}

func TestBindingRoundTrip(t *testing.T) {
	for _, s := range []string{"192.0.2.1", "2001:db8::", "0.0.0.0"} {
		a := netip.MustParseAddr(s)
		if got := BindTo(a).Address(); got != a {
			t.Errorf("BindTo(%s).Address() = %s", a, got)
		}
	}
	if (Binding{}).Address().IsValid() || BindToKey(Key{1}).Address().IsValid() {
		t.Error("a binding to something else has an address")
	}
	if k := KeyOf([32]byte{1, 2, 15: 16, 16: 17}); k != (Key{1, 2, 15: 16}) || BindToKey(k).Key() != k || BindTo(netip.MustParseAddr("192.0.2.1")).Key() != (Key{}) {
		t.Errorf("key %v", k)
	}
}
