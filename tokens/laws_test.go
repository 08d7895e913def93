package tokens_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	. "stile.example/stile/tokens"
)

// life is one token's life under random events, and what was seen of it.
type life struct {
	state    State
	policy   Policy
	now      time.Time
	issued   time.Time
	dead     Reason
	bound    Binding
	admitted Count
	solved   map[uint16]bool
	asked    int
	only     Key
}

// TestLaws checks what must hold of every sequence of events.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := life{now: midnight.Add(23 * time.Hour), issued: midnight.Add(23 * time.Hour), solved: map[uint16]bool{}, policy: Policy{
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
			"check":   func(t *rapid.T) { l.happens(t, Check{l.call(t), rapid.Bool().Draw(t, "suggest")}) },
			"call":    func(t *rapid.T) { l.happens(t, l.call(t)) },
			"suggest": func(t *rapid.T) { l.happens(t, Suggest(l.call(t))) },
			"attempt": func(t *rapid.T) { l.happens(t, Attempt{l.call(t), rapid.Bool().Draw(t, "suggest")}) },
			"look":    func(t *rapid.T) { l.happens(t, Inspect(l.call(t))) },
			"draw":    func(t *rapid.T) { l.happens(t, Render{l.now, l.number(t)}) },
			"answer": func(t *rapid.T) {
				l.happens(t, Answer{l.call(t), l.number(t), rapid.Bool().Draw(t, "right")})
			},
			"reload": func(t *rapid.T) { l.happens(t, Reload{l.call(t), l.number(t)}) },
			"revoke": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
					l.happens(t, Revoke{}) // by one who knows nothing of it
				}
			},
		})
	})
}

// call draws a call; the clock mostly goes on, and sometimes back.
func (l *life) call(t *rapid.T) Call {
	l.now = l.now.Add(time.Duration(rapid.IntRange(-60, 600).Draw(t, "dt")) * time.Second)
	last := rapid.SampledFrom([]byte{1, 1, 1, 1, 1, 1, 1, 2}).Draw(t, "ip")
	key := Key{rapid.SampledFrom([]byte{0, 1, 1, 1, 1, 2}).Draw(t, "key")}
	return Call{
		At: l.now, Tenant: 1, IssuedAt: l.issued, Expires: l.issued.Add(24 * time.Hour),
		From: netip.AddrFrom4([4]byte{192, 0, 2, last}),
		Key:  key, BadProof: key == Key{} && rapid.Bool().Draw(t, "bad proof"), ConfirmedKey: l.only,
		Route:   Route(rapid.IntRange(0, Routes-1).Draw(t, "route")),
		Records: rapid.Uint32Range(0, 50).Draw(t, "n"),
		Titles:  rapid.Uint32Range(0, 8).Draw(t, "titles"),
		Blocked: rapid.IntRange(0, 9).Draw(t, "blocked by a rule") == 0,
		Binder:  rapid.IntRange(0, 9).Draw(t, "binder") == 0,
		Address: AddressVerdict{Known: rapid.IntRange(0, 3).Draw(t, "asked") > 0, Blocked: rapid.IntRange(0, 9).Draw(t, "blocked") == 0,
			Kind: rapid.SampledFrom([]Kind{NoKind, NoKind, Work, Picture}).Draw(t, "crowd"), Level: rapid.Uint8Range(0, MaxLevel).Draw(t, "level"),
			Allowance: rapid.SampledFrom([]uint32{0, 1, 50, 100}).Draw(t, "leave"), Shared: rapid.Bool().Draw(t, "shared")},
	}
}

// number draws the number of a challenge, mostly the open one's.
func (l *life) number(t *rapid.T) uint16 {
	return rapid.SampledFrom([]uint16{l.state.OpenChallenge.Number, l.state.OpenChallenge.Number, l.state.Serial, 1, 0}).Draw(t, "number")
}

func (l *life) happens(t *rapid.T, e Event) {
	next, v := Step(l.state, l.policy, e)
	if again, v2 := Step(l.state, l.policy, e); again != next || v2 != v {
		t.Fatalf("not pure: %+v", e)
	}
	if v.State != next {
		t.Fatalf("the verdict shows %+v, the state is %+v", v.State, next)
	}
	if (v.Reason == None) != (v.Outcome == Admit || v.Outcome == NeedAddress) {
		t.Fatalf("outcome and reason disagree: %+v", v)
	}
	l.challenges(t, next, v, e)
	l.blocked(t, next, v, e)
	l.checks(t, next, v, e)
	l.staysDead(t, next, v, e)
	l.staysBound(t, next, v)
	l.strangers(t, next, v, e)
	l.counts(t, next, v, e)
	l.state = next
}

// blocked: at an address that a rule blocks, a token that was not cleared
// before is refused, and nothing about it changes.
func (l *life) blocked(t *rapid.T, next State, v Verdict, e Event) {
	if c, ok := callOf(e); ok && c.Blocked && !l.state.AddressChecked && (v.Reason != AddressBlocked || next != l.state) {
		t.Fatalf("a block admitted %+v: %+v", c, v)
	}
}

// checks: a call that its check admits is admitted at once after it, if it
// delivers no more than the check was told and the token's records allow; and a
// check never counts anything.
func (l *life) checks(t *rapid.T, next State, v Verdict, e Event) {
	ch, ok := e.(Check)
	if !ok {
		return
	}
	if next.Used != l.state.Used || next.Calls != l.state.Calls || next.Suggestions != l.state.Suggestions || next.Hints != l.state.Hints {
		t.Fatalf("a check counted: %+v became %+v", l.state, next)
	}
	if v.Outcome != Admit || ch.Suggest || next.Used.Total().Records+ch.Records > l.policy.Records {
		return
	}
	if _, after := Step(next, l.policy, ch.Call); after.Outcome != Admit {
		t.Fatalf("the check admitted %+v, the call got %+v", ch.Call, after)
	}
}

// staysDead: an invalid token never becomes valid, and its reason stays. The
// request that bound it may still be answered if another hijacked it meanwhile.
func (l *life) staysDead(t *rapid.T, next State, v Verdict, e Event) {
	c, _ := callOf(e)
	_, isCheck := e.(Check)
	_, isCall := e.(Call)
	inFlight := (isCall || isCheck) && c.Binder && l.dead == Hijacked && v.Outcome == Admit
	blocked := c.Blocked && !l.state.AddressChecked
	if l.dead != None && !inFlight && !blocked && (v.Outcome != Refuse || v.Reason != l.dead || next != l.state) {
		t.Fatalf("a token dead of %s answered %+v", l.dead, v)
	}
	if l.dead != None && next.Dead != l.dead {
		t.Fatalf("dead of %s, and then of %s", l.dead, next.Dead)
	}
	l.dead = next.Dead
}

// staysBound: a binding never moves.
func (l *life) staysBound(t *rapid.T, next State, v Verdict) {
	if l.bound.Kind != Unbound && next.Bound != l.bound {
		t.Fatalf("the binding moved from %v to %v", l.bound, next.Bound)
	}
	if v.NewlyBound != (l.bound.Kind == Unbound && next.Bound.Kind != Unbound) {
		t.Fatalf("Binds is %v, the binding went from %v to %v", v.NewlyBound, l.bound, next.Bound)
	}
	l.bound = next.Bound
	if next.Bound.Kind != Unbound && (next.Tenant != 1 || next.Expires != l.issued.Add(24*time.Hour).Unix()) {
		t.Fatalf("a bound token lost its tenant or its end: %+v", next)
	}
}

// strangers: who shows no key changes nothing about a token that is bound to
// one; who shows another at most kills it, where that is set; and neither is
// ever let through. Where a key must be shown, a token is bound to nothing else.
func (l *life) strangers(t *rapid.T, next State, v Verdict, e Event) {
	c, isRequest := callOf(e)
	if v.Reason == ProofInvalid && next != l.state {
		t.Fatalf("without a good proof %+v became %+v", l.state, next)
	}
	if next.Bound.Kind == ToAddress && (l.policy.Binding == ByKey || l.only != Key{}) || next.Bound.Kind == ToKey && l.only != (Key{}) && next.Bound.Key() != l.only {
		t.Fatalf("bound to %v by %+v", next.Bound, c)
	}
	if next.Bound.Kind != ToKey && next.Roaming != (Roaming{}) {
		t.Fatalf("bound to no key, and roams: %+v", next)
	}
	if !isRequest || l.state.Bound.Kind != ToKey || c.Key == l.state.Bound.Key() {
		return
	}
	killed := l.state
	killed.Dead = Hijacked
	if v.Outcome != Refuse || next != l.state && (next != killed || !l.policy.KillOnForeignKey || c.Key == Key{}) {
		t.Fatalf("a stranger's %+v made of %+v %+v: %+v", c, l.state, next, v)
	}
}

// callOf is the request that an event is, if it is one.
func callOf(e Event) (Call, bool) {
	switch e := e.(type) {
	case Check:
		return e.Call, true
	case Attempt:
		return e.Call, true
	case Call:
		return e, true
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

// counts: an admitted call is counted exactly once and nothing else is, and
// there are never more calls or records than the policy allows.
func (l *life) counts(t *rapid.T, next State, v Verdict, e Event) {
	if c, ok := e.(Call); ok && v.Outcome == Admit {
		l.admitted.Calls++
		l.admitted.Records += c.Records
	}
	if next.Used.Total() != l.admitted {
		t.Fatalf("%+v counted, %+v admitted", next.Used.Total(), l.admitted)
	}
	if l.admitted.Calls > l.policy.Calls || l.admitted.Records > l.policy.Records {
		t.Fatalf("admitted %+v of %+v", l.admitted, l.policy)
	}
}

// challenges: there are never more than the policy allows, none is solved
// twice, an admitted call never meets one that is open, and who is shown a
// challenge is shown one that can be solved.
func (l *life) challenges(t *rapid.T, next State, v Verdict, e Event) {
	if v.ChallengeIssued {
		l.asked++
	}
	if next.Rendered > MaxRendered {
		t.Fatalf("a challenge was rendered %d times", next.Rendered)
	}
	if l.asked > int(l.policy.PerToken) || int(next.ChallengesIssued) != l.asked {
		t.Fatalf("%d challenges asked, %d counted, %d allowed", l.asked, next.ChallengesIssued, l.policy.PerToken)
	}
	if _, ok := e.(Call); ok && v.Outcome == Admit && l.state.OpenChallenge.Number != 0 {
		t.Fatalf("a call was admitted with challenge %d open", l.state.OpenChallenge.Number)
	}
	if v.Outcome == Challenged && next.OpenChallenge.Number == 0 {
		t.Fatalf("challenged with none: %+v", v)
	}
	if a, ok := e.(Answer); ok && v.Outcome == Admit {
		if l.solved[a.Number] || !a.Right || next.OpenChallenge.Number != 0 || v.Solved == NoKind {
			t.Fatalf("answer %+v solved %+v", a, v)
		}
		l.solved[a.Number] = true
	}
}

// TestUnknownEventRefuses: what Step does not know admits nothing.
func TestUnknownEventRefuses(t *testing.T) {
	if s, v := Step(State{}, Policy{}, nil); v.Outcome != Refuse || v.Reason != Unknown || s != (State{}) {
		t.Errorf("got %+v %+v", s, v)
	}
	if (Verdict{}).Outcome != Refuse {
		t.Error("the zero Verdict does not refuse")
	}
}

// TestNamesAreWhole: every reason, route and kind has a name of its own.
func TestNamesAreWhole(t *testing.T) {
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

// TestStateIsSmall: with 46 bytes at most of a map from ID to a number, and
// its ID once more, a live token stays under 270 bytes.
func TestStateIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(State{}); n > 168 {
		t.Errorf("a State takes %d bytes", n)
	}
}

func TestIDs(t *testing.T) {
	if NewID("a", "bc") == NewID("ab", "c") {
		t.Error("issuer and jti run into each other")
	}
	if got := NewID("a", "b").String(); got != "59b271ae1bbcb1d31d41929817f4b16f" {
		t.Errorf("stored states are found under their IDs, and this one has become %s", got)
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
		t.Error("what is bound to no address has one")
	}
	if k := KeyOf([32]byte{1, 2, 15: 16, 16: 17}); k != (Key{1, 2, 15: 16}) || BindToKey(k).Key() != k || BindTo(netip.MustParseAddr("192.0.2.1")).Key() != (Key{}) {
		t.Errorf("the key of a binding: %v", k)
	}
}
