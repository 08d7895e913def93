package tokens

import "time"

// admit counts one more event, or reports that the window is full. A window starts with the first
// event that it counts, and ends after per. A clock that was set back does not end it.
func (w Window) admit(at time.Time, per time.Duration, limit uint32) (next Window, full bool) {
	fresh := Window{uint32(at.Unix()), 1}
	if w.Count == 0 || at.Unix()-int64(w.Since) >= int64(per/time.Second) {
		return fresh, false
	}
	if w.Count >= limit {
		return fresh, true
	}
	return Window{w.Since, w.Count + 1}, false
}

// issueChallenge issues the token's next challenge, or kills a token that had too many. The n-th
// challenge has the n-th kind of the ladder, and more expensive work than the one before. If an
// address's budget led to the challenge, the address's verdict decides the kind.
func issueChallenge(s State, p Policy, at time.Time, v Verdict, address AddressVerdict) (State, Verdict) {
	if s.ChallengesIssued >= p.PerToken {
		s.OpenChallenge = Challenge{}
		return kill(s, v.seen(uint32(p.PerToken), uint32(s.ChallengesIssued)+1), ChallengedTooOften)
	}
	kind := address.Kind
	if kind == NoKind {
		kind = p.Ladder[min(int(s.ChallengesIssued), len(p.Ladder)-1)]
	}
	s.OpenChallenge = Challenge{Kind: kind, Level: min(uint8(min(s.ChallengesIssued, MaxLevel))+address.Level, MaxLevel), Left: p.Ignored, For: address.cause()}
	s.ChallengesIssued++
	v.ChallengeIssued = true
	return assignNumber(s, p, at), v.challenge(ChallengeRequired)
}

// assignNumber makes the open challenge a new one with a number, a time limit and renderings of its
// own. The one before can't be solved any more.
func assignNumber(s State, p Policy, at time.Time) State {
	s.Serial++
	s.OpenChallenge.Number, s.OpenChallenge.Expires, s.Rendered = s.Serial, uint32(at.Add(p.Expires).Unix()), 0
	return s
}

// cause returns whose limit or budget leads to the challenge of an address's verdict.
func (c AddressVerdict) cause() Cause {
	switch {
	case c.Kind == NoKind:
		return ByToken
	case c.Shared:
		return ByAll
	}
	return ByTenant
}

// refuseWhileOpen refuses a call while a challenge is open, and counts that the challenge was
// ignored. Suggestions are refused without being counted.
func refuseWhileOpen(s State, p Policy, c Call, v Verdict, suggest bool) (State, Verdict) {
	switch {
	case expired(s, c.At):
		return issueChallenge(s, p, c.At, v, reissue(s))
	case suggest:
		return s, v.challenge(ChallengeRequired)
	case s.OpenChallenge.Left == 0:
		return kill(s, v.seen(uint32(p.Ignored), uint32(p.Ignored)+1), ChallengeIgnored)
	}
	s.OpenChallenge.Left--
	return s, v.challenge(ChallengeRequired)
}

// expired reports whether the time to solve the open challenge is over.
func expired(s State, at time.Time) bool { return at.Unix() >= int64(s.OpenChallenge.Expires) }

// reissue returns the verdict that led to the open challenge, so that the next one is of the same
// kind. It is zero if the token's own limits led to the challenge: then the ladder decides.
func reissue(s State) AddressVerdict {
	if s.OpenChallenge.For == ByToken {
		return AddressVerdict{}
	}
	return AddressVerdict{Known: true, Kind: s.OpenChallenge.Kind, Level: s.OpenChallenge.Level, Shared: s.OpenChallenge.For == ByAll}
}

// answer closes a challenge that is solved. A challenge with a wrong or late answer has ended too,
// and the next one is issued.
func answer(s State, p Policy, a Answer) (State, Verdict) {
	s, v, open := atChallenge(s, p, a.Call, a.Number)
	if !open {
		return s, v
	}
	if !a.Correct || expired(s, a.At) {
		s, v = issueChallenge(s, p, a.At, v, reissue(s))
		if v.Outcome == Challenged {
			v.Reason = ChallengeFailed
		}
		return s, v
	}
	v.Solved, v.For = s.OpenChallenge.Kind, s.OpenChallenge.For
	s.OpenChallenge, s.Calls, s.Suggestions, s.Roaming = Challenge{}, Window{}, Window{}, Roaming{}
	return s, v
}

// freeReloads is how many reloads of a challenge are free. Each further one counts as a challenge.
const freeReloads = 3

// reload replaces a challenge by another one of its kind. The number of calls that may still ignore
// it stays the same.
func reload(s State, p Policy, r Reload) (State, Verdict) {
	s, v, open := atChallenge(s, p, r.Call, r.Number)
	if !open {
		return s, v
	}
	if s.OpenChallenge.Reloads++; s.OpenChallenge.Reloads > freeReloads {
		s.OpenChallenge.Reloads = freeReloads // from now on each reload counts
		if s.ChallengesIssued >= p.PerToken {
			return kill(s, v.seen(uint32(p.PerToken), uint32(s.ChallengesIssued)+1), ChallengedTooOften)
		}
		s.ChallengesIssued++
		v.ChallengeIssued = true
	}
	return assignNumber(s, p, r.At), v
}

// atChallenge checks that a request about a challenge comes from within the token's binding and is
// about the open challenge. A challenge can be solved once: an answer to one that is closed or was
// reloaded is neither correct nor wrong.
func atChallenge(s State, p Policy, c Call, number uint16) (State, Verdict, bool) {
	next, v := checkNonCall(s, p, c)
	if v.Outcome != Admit {
		return next, v, false
	}
	if s.OpenChallenge.Number == 0 || s.OpenChallenge.Number != number {
		return s, refused(NoOpenChallenge), false
	}
	return s, v, true
}

// render counts one rendering of the open challenge.
func render(s State, r Render) (State, Verdict) {
	switch {
	case s.OpenChallenge.Number == 0 || s.OpenChallenge.Number != r.Number || expired(s, r.At):
		return s, refused(NoOpenChallenge)
	case s.Rendered >= MaxRendered:
		return s, refused(RenderedTooOften).seen(MaxRendered, uint32(s.Rendered)+1)
	}
	s.Rendered++
	return s, Verdict{Outcome: Admit}
}
