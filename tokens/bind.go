package tokens

import "time"

// bindAndCheck binds a token that is not bound, and holds one that is to its binding.
//
// A binding is an event for the address too, which is another machine: so the
// token is bound first, which one of many first requests at once does, then
// the address is asked, then the request is tried again with its answer.
// If the server dies between, the next request asks.
func bindAndCheck(s State, p Policy, c Call) (State, Verdict) {
	v := Verdict{Outcome: Admit}
	if s.Bound.Kind == Unbound {
		if bindsTooLate(p, c) {
			return s, refused(Expired)
		}
		to, why := bindingFor(p, c)
		if why != None {
			return s, refused(why)
		}
		s, v.NewlyBound = bind(s, c, to), true
	}
	s, v = checkBinding(s, p, c, v)
	if v.Outcome != Admit || s.AddressChecked {
		return s, v
	}
	return applyAddressVerdict(s, p, c, v)
}

// applyAddressVerdict asks the address, and does what it says. What it gives leave for is
// added to what the token had: two calls may have asked at once.
func applyAddressVerdict(s State, p Policy, c Call, v Verdict) (State, Verdict) {
	if !c.Address.Known {
		v.Outcome = NeedAddress
		return s, v
	}
	v.Limit, v.Seen, v.Drained = c.Address.Limit, c.Address.Seen, c.Address.OverRecords
	if c.Address.Blocked {
		v.Outcome, v.Reason = Refuse, AddressBlocked
		return s, v
	}
	s.AddressChecked = true
	if s.Allowance += c.Address.Allowance; c.Address.Allowance == 0 {
		s.Allowance = 0
	}
	if c.Address.Kind != NoKind {
		return issueChallenge(s, p, c.At, v, c.Address)
	}
	return s, v
}

// beyondAllowance is how many of a call's records and new titles the address gave no
// leave for yet. A call that delivers nothing counts as one record.
func beyondAllowance(s State, c Call) uint32 {
	total := s.Used.Total().Records + s.Hints + c.Records + c.Titles
	if s.AddressChecked && (s.Allowance == 0 || total <= s.Allowance) {
		return 0
	}
	return total - s.Allowance
}

// checkBinding holds a request to the token's binding. One from another address kills
// the token: either of the two may be the thief, and the visitor gets a new one.
// A key can't be copied: one who shows another, or none, is a stranger, who is
// refused and must not be able to kill the token.
func checkBinding(s State, p Policy, c Call, v Verdict) (State, Verdict) {
	switch byKey := s.Bound.Kind == ToKey; {
	case s.Bound.fits(c):
		return s, v
	case byKey && c.Key == Key{}:
		return s, refused(ProofInvalid)
	case p.Observe.Hijack:
		v.Observed = Hijacked
		return s, v
	case byKey && !p.KillOnForeignKey:
		return s, refused(Hijacked)
	}
	return kill(s, v, Hijacked)
}

// bindsTooLate says that a token still unbound has waited too long: that is how
// tokens would be stock-piled.
func bindsTooLate(p Policy, c Call) bool { return c.At.Sub(c.IssuedAt) > p.BindWithin }

func bind(s State, c Call, to Binding) State {
	s.Tenant, s.IssuedAt, s.Expires = c.Tenant, c.IssuedAt.Unix(), c.Expires.Unix()
	s.Bound, s.Day = to, day(c.At)
	return s
}

func day(t time.Time) int32 { return int32(t.Unix() / (24 * 60 * 60)) }
