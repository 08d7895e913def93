package tokens

import "time"

// bindAndHold binds a token that is not bound, and holds one that is to its binding.
//
// A binding is an event for the address too, which is another machine: so the
// token is bound first, which one of many first requests at once does, then
// the address is asked, then the request is tried again with its answer.
// If the server dies between, the next request asks.
func bindAndHold(s State, p Policy, c Call) (State, Verdict) {
	v := Verdict{Outcome: Admit}
	if s.Bound.Kind == Unbound {
		if late(p, c) {
			return s, refused(Expired)
		}
		to, why := tie(p, c)
		if why != None {
			return s, refused(why)
		}
		s, v.Binds = bind(s, c, to), true
	}
	s, v = hold(s, p, c, v)
	if v.Outcome != Admit || s.Cleared {
		return s, v
	}
	return leave(s, p, c, v)
}

// leave asks the address, and does what it says. What it gives leave for is
// added to what the token had: two calls may have asked at once.
func leave(s State, p Policy, c Call, v Verdict) (State, Verdict) {
	if !c.Crowd.Asked {
		v.Outcome = AskAddress
		return s, v
	}
	v.Limit, v.Seen, v.Drained = c.Crowd.Limit, c.Crowd.Seen, c.Crowd.Drained
	if c.Crowd.Blocked {
		v.Outcome, v.Reason = Refuse, AddressBlocked
		return s, v
	}
	s.Cleared = true
	if s.Leave += c.Crowd.Leave; c.Crowd.Leave == 0 {
		s.Leave = 0
	}
	if c.Crowd.Kind != NoKind {
		return ask(s, p, c.At, v, c.Crowd)
	}
	return s, v
}

// lacks is how many of a call's records and new titles the address gave no
// leave for yet. A call that delivers nothing counts as one record.
func lacks(s State, c Call) uint32 {
	total := s.Used.Total().Records + s.Hints + c.Records + c.Titles
	if s.Cleared && (s.Leave == 0 || total <= s.Leave) {
		return 0
	}
	return total - s.Leave
}

// hold holds a request to the token's binding. One from another address kills
// the token: either of the two may be the thief, and the visitor gets a new one.
// A key can't be copied: one who shows another, or none, is a stranger, who is
// refused and must not be able to kill the token.
func hold(s State, p Policy, c Call, v Verdict) (State, Verdict) {
	switch byKey := s.Bound.Kind == ToKey; {
	case s.Bound.fits(c):
		return s, v
	case byKey && c.Key == Key{}:
		return s, refused(ProofInvalid)
	case p.Observe.Hijack:
		v.Observed = Hijacked
		return s, v
	case byKey && !p.KillStranger:
		return s, refused(Hijacked)
	}
	return kill(s, v, Hijacked)
}

// late says that a token still unbound has waited too long: that is how
// tokens would be stock-piled.
func late(p Policy, c Call) bool { return c.At.Sub(c.IssuedAt) > p.BindWithin }

func bind(s State, c Call, to Binding) State {
	s.Tenant, s.IssuedAt, s.Expires = c.Tenant, c.IssuedAt.Unix(), c.Expires.Unix()
	s.Bound, s.Day = to, day(c.At)
	return s
}

func day(t time.Time) int32 { return int32(t.Unix() / (24 * 60 * 60)) }
