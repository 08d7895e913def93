package tokens

// Step applies one event to a token. It is pure: the same arguments always
// give the same results, so a store may call it again after a conflict.
// The order of its questions is the contract's: dead, binding, challenge,
// calls, the address's leave, roaming, spike.
func Step(s State, p Policy, e Event) (State, Verdict) {
	next, v := step(s, p, e)
	v.State = next
	return next, v
}

func step(s State, p Policy, e Event) (State, Verdict) {
	if s.Dead != None {
		return dead(s, p, e)
	}
	switch e := e.(type) {
	case Call:
		return call(s, p, e)
	case Suggest:
		return suggest(s, p, Call(e))
	case Look:
		return look(s, p, Call(e))
	case Answer:
		return answer(s, p, e)
	case Reload:
		return reload(s, p, e)
	case Revoke:
		return revoke(s, e)
	}
	return s, refused(Unknown)
}

// dead refuses, for good. The one exception comes in order: the call that bound
// a token, and was asking the token's address when another hijacked it, was
// before that one. It is answered, and the token stays dead.
func dead(s State, p Policy, e Event) (State, Verdict) {
	c, ok := e.(Call)
	if !ok || s.Dead != Hijacked || s.Cleared || !c.Crowd.Asked || !s.Bound.fits(c) {
		return s, refused(s.Dead)
	}
	alive := s
	alive.Dead = None
	next, v := call(alive, p, c)
	if v.Outcome != Admit {
		return s, refused(s.Dead)
	}
	next.Dead = s.Dead
	return next, v
}

func call(s State, p Policy, c Call) (State, Verdict) {
	s, v := check(s, p, c)
	if v.Outcome != Admit {
		return s, v
	}
	if s.Open.Number != 0 {
		return ignore(s, p, c, v)
	}
	if used := s.Used.Total(); used.Calls >= p.Calls {
		return kill(s, v.seen(p.Calls, used.Calls), Exhausted)
	} else if used.Records >= p.Records || used.Records+c.Records > p.Records {
		return kill(s, v.seen(p.Records, used.Records+c.Records), Exhausted)
	}
	if lacks(s, c) > 0 {
		if s, v = leave(s, p, c, v); v.Outcome != Admit {
			return s, v
		}
	}
	if s, v = roam(s, p, c, v); v.Outcome != Admit {
		return s, v
	}
	next, spiked := s.Calls.admit(c.At, p.SpikePer, p.SpikeCalls)
	if spiked && !p.Observe.Spike {
		return ask(s, p, c.At, v.seen(p.SpikeCalls, s.Calls.Count), Crowd{})
	}
	if spiked {
		v.Observed = ChallengeRequired
	}
	s.Calls = next
	return spend(s, c), v
}

func suggest(s State, p Policy, c Call) (State, Verdict) {
	s, v := check(s, p, c)
	if v.Outcome != Admit {
		return s, v
	}
	if s.Open.Number != 0 && expired(s, c.At) {
		return ask(s, p, c.At, v, again(s))
	}
	if s.Open.Number != 0 {
		return s, v.challenge(ChallengeRequired)
	}
	if s, v = roam(s, p, c, v); v.Outcome != Admit {
		return s, v
	}
	next, spiked := s.Typing.admit(c.At, p.SpikePer, p.SpikeSuggestions)
	if spiked && !p.Observe.Spike {
		return ask(s, p, c.At, v.seen(p.SpikeSuggestions, s.Typing.Count), Crowd{})
	}
	if spiked {
		v.Observed = ChallengeRequired
	}
	s.Typing = next
	return s, v
}

// look holds a request about the token to its binding, and changes nothing.
func look(s State, p Policy, c Call) (State, Verdict) {
	if s.Bound.Kind == Unbound {
		if late(p, c) {
			return s, refused(Expired)
		}
		if _, why := tie(p, c); why != None {
			return s, refused(why)
		}
		return s, Verdict{Outcome: Admit}
	}
	return hold(s, p, c, Verdict{Outcome: Admit})
}

// revoke ends a token. What a call has said of it stands: who revokes may know
// less, and its usage must find its tenant.
func revoke(s State, r Revoke) (State, Verdict) {
	if s.Bound.Kind == Unbound {
		s.Tenant, s.IssuedAt, s.Expires = r.Tenant, r.IssuedAt.Unix(), r.Expires.Unix()
	}
	s.Dead = Revoked
	return s, Verdict{Outcome: Admit}
}

// spend counts a call on its day. A clock that was set back counts on the
// first day, one that leapt ahead on the second: a count is never lost.
func spend(s State, c Call) State {
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

// seen notes the limit of the rule that decides, and what was counted.
func (v Verdict) seen(limit, seen uint32) Verdict {
	v.Limit, v.Seen, v.Roams = limit, seen, false
	return v
}

// challenge refuses with the challenge that is open.
func (v Verdict) challenge(why Reason) Verdict {
	v.Outcome, v.Reason = Challenged, why
	return v
}
