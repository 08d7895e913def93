package tokens

// Step applies one event to a token. It is pure: the same arguments always give the same results,
// so a store may call it again after a conflict. The order of its checks is the contract's: dead,
// binding, open challenge, calls and records, allowance, roaming, spike.
func Step(s State, p Policy, e Event) (State, Verdict) {
	next, v := step(s, p, e)
	v.State = next
	return next, v
}

func step(s State, p Policy, e Event) (State, Verdict) {
	c, ok := callIn(e)
	switch {
	case ok && c.Blocked && !s.AddressChecked:
		return s, refused(AddressBlocked)
	case s.Dead != None:
		return dead(s, p, e)
	case c.Counter != 0:
		return sessionStep(s, p, c, e)
	}
	return decide(s, p, e)
}

// decide applies an event to a living token.
func decide(s State, p Policy, e Event) (State, Verdict) {
	switch e := e.(type) {
	case Check:
		return check(s, p, e)
	case *Call:
		return call(s, p, *e)
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
	case *Call:
		return *e, true
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

// dead refuses permanently. The one exception is the request that bound the token: if another
// caller hijacked the token before that request was counted, the request came first. It is
// admitted, and the token stays dead.
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
	case *Call:
		next, v = call(alive, p, *e)
	}
	if v.Outcome != Admit {
		return s, refused(s.Dead)
	}
	next.Dead = s.Dead
	return next, v
}

// check returns what the step of the call itself would decide once its content has been read. It
// keeps the binding, the address's verdict and challenges, but no counts.
func check(s State, p Policy, e Check) (State, Verdict) {
	next, _, v := pass(s, p, e.Call, e.Suggest)
	if v.Outcome == Admit {
		next.Roaming = s.Roaming
	}
	return next, v
}

// call counts a call and its records if all checks admit it.
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
		next.Hints++ // it reveals a total, facets, or that an item does not exist
	}
	return countCall(next, c), v
}

// suggest counts suggestions in their spike window, and their new titles.
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
// it returns the spike window with the event counted. The caller decides whether to keep it.
func pass(s State, p Policy, c Call, suggest bool) (State, Window, Verdict) {
	window := s.Calls
	if suggest {
		window = s.Suggestions
	}
	s, v := bindAndCheck(s, p, c)
	if v.Outcome != Admit {
		return s, window, v
	}
	if s.OpenChallenge.Number != 0 {
		s, v = refuseWhileOpen(s, p, c, v, suggest)
		return s, window, v
	}
	if used := s.Used.Total(); !suggest && used.Calls >= p.Calls {
		s, v = kill(s, v.seen(p.Calls, used.Calls), Exhausted)
		return s, window, v
	} else if !suggest && used.Records >= p.Records {
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
	return spike(s, p, c, v, window, suggest)
}

// spike counts the event in its window, or issues a challenge if the window is full.
func spike(s State, p Policy, c Call, v Verdict, window Window, suggest bool) (State, Window, Verdict) {
	limit := p.SpikeCalls
	if suggest {
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

// inspect checks that a request about the token comes from within its binding, and counts it in the
// spike window of suggestions. While the token is unbound, nothing changes.
func inspect(s State, p Policy, c Call) (State, Verdict) {
	s, v := checkNonCall(s, p, c)
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

// checkNonCall checks a request that is not a call. It must come from within the token's binding.
// An unbound token stays unbound; the request is refused if a call could not bind it.
func checkNonCall(s State, p Policy, c Call) (State, Verdict) {
	if s.Bound.Kind == Unbound {
		if v, late := bindsTooLate(p, c); late {
			return s, v
		}
		if _, why := bindingFor(p, c); why != None {
			return s, refused(why)
		}
		return s, Verdict{Outcome: Admit}
	}
	return checkBinding(s, p, c, Verdict{Outcome: Admit})
}

// revoke kills a token. What its first call stored about it stays: the caller of revoke may know
// less, and its usage must be charged to its tenant.
func revoke(s State, r Revoke) (State, Verdict) {
	if s.Bound.Kind == Unbound {
		s.Tenant, s.IssuedAt, s.Expires = r.Tenant, r.IssuedAt.Unix(), r.Expires.Unix()
	}
	s.Dead = Revoked
	return s, Verdict{Outcome: Admit}
}

// countCall counts a call on its day. If the clock was set back, that is the first day; if the
// clock jumped ahead, the second. A count is never lost.
func countCall(s State, c Call) State {
	n := min(max(day(c.At)-s.Day, 0), 1)
	s.Used[n][c.Route].Calls++
	s.Used[n][c.Route].Records += c.Records
	return s
}

// kill kills the token for the reason why.
func kill(s State, v Verdict, why Reason) (State, Verdict) {
	s.Dead = why
	v.Outcome, v.Reason = Refuse, why
	return s, v
}

func refused(why Reason) Verdict { return Verdict{Outcome: Refuse, Reason: why} }

// seen sets the limit of the rule that decides, and what was counted against it.
func (v Verdict) seen(limit, seen uint32) Verdict {
	v.Limit, v.Seen, v.RoamingLimit = limit, seen, false
	return v
}

// challenge refuses and shows the open challenge.
func (v Verdict) challenge(why Reason) Verdict {
	v.Outcome, v.Reason = Challenged, why
	return v
}
