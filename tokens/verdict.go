package tokens

// Outcome is what the caller is to do. The zero Outcome refuses.
type Outcome uint8

// The outcomes.
const (
	Refuse      Outcome = iota
	Admit               // answer
	Challenged          // refuse, and show the challenge that is open
	NeedAddress         // ask the address about the binding, then try again with Address
)

func (o Outcome) String() string {
	return [...]string{"refuse", "admit", "challenge", "ask-address"}[o]
}

// Reason is why a token was refused; its text is the contract's code.
type Reason uint8

// The reasons. Their numbers are stored: add at the end, never change one.
const (
	None    Reason = iota
	Unknown        // the event is not known: a fault of ours, and it refuses
	Expired
	Revoked
	Hijacked
	Exhausted
	ChallengeIgnored
	ChallengedTooOften
	ChallengeRequired // the token lives
	ChallengeFailed   // the token lives
	NoOpenChallenge   // an answer or a reload for a challenge that is not open
	AddressBlocked    // the token lives
	ProofInvalid      // the token lives, and nothing of it changes
	RenderedTooOften  // the token lives; its challenge is not rendered again
)

// Reasons lists every Reason but None, for tables that must cover them all.
var Reasons = []Reason{Unknown, Expired, Revoked, Hijacked, Exhausted,
	ChallengeIgnored, ChallengedTooOften, ChallengeRequired, ChallengeFailed, NoOpenChallenge, AddressBlocked, ProofInvalid, RenderedTooOften}

func (r Reason) String() string {
	return [...]string{"", "internal", "token_expired", "token_revoked", "token_hijacked", "token_exhausted",
		"token_challenge_ignored", "token_challenged_too_often", "challenge_required", "challenge_failed", "not_found", "address_blocked", "proof_invalid", "overloaded"}[r]
}

// Verdict is the answer to one event. The zero Verdict refuses.
type Verdict struct {
	Outcome         Outcome
	Reason          Reason // why not; None when admitted
	NewlyBound      bool   // this event bound the token
	ChallengeIssued bool   // this event opened a challenge
	Solved          Kind   // this event solved a challenge of that kind
	For             Cause  // … and whose budget had called for it
	Observed        Reason // what it would have been refused for, by a rule that is only observed
	Limit           uint32 // the limit of the rule that refused, for explaining it; 0: none
	Seen            uint32 // what was counted against it
	OverRecords     bool   // it is the address's rule about records, not about bindings
	RoamingLimit    bool   // it is the rule about roaming
	State           State  // the token's state after the event
}
