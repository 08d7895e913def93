package tokens

import "time"

// admit counts one more event in the window, or reports that the window is full. A window starts
// with the first event that it counts, and ends after per. A clock that was set back does not end
// it.
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

// issueChallenge opens the token's next challenge, or kills a token that had too many. The n-th
// challenge has the n-th kind of the ladder and more expensive work than the one before. A
// challenge because of the address has the kind that the address requires.
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

// assignNumber makes the open challenge a new one: no answer to an earlier one is correct any more.
func assignNumber(s State, p Policy, at time.Time) State {
	s.Serial++
	s.OpenChallenge.Number, s.OpenChallenge.Expires, s.Rendered = s.Serial, uint32(at.Add(p.Expires).Unix()), 0
	return s
}

// cause returns whose budget requires the challenge of an address verdict.
func (c AddressVerdict) cause() Cause {
	switch {
	case c.Kind == NoKind:
		return ByToken
	case c.Shared:
		return ByAll
	}
	return ByTenant
}

// refuseWhileOpen refuses a call during an open challenge, and counts it as ignored. Suggestions
// are refused but not counted.
func refuseWhileOpen(s State, p Policy, c Call, v Verdict, suggesting bool) (State, Verdict) {
	switch {
	case expired(s, c.At):
		return issueChallenge(s, p, c.At, v, reissue(s))
	case suggesting:
		return s, v.challenge(ChallengeRequired)
	case s.OpenChallenge.Left == 0:
		return kill(s, v.seen(uint32(p.Ignored), uint32(p.Ignored)+1), ChallengeIgnored)
	}
	s.OpenChallenge.Left--
	return s, v.challenge(ChallengeRequired)
}

func expired(s State, at time.Time) bool { return at.Unix() >= int64(s.OpenChallenge.Expires) }

// reissue returns the address verdict that led to the open challenge, to issue it again. For a
// challenge because of the token alone, it is zero.
func reissue(s State) AddressVerdict {
	if s.OpenChallenge.For == ByToken {
		return AddressVerdict{}
	}
	return AddressVerdict{Known: true, Kind: s.OpenChallenge.Kind, Level: s.OpenChallenge.Level, Shared: s.OpenChallenge.For == ByAll}
}

// answer closes a solved challenge. A wrong answer ends a challenge, and so does its expiry; then
// the next one is issued.
func answer(s State, p Policy, a Answer) (State, Verdict) {
	s, v, open := atChallenge(s, p, a.Call, a.Number)
	if !open {
		return s, v
	}
	if !a.Right || expired(s, a.At) {
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

// freeReloads is how often a challenge may be reloaded before each reload counts as a challenge.
const freeReloads = 3

// reload replaces a challenge by another of its kind. The number of calls until the token dies
// stays the same.
func reload(s State, p Policy, r Reload) (State, Verdict) {
	s, v, open := atChallenge(s, p, r.Call, r.Number)
	if !open {
		return s, v
	}
	if s.OpenChallenge.Reloads++; s.OpenChallenge.Reloads > freeReloads {
		s.OpenChallenge.Reloads = freeReloads // it stays there, so that each further reload counts
		if s.ChallengesIssued >= p.PerToken {
			return kill(s, v.seen(uint32(p.PerToken), uint32(s.ChallengesIssued)+1), ChallengedTooOften)
		}
		s.ChallengesIssued++
		v.ChallengeIssued = true
	}
	return assignNumber(s, p, r.At), v
}

// atChallenge checks a request about a challenge against the token's binding and the open
// challenge. A challenge works once: an answer to a closed or reloaded one is neither correct nor
// wrong.
func atChallenge(s State, p Policy, c Call, number uint16) (State, Verdict, bool) {
	next, v := describe(s, p, c)
	if v.Outcome != Admit {
		return next, v, false
	}
	if s.OpenChallenge.Number == 0 || s.OpenChallenge.Number != number {
		return s, refused(NoOpenChallenge), false
	}
	return s, v, true
}

// render counts one rendering of the open challenge.
func render(s State, d Render) (State, Verdict) {
	switch {
	case s.OpenChallenge.Number == 0 || s.OpenChallenge.Number != d.Number || expired(s, d.At):
		return s, refused(NoOpenChallenge)
	case s.Rendered >= MaxRendered:
		return s, refused(RenderedTooOften).seen(MaxRendered, uint32(s.Rendered)+1)
	}
	s.Rendered++
	return s, Verdict{Outcome: Admit}
}
