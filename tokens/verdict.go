package tokens

// Outcome is what the caller of Step must do. The zero Outcome refuses.
type Outcome uint8

// The outcomes.
const (
	Refuse      Outcome = iota
	Admit               // respond with the content
	Challenged          // refuse, and show the open challenge
	NeedAddress         // consult the address, then apply the event again with its Address
)

func (o Outcome) String() string {
	return [...]string{"refuse", "admit", "challenge", "need-address"}[o]
}

// Reason says why a token was refused. Its text is the contract's code.
type Reason uint8

// The reasons. Their numbers are stored: add at the end, and never change one.
const (
	None    Reason = iota
	Unknown        // Step does not know the event: an internal error, which refuses
	Expired
	Revoked
	Hijacked
	Exhausted
	ChallengeIgnored
	ChallengedTooOften
	ChallengeRequired // the token lives
	ChallengeFailed   // the token lives
	NoOpenChallenge   // an answer, reload or rendering of a challenge that is not open
	AddressBlocked    // the token lives
	ProofInvalid      // the token lives, and its state does not change
	RenderedTooOften  // the token lives; its challenge is not rendered again
)

// Reasons lists every Reason except None, for tables that must be complete.
var Reasons = []Reason{
	Unknown, Expired, Revoked, Hijacked, Exhausted, ChallengeIgnored, ChallengedTooOften, ChallengeRequired,
	ChallengeFailed, NoOpenChallenge, AddressBlocked, ProofInvalid, RenderedTooOften,
}

func (r Reason) String() string {
	return nameOf(r, "internal", "", "internal", "token_expired", "token_revoked", "token_hijacked", "token_exhausted",
		"token_challenge_ignored", "token_challenged_too_often", "challenge_required", "challenge_failed",
		"not_found", "address_blocked", "proof_invalid", "overloaded")
}

// Verdict is the result of one event. The zero Verdict refuses.
type Verdict struct {
	Outcome         Outcome
	Reason          Reason // why it was refused; None if it was admitted
	NewlyBound      bool   // this event bound the token
	ChallengeIssued bool   // this event issued a challenge
	Solved          Kind   // kind of the challenge that this event solved; NoKind: none
	For             Cause  // whose limit or budget had led to the solved challenge
	Observed        Reason // why an observed rule would have refused; None: it would not
	Limit           uint32 // limit of the rule that decided, for explanations; 0: none
	Seen            uint32 // what was counted against Limit
	OverRecords     bool   // Limit is the address's budget of records, not of bindings
	RoamingLimit    bool   // Limit is the one of roaming
	Forgotten       bool   // Reason is Expired because the token's state may have been lost
	Spent           bool   // the call's Proof or Counter was spent with what this event wrote
	State           State  // the token's state after the event
}
