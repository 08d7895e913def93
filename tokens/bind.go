package tokens

import "time"

// bindAndCheck binds an unbound token, and checks that the call comes from within the binding.
//
// A binding is an event for the address too, which is a state machine of its own. So the steps are:
// bind the token, which exactly one of several simultaneous first calls does; consult the address;
// apply the call again with the address's verdict. If the server dies in between, the next call
// consults the address.
func bindAndCheck(s State, p Policy, c Call) (State, Verdict) {
	v := Verdict{Outcome: Admit}
	if s.Bound.Kind == Unbound {
		if v, late := bindsTooLate(p, c); late {
			return s, v
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

// applyAddressVerdict applies the verdict of the address, or requests it if the call does not have
// it yet. The verdict's allowance is added to the token's: two calls may have consulted the address
// simultaneously.
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
// A call without records counts as one record afterwards, through Hints.
func beyondAllowance(s State, c Call) uint32 {
	total := s.Used.Total().Records + s.Hints + c.Records + c.Titles
	if s.AddressChecked && (s.Allowance == 0 || total <= s.Allowance) {
		return 0
	}
	return total - s.Allowance
}

// checkBinding checks that a call comes from within the token's binding. Use from another address
// kills an address-bound token: it can't be known which of the two callers hijacked it, and the
// visitor gets a new token. A key can't be copied, so a call with another key or without a proof
// comes from another caller. It is refused, and must not be able to kill the token unless
// Policy.KillOnForeignKey says so.
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

// bindsTooLate reports whether an unbound token is too old to be bound. Otherwise tokens could be
// collected in advance. A token is also too old if a store has lost states since its issue: it may
// have been bound, and have used its calls.
func bindsTooLate(p Policy, c Call) (v Verdict, late bool) {
	v = refused(Expired)
	v.Forgotten = c.NotBefore != 0 && c.IssuedAt.Unix() <= c.NotBefore
	return v, v.Forgotten || c.At.Sub(c.IssuedAt) > p.BindWithin
}

func bind(s State, c Call, to Binding) State {
	s.Tenant, s.IssuedAt, s.Expires = c.Tenant, c.IssuedAt.Unix(), c.Expires.Unix()
	s.Bound, s.Day, s.BoundAfter = to, day(c.At), boundAfter(s.IssuedAt, c.At.Unix())
	return s
}

// day returns the UTC day of a time, in days since 1970-01-01.
func day(t time.Time) int32 { return int32(t.Unix() / (24 * 60 * 60)) }
