package tokens

// ProofWindow says which session proofs of a token were used, by their counters: the highest one,
// and which of the 64 up to it. Lower ones count as used. So a proof is valid once, and no list of
// used proofs is needed (as in RFC 6479). Because it is a part of the state, it is as durable as
// the call that the proof was for, and the same on all servers.
type ProofWindow struct {
	Highest uint32 // 0: none was used
	Used    uint64 // bit n is set if Highest-n was used
}

// windowSize is the number of counters that Used tells apart. Requests of one browser, on several
// connections, may overtake each other by that much.
const windowSize = 64

// accepts reports whether a counter was not used, and is not too old to know. 0 is never accepted.
func (w ProofWindow) accepts(counter uint32) bool {
	switch {
	case counter == 0:
		return false
	case counter > w.Highest:
		return true
	case w.Highest-counter >= windowSize:
		return false
	}
	return w.Used>>(w.Highest-counter)&1 == 0
}

// with returns the window after the use of a counter that it accepts.
func (w ProofWindow) with(counter uint32) ProofWindow {
	if counter > w.Highest {
		return ProofWindow{counter, w.Used<<(counter-w.Highest) | 1}
	}
	w.Used |= 1 << (w.Highest - counter)
	return w
}

// sessionStep applies an event with a session proof. The proof is valid only if the token is bound
// to the key that agreed on the session, and if its counter was not used. Otherwise the state does
// not change: the counter of a copied request must not use up one of the owner.
//
// The counter is used by what the event writes, whether it admits or refuses. A Check that admits
// and changes nothing else leaves it unused, so that it writes nothing: then the step of the call
// itself uses it.
func sessionStep(s State, p Policy, c Call, e Event) (State, Verdict) {
	if s.Bound.Kind != ToKey || !s.Bound.fits(c) || !s.Proofs.accepts(c.Counter) {
		return s, refused(ProofInvalid)
	}
	next, v := decide(s, p, e)
	if _, isCheck := e.(Check); isCheck && v.Outcome == Admit && next == s {
		return s, v
	}
	next.Proofs, v.Spent = s.Proofs.with(c.Counter), true
	return next, v
}
