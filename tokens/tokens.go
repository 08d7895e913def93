// Package tokens decides whether each call of a bearer token is admitted.
//
// It is only a state machine: [Step] takes a token's state, the policy and one event, and returns
// the next state and the verdict. It reads no clock, opens no connection and imports only the
// standard library. So every rule about a token can be read here and tested without a server.
// [Gate] connects Step to a [Store].
//
// Package tokens/bearer checks the signatures and claims of tokens.
package tokens

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"
)

// ID names one token in every store: the first 16 bytes of the SHA-256 of its issuer and jti. It
// does not depend on the token's text, which has many spellings that verify. It can be stored and
// logged, because no token can be made from it.
type ID [16]byte

// NewID returns the ID of the token that issuer named jti.
func NewID(issuer, jti string) (id ID) {
	sum := sha256.Sum256([]byte(issuer + "\x00" + jti))
	copy(id[:], sum[:])
	return id
}

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// State is everything that is stored about one token. The zero State is that of a token that was
// never presented. It has no pointers, so that a million of them cost the garbage collector
// nothing, and it is comparable.
type State struct {
	Tenant           uint32    // number of the tenant that is charged
	Day              int32     // UTC day of the binding, in days since 1970-01-01
	IssuedAt         int64     // Unix seconds
	Expires          int64     // Unix seconds
	Used             Usage     // what was admitted, on Day and on the day after
	Calls            Window    // calls admitted in their current spike window
	Suggestions      Window    // suggestions admitted in theirs
	Allowance        uint32    // total records up to which its address was consulted; 0: no limit
	OpenChallenge    Challenge // the challenge to be solved; zero: there is none
	ChallengesIssued uint16    // challenges issued, solved or not
	Serial           uint16    // number of the latest challenge; reloaded ones count too
	Bound            Binding   // what the first request bound it to
	AddressChecked   bool      // its address has been consulted about it
	Dead             Reason    // why it is dead; None if it is not
	Roaming          Roaming   // where a key-bound token was used
	Hints            uint32    // new titles, and calls without records: part of the Allowance
	Rendered         uint8     // how often the open challenge was rendered, as a picture or as sound
}

// Window counts what was admitted since a time.
type Window struct {
	Since uint32 // Unix seconds, valid until 2106
	Count uint32
}

// Challenge is a challenge of a token. Its answer is not stored here: package challenge seals it
// into the challenge's id.
// package challenge seals it into the challenge's id.
type Challenge struct {
	Expires uint32 // Unix seconds
	Number  uint16 // State.Serial when it was issued; 0: there is no challenge
	Kind    Kind
	Level   uint8 // work level: 0, 1 or 2
	Left    uint8 // calls during the challenge until the token dies
	Reloads uint8 // how often it was replaced by another of its kind
	For     Cause // whose budget required it
}

// Cause says whose budget required a challenge. Its numbers are stored.
type Cause uint8

// The causes.
const (
	ByToken  Cause = iota // the token's own: a spike, roaming
	ByTenant              // the address's budget for the tokens of one tenant
	ByAll                 // a budget that tenants or addresses share: it never leads to a block
)

// Kind is the kind of a challenge.
type Kind uint8

// The kinds of challenge, in the contract's words. NoKind stands for no challenge.
const (
	NoKind Kind = iota
	Work
	Picture
)

func (k Kind) String() string { return [...]string{"", "work", "picture"}[k] }

// MaxLevel is the maximum work level.
const MaxLevel = 2

// Usage counts admitted calls by day and route: [0] is State.Day, [1] is the day after. The maximum
// lifetime of a token is 24 hours, so it touches no third day.
type Usage [2][Routes]Count

// Count is a number of calls, and of the records that they delivered.
type Count struct{ Calls, Records uint32 }

// Total returns the sum over days and routes.
func (u Usage) Total() (t Count) {
	for _, day := range u {
		for _, c := range day {
			t.Calls += c.Calls
			t.Records += c.Records
		}
	}
	return t
}

// Route is a route of the content API whose calls are counted.
type Route uint8

// The counted routes, and how many there are.
const (
	Items Route = iota
	Item
	Related
	Collections
	Routes = 4
)

func (r Route) String() string { return [...]string{"items", "item", "related", "collections"}[r] }

// Policy is the limits of a token. Every limit must be > 0.
type Policy struct {
	Calls      uint32        // maximum number of calls
	Records    uint32        // maximum number of records
	BindWithin time.Duration // maximum time from its issue to its first call

	Binding          Mode          // what the first call binds a token to
	KillOnForeignKey bool          // a call by another key kills a key-bound token
	RoamAddresses    uint8         // addresses of a key-bound token within RoamPer; at most MaxRoaming
	RoamPer          time.Duration // whole seconds

	SpikeCalls       uint32        // calls within SpikePer before a challenge
	SpikeSuggestions uint32        // the same for suggestions
	SpikePer         time.Duration // whole seconds

	Ladder   []Kind        // kinds of the first challenge, the second, …; the last repeats. Not empty
	Ignored  uint8         // calls during an open challenge before the token dies
	PerToken uint16        // maximum number of challenges, solved or not
	Expires  time.Duration // time to solve a challenge

	Observe Observe
}

// Observe lists the rules that are evaluated and recorded but not enforced.
type Observe struct{ Hijack, Spike bool }

// An Event is something that happens to a token: [Check], [Call], [Suggest],
// [Attempt], [Inspect], [Answer], [Reload], [Render] or [Revoke].
type Event interface{ event() }

// Call is a request to the content API that presented the token. The content of its response has
// been read already, so that it is counted in the step that admits it. It is sent only if the step
// admits it.
type Call struct {
	At           time.Time
	Tenant       uint32     // whose token it is
	IssuedAt     time.Time  // iat
	Expires      time.Time  // exp
	From         netip.Addr // source address, in the form of addresses.Canonical
	Key          Key        // of the valid proof; zero: there was none
	BadProof     bool       // there was a proof, and it is invalid
	ConfirmedKey Key        // the one key that the token itself names; zero: any
	Route        Route
	Records      uint32         // records in the response; in a Check, their maximum
	Titles       uint32         // of suggestions: titles new to the token; in a Check, their maximum
	Blocked      bool           // a rule blocks the address; State.AddressChecked exempts the token
	Binder       bool           // an earlier event of the same request bound the token
	Address      AddressVerdict // the address's verdict, once it was consulted
}

// AddressVerdict is the verdict of an address on a token.
type AddressVerdict struct {
	Known       bool   // the address was consulted
	Blocked     bool   // it is blocked: the request is refused, and the token stays valid
	Kind        Kind   // the challenge that the token starts with, or NoKind
	Level       uint8  // its work level
	Shared      bool   // a budget that tenants or addresses share requires the challenge
	Allowance   uint32 // records until the address must be consulted again; 0: no limit
	Limit       uint32 // the address's budget that was exceeded, to explain it; 0: none
	Seen        uint32 // what was counted against it
	OverRecords bool   // that budget is of records, not of bindings
}

// Suggest is a request for suggestions. It binds and is checked like a call, but is neither counted
// nor charged. It carries no records, and has its own spike limit.
type Suggest Call

// Check asks whether the content of a call, or suggestions, may be read from the corpus. It binds
// the token, consults its address and refuses as the call itself would. If it admits, nothing has
// been counted yet.
type Check struct {
	Call
	Suggest bool // it is about suggestions
}

// Attempt is a call, or suggestions, that passed its Check but whose content could not be read. It
// counts in the spike window, and is not charged.
type Attempt struct {
	Call
	Suggest bool // it is about suggestions
}

// Inspect is a request about the token itself. It is checked like a call, but is neither counted
// nor charged, binds nothing, and is admitted during an open challenge. It counts in the spike
// window of suggestions.
type Inspect Call

// Render renders challenge Number as a picture or as sound. Its request carries no token.
type Render struct {
	At     time.Time
	Number uint16
}

// MaxRendered is the maximum number of times that one challenge is rendered.
const MaxRendered = 6

// Answer is an answer to challenge Number, which has already been checked.
type Answer struct {
	Call
	Number uint16
	Right  bool
}

// Reload requests another challenge instead of challenge Number.
type Reload struct {
	Call
	Number uint16
}

// Revoke kills the token. It carries what is known of the token, which may never have been
// presented.
type Revoke struct {
	Tenant            uint32
	IssuedAt, Expires time.Time
}

func (Call) event()    {}
func (Suggest) event() {}
func (Inspect) event() {}
func (Render) event()  {}
func (Revoke) event()  {}

// Outcome says what the caller must do. The zero Outcome refuses.
type Outcome uint8

// The outcomes.
const (
	Refuse      Outcome = iota
	Admit               // respond
	Challenged          // refuse, and show the open challenge
	NeedAddress         // consult the address about the binding, then step again with its verdict
)

func (o Outcome) String() string {
	return [...]string{"refuse", "admit", "challenge", "ask-address"}[o]
}

// Reason is why a token was refused; its text is the contract's code.
type Reason uint8

// The reasons. Their numbers are stored: append new ones, and never change one.
const (
	None    Reason = iota
	Unknown        // the event is unknown: an internal error, which refuses
	Expired
	Revoked
	Hijacked
	Exhausted
	ChallengeIgnored
	ChallengedTooOften
	ChallengeRequired // the token stays valid
	ChallengeFailed   // the token stays valid
	NoOpenChallenge   // an answer or a reload for a challenge that is not open
	AddressBlocked    // the token stays valid
	ProofInvalid      // the token stays valid and unchanged
	RenderedTooOften  // the token stays valid; its challenge is not rendered again
)

// Reasons lists every Reason except None, for tables that must cover them all.
var Reasons = []Reason{Unknown, Expired, Revoked, Hijacked, Exhausted,
	ChallengeIgnored, ChallengedTooOften, ChallengeRequired, ChallengeFailed, NoOpenChallenge, AddressBlocked, ProofInvalid, RenderedTooOften}

func (r Reason) String() string {
	return [...]string{"", "internal", "token_expired", "token_revoked", "token_hijacked", "token_exhausted",
		"token_challenge_ignored", "token_challenged_too_often", "challenge_required", "challenge_failed", "not_found", "address_blocked", "proof_invalid", "overloaded"}[r]
}

// Verdict is the result of one event. The zero Verdict refuses.
type Verdict struct {
	Outcome         Outcome
	Reason          Reason // why it was refused; None if it was admitted
	NewlyBound      bool   // this event bound the token
	ChallengeIssued bool   // this event opened a challenge
	Solved          Kind   // this event solved a challenge of that kind
	For             Cause  // whose budget had required the solved challenge
	Observed        Reason // why an observed rule would have refused it
	Limit           uint32 // the limit of the rule that refused, to explain it; 0: none
	Seen            uint32 // what was counted against it
	OverRecords     bool   // that limit is the address's budget of records, not of bindings
	RoamingLimit    bool   // that limit is the one of roaming
	State           State  // the token's state after the event
}
