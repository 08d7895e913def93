package tokens

// Step applies one event to a token. It is pure: the same arguments always give the same results,
// so a store may call it again after a conflict. It checks in the contract's order: dead, binding,
// challenge, calls, allowance, roaming, spike.
func Step(s State, p Policy, e Event) (State, Verdict) {
	next, v := step(s, p, e)
	v.State = next
	return next, v
}

func step(s State, p Policy, e Event) (State, Verdict) {
	if c, ok := callIn(e); ok && c.Blocked && !s.AddressChecked {
		return s, refused(AddressBlocked)
	}
	if s.Dead != None {
		return dead(s, p, e)
	}
	switch e := e.(type) {
	case Check:
		return check(s, p, e)
	case Call:
		return call(s, p, e)
	case Suggest:
		return suggest(s, p, Call(e))
	case Attempt:
		return attempt(s, p, e)
	case Inspect:
		return inspect(s, p, Call(e))
	case Answer:
		return answer(s, p, e)
	case Reload:
		return reload(s, p, e)
	case Render:
		return render(s, e)
	case Revoke:
		return revoke(s, e)
	}
	return s, refused(Unknown)
}

// callIn returns the call inside an event of the content API.
func callIn(e Event) (c Call, ok bool) {
	switch e := e.(type) {
	case Check:
		return e.Call, true
	case Call:
		return e, true
	case Suggest:
		return Call(e), true
	case Attempt:
		return e.Call, true
	case Inspect:
		return Call(e), true
	case Answer:
		return e.Call, true
	case Reload:
		return e.Call, true
	}
	return c, false
}

// dead refuses permanently, with one exception: the request that bound the token. If another caller
// hijacked the token before that request was counted, the request still came first. It is answered,
// and the token stays dead.
func dead(s State, p Policy, e Event) (State, Verdict) {
	c, ok := callIn(e)
	if !ok || !c.Binder || s.Dead != Hijacked || !s.Bound.fits(c) {
		return s, refused(s.Dead)
	}
	alive := s
	alive.Dead = None
	var next State
	var v Verdict
	switch e := e.(type) {
	case Check:
		next, v = check(alive, p, e)
	case Call:
		next, v = call(alive, p, e)
	}
	if v.Outcome != Admit {
		return s, refused(s.Dead)
	}
	next.Dead = s.Dead
	return next, v
}

// check decides as the call's own step will after the content has been read. It keeps only changes
// that count nothing.
func check(s State, p Policy, e Check) (State, Verdict) {
	next, _, v := pass(s, p, e.Call, e.Suggest)
	if v.Outcome == Admit {
		next.Roaming = s.Roaming
	}
	return next, v
}

func call(s State, p Policy, c Call) (State, Verdict) {
	next, window, v := pass(s, p, c, false)
	if v.Outcome != Admit {
		return next, v
	}
	if used := next.Used.Total().Records; used+c.Records > p.Records {
		return kill(next, v.seen(p.Records, used+c.Records), Exhausted)
	}
	next.Calls = window
	if c.Records == 0 && c.Route != Collections {
		next.Hints++ // the response still contains a total or facets, or says that an item does not exist
	}
	return countCall(next, c), v
}

func suggest(s State, p Policy, c Call) (State, Verdict) {
	next, window, v := pass(s, p, c, true)
	if v.Outcome == Admit {
		next.Suggestions = window
		next.Hints += c.Titles
	}
	return next, v
}

// attempt counts in the spike window only.
func attempt(s State, p Policy, e Attempt) (State, Verdict) {
	next, window, v := pass(s, p, e.Call, e.Suggest)
	if v.Outcome != Admit {
		return next, v
	}
	if e.Suggest {
		next.Suggestions = window
	} else {
		next.Calls = window
	}
	return next, v
}

// pass runs the checks of a call, or of suggestions, in the contract's order. If all of them admit,
// it returns the spike window with the event counted. The caller decides which changes to keep.
func pass(s State, p Policy, c Call, suggesting bool) (State, Window, Verdict) {
	window := s.Calls
	if suggesting {
		window = s.Suggestions
	}
	s, v := bindAndCheck(s, p, c)
	if v.Outcome != Admit {
		return s, window, v
	}
	if s.OpenChallenge.Number != 0 {
		s, v = refuseWhileOpen(s, p, c, v, suggesting)
		return s, window, v
	}
	if used := s.Used.Total(); !suggesting && used.Calls >= p.Calls {
		s, v = kill(s, v.seen(p.Calls, used.Calls), Exhausted)
		return s, window, v
	} else if !suggesting && used.Records >= p.Records {
		s, v = kill(s, v.seen(p.Records, used.Records+max(c.Records, 1)), Exhausted)
		return s, window, v
	}
	if beyondAllowance(s, c) > 0 {
		if s, v = applyAddressVerdict(s, p, c, v); v.Outcome != Admit {
			return s, window, v
		}
	}
	if s, v = checkRoaming(s, p, c, v); v.Outcome != Admit {
		return s, window, v
	}
	return spike(s, p, c, v, window, suggesting)
}

// spike counts the event in its window, or opens a challenge if that is full.
func spike(s State, p Policy, c Call, v Verdict, window Window, suggesting bool) (State, Window, Verdict) {
	limit := p.SpikeCalls
	if suggesting {
		limit = p.SpikeSuggestions
	}
	next, full := window.admit(c.At, p.SpikePer, limit)
	if full && !p.Observe.Spike {
		s, v = issueChallenge(s, p, c.At, v.seen(limit, window.Count), AddressVerdict{})
		return s, window, v
	}
	if full {
		v.Observed = ChallengeRequired
	}
	return s, next, v
}

// inspect checks a request about the token against its binding, and counts it in the window of
// suggestions. An unbound token does not change.
func inspect(s State, p Policy, c Call) (State, Verdict) {
	s, v := describe(s, p, c)
	if v.Outcome != Admit || s.Bound.Kind == Unbound {
		return s, v
	}
	if s.OpenChallenge.Number == 0 {
		next, window, v := spike(s, p, c, v, s.Suggestions, true)
		next.Suggestions = window
		return next, v
	}
	next, full := s.Suggestions.admit(c.At, p.SpikePer, p.SpikeSuggestions)
	if full && !p.Observe.Spike {
		return s, v.seen(p.SpikeSuggestions, s.Suggestions.Count).challenge(ChallengeRequired)
	}
	s.Suggestions = next
	return s, v
}

// describe checks a request against the token's binding, and changes nothing.
func describe(s State, p Policy, c Call) (State, Verdict) {
	if s.Bound.Kind == Unbound {
		if bindsTooLate(p, c) {
			return s, refused(Expired)
		}
		if _, why := bindingFor(p, c); why != None {
			return s, refused(why)
		}
		return s, Verdict{Outcome: Admit}
	}
	return checkBinding(s, p, c, Verdict{Outcome: Admit})
}

// revoke kills a token. It does not overwrite what a call has stored: the revocation may know less,
// and the usage of the token must find its tenant.
func revoke(s State, r Revoke) (State, Verdict) {
	if s.Bound.Kind == Unbound {
		s.Tenant, s.IssuedAt, s.Expires = r.Tenant, r.IssuedAt.Unix(), r.Expires.Unix()
	}
	s.Dead = Revoked
	return s, Verdict{Outcome: Admit}
}

// countCall counts a call on its day. If the clock was set back, the call counts on the first day;
// if it was set ahead, on the second. So no count is lost.
func countCall(s State, c Call) State {
	n := min(max(day(c.At)-s.Day, 0), 1)
	s.Used[n][c.Route].Calls++
	s.Used[n][c.Route].Records += c.Records
	return s
}

func kill(s State, v Verdict, why Reason) (State, Verdict) {
	s.Dead = why
	v.Outcome, v.Reason = Refuse, why
	return s, v
}

func refused(why Reason) Verdict { return Verdict{Outcome: Refuse, Reason: why} }

// seen sets the limit of the rule that decides, and what was counted.
func (v Verdict) seen(limit, seen uint32) Verdict {
	v.Limit, v.Seen, v.RoamingLimit = limit, seen, false
	return v
}

// challenge refuses with the challenge that is open.
func (v Verdict) challenge(why Reason) Verdict {
	v.Outcome, v.Reason = Challenged, why
	return v
}
