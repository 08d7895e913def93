package tokens

import "time"

// Step applies one event to a token. It is pure: the same arguments always
// give the same results, so a store may call it again after a conflict.
// The order of its questions is the contract's: dead, binding, calls.
func Step(s State, p Policy, e Event) (State, Verdict) {
	if s.Dead != None {
		return refuse(s, s.Dead)
	}
	switch e := e.(type) {
	case Call:
		return call(s, p, e)
	case Suggest:
		return check(s, p, Call(e))
	case Look:
		next, v := check(s, p, Call(e))
		if v.Binds {
			return s, Verdict{Outcome: Admit, State: s}
		}
		return next, v
	case Revoke:
		return revoke(s, e)
	}
	return refuse(s, Unknown)
}

func call(s State, p Policy, c Call) (State, Verdict) {
	s, v := check(s, p, c)
	if v.Outcome != Admit {
		return s, v
	}
	if used := s.Used.Total(); used.Calls >= p.Calls || used.Records >= p.Records || used.Records+c.Records > p.Records {
		s.Dead, v.Outcome, v.Reason = Exhausted, Refuse, Exhausted
	} else {
		s = spend(s, c)
	}
	v.State = s
	return s, v
}

// check binds a token that is not bound, and holds one that is to its binding.
func check(s State, p Policy, c Call) (State, Verdict) {
	binds := s.Bound.Kind == Unbound
	if binds {
		if late(p, c) {
			return refuse(s, Expired)
		}
		s = bind(s, c)
	}
	if s.Bound != BindTo(c.From) {
		return kill(s, Hijacked)
	}
	return s, Verdict{Outcome: Admit, Binds: binds, State: s}
}

// late says that a token still unbound has waited too long: that is how
// tokens would be stock-piled.
func late(p Policy, c Call) bool { return c.At.Sub(c.IssuedAt) > p.BindWithin }

func bind(s State, c Call) State {
	s.Tenant, s.IssuedAt, s.Expires = c.Tenant, c.IssuedAt.Unix(), c.Expires.Unix()
	s.Bound, s.Day = BindTo(c.From), day(c.At)
	return s
}

// revoke ends a token. What a call has said of it stands: who revokes may know
// less, and its usage must find its tenant.
func revoke(s State, r Revoke) (State, Verdict) {
	if s.Bound.Kind == Unbound {
		s.Tenant, s.IssuedAt, s.Expires = r.Tenant, r.IssuedAt.Unix(), r.Expires.Unix()
	}
	s.Dead = Revoked
	return s, Verdict{Outcome: Admit, State: s}
}

// spend counts a call on its day. A clock that was set back counts on the
// first day, one that leapt ahead on the second: a count is never lost.
func spend(s State, c Call) State {
	n := min(max(day(c.At)-s.Day, 0), 1)
	s.Used[n][c.Route].Calls++
	s.Used[n][c.Route].Records += c.Records
	return s
}

func day(t time.Time) int32 { return int32(t.Unix() / (24 * 60 * 60)) }

func kill(s State, why Reason) (State, Verdict) {
	s.Dead = why
	return refuse(s, why)
}

func refuse(s State, why Reason) (State, Verdict) {
	return s, Verdict{Outcome: Refuse, Reason: why, State: s}
}
