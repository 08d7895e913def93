package tokens

import "time"

// bindAndCheck binds an unbound token, and checks the binding of a bound one.
//
// The address has a state machine of its own, and a binding is an event for it too. So the token is
// bound first, which only one of many simultaneous first requests does. Then the address is
// consulted, and the request is stepped again with the address's verdict. If the server dies in
// between, the next request consults the address.
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

// applyAddressVerdict requests the address's verdict, or applies it if it is known. The allowance
// is added to what the token had, because two calls may have consulted the address at the same
// time.
func applyAddressVerdict(s State, p Policy, c Call, v Verdict) (State, Verdict) {
	if !c.Address.Known {
		v.Outcome = NeedAddress
		return s, v
	}
	v.Limit, v.Seen, v.OverRecords = c.Address.Limit, c.Address.Seen, c.Address.OverRecords
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

// beyondAllowance returns how many of a call's records and new titles exceed the token's allowance.
// A call that delivers nothing counts as one record.
func beyondAllowance(s State, c Call) uint32 {
	total := s.Used.Total().Records + s.Hints + c.Records + c.Titles
	if s.AddressChecked && (s.Allowance == 0 || total <= s.Allowance) {
		return 0
	}
	return total - s.Allowance
}

// checkBinding checks that a request comes from within the token's binding. A request from another
// address kills the token: either of the two addresses may be the hijacker's, and the visitor gets
// a new token. A key can't be copied. So a caller with another key, or without one, is refused, and
// must not be able to kill the token.
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

// bindsTooLate reports whether an unbound token is too old to be bound. This prevents stockpiling.
func bindsTooLate(p Policy, c Call) bool { return c.At.Sub(c.IssuedAt) > p.BindWithin }

func bind(s State, c Call, to Binding) State {
	s.Tenant, s.IssuedAt, s.Expires = c.Tenant, c.IssuedAt.Unix(), c.Expires.Unix()
	s.Bound, s.Day = to, day(c.At)
	return s
}

func day(t time.Time) int32 { return int32(t.Unix() / (24 * 60 * 60)) }
