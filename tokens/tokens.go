// Package tokens decides what becomes of a bearer token from call to call.
//
// It is a state machine and nothing else: [Step] takes what is remembered
// about a token, the policy and one event, and returns what to remember next
// and what to answer. It reads no clock, opens no connection and imports only
// the standard library, so every rule about a token can be read here and
// tested without a server. [Gate] joins Step to a [Store].
//
// Signatures and the claims inside a token belong to tokens/bearer.
package tokens

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"
)

// ID names one token in every store: the first 16 bytes of the SHA-256 of its
// issuer and jti. It is never made from the token's text, which has many
// spellings that verify, and it can be stored and logged: nobody can make a
// token of it.
type ID [16]byte

// NewID is the ID of the token that issuer gave the name jti.
func NewID(issuer, jti string) (id ID) {
	sum := sha256.Sum256([]byte(issuer + "\x00" + jti))
	copy(id[:], sum[:])
	return id
}

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// State is all that is remembered about one token. The zero State is a token
// that was never presented. It holds no pointers, so that a million of them
// cost the garbage collector nothing, and it is comparable.
type State struct {
	Tenant           uint32    // number of the tenant that is charged
	Day              int32     // UTC day of the binding, in days since 1970-01-01
	IssuedAt         int64     // Unix seconds
	Expires          int64     // Unix seconds
	Used             Usage     // what was admitted, on Day and on the day after
	Calls            Window    // calls admitted in the running spike window
	Suggestions      Window    // suggestions admitted in theirs
	Allowance        uint32    // records in all for which its address was asked; 0: it need not be asked again
	OpenChallenge    Challenge // the challenge that waits to be solved; zero: none
	ChallengesIssued uint16    // challenges asked for, solved or not
	Serial           uint16    // number of the latest challenge, reloaded ones included
	Bound            Binding   // what the first request tied it to
	AddressChecked   bool      // the address that bound it has been asked about it
	Dead             Reason    // why the token is no longer good; None while it is
	Roaming          Roaming   // where a token that is bound to a key was used
	Hints            uint32    // what counts in Leave beside records: titles of suggestions new to the token, and calls that delivered none
	Rendered         uint8     // how often the open challenge was rendered, as a picture or as sound
}

// Window counts what was admitted from a moment on.
type Window struct {
	Since uint32 // Unix seconds, good until 2106
	Count uint32
}

// Challenge is what a token was asked to solve. Its answer is not kept here:
// package challenge seals it into the challenge's id.
type Challenge struct {
	Expires uint32 // Unix seconds
	Number  uint16 // State.Serial when it was asked; 0: there is no challenge
	Kind    Kind
	Level   uint8 // 0, 1, 2: how dear the work is
	Left    uint8 // calls with it open until the token dies
	Reloads uint8 // how often it was exchanged for another of its kind
	For     Cause // whose budget called for it
}

// Cause says whose budget called for a challenge. Its numbers are stored.
type Cause uint8

// The causes.
const (
	ByToken  Cause = iota // the token's own: a spike, roaming
	ByTenant              // the address's budget for the tokens of one tenant
	ByAll                 // a budget that tenants or addresses share: it never leads to a block
)

// Kind is the sort of a challenge.
type Kind uint8

// The kinds of challenge, in the contract's words; NoKind is none.
const (
	NoKind Kind = iota
	Work
	Picture
)

func (k Kind) String() string { return [...]string{"", "work", "picture"}[k] }

// MaxLevel is the dearest work.
const MaxLevel = 2

// Usage counts admitted calls by day and route: [0] is State.Day, [1] the day
// after it. A token lives 24 hours at most (settings see to that), so it
// touches no third day.
type Usage [2][Routes]Count

// Count is a number of calls, and of the items that they delivered.
type Count struct{ Calls, Records uint32 }

// Total is the sum over days and routes.
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

// Policy is what tokens are allowed. Every limit must be > 0.
type Policy struct {
	Calls      uint32        // calls that a token is good for
	Records    uint32        // items that it may deliver
	BindWithin time.Duration // time from its issue to its first call

	Binding          Mode          // what the first call binds a token to
	KillOnForeignKey bool          // a call by another key kills a token that is bound to a key
	RoamAddresses    uint8         // addresses, within RoamPer, of a token that is bound to a key; at most MaxRoaming
	RoamPer          time.Duration // whole seconds

	SpikeCalls       uint32        // calls within SpikePer before a challenge
	SpikeSuggestions uint32        // the same for suggestions
	SpikePer         time.Duration // whole seconds

	Ladder   []Kind        // kind of the first challenge, the second, …; the last stays. Not empty
	Ignored  uint8         // calls with a challenge open before the token dies
	PerToken uint16        // challenges in a token's life, solved or not
	Expires  time.Duration // time to solve one

	Observe Observe
}

// Observe names rules that are decided and told, and not enforced.
type Observe struct{ Hijack, Spike bool }

// An Event is something that happens to a token: [Check], [Call], [Suggest],
// [Attempt], [Inspect], [Answer], [Reload], [Render] or [Revoke].
type Event interface{ event() }

// Call is a request to the content API that presented the token. What it
// would deliver has been read already, so that it can be counted in the step
// that admits it; it is sent only if the step does.
type Call struct {
	At           time.Time
	Tenant       uint32     // whose token it is
	IssuedAt     time.Time  // iat
	Expires      time.Time  // exp
	From         netip.Addr // source address, by addresses.Normal
	Key          Key        // what a good proof was made with; zero: there was none
	BadProof     bool       // there was a proof, and it is not good
	ConfirmedKey Key        // the one key that the token itself names; zero: any
	Route        Route
	Records      uint32         // items that the response carries; in a Check, the most that it may carry
	Titles       uint32         // of suggestions: titles in the response that are new to the token; in a Check, the most
	Blocked      bool           // a rule blocks the address for the tenant's tokens: only those cleared before continue
	Binder       bool           // an earlier event of the same request bound the token
	Address      AddressVerdict // what the address said, once it was asked
}

// AddressVerdict is what an address said of a token that is bound to it.
type AddressVerdict struct {
	Known       bool   // the address was asked
	Blocked     bool   // it is blocked: the request is refused, and the token lives
	Kind        Kind   // the challenge that the token starts with; NoKind for none
	Level       uint8  // of its work
	Shared      bool   // Kind is called for by a budget that tenants or addresses share
	Allowance   uint32 // records that the token may deliver before the address is asked again; 0: all
	Limit       uint32 // the address's budget that was passed, for explaining it; 0: none
	Seen        uint32 // what was counted against it
	OverRecords bool   // that budget is of records, not of bindings
}

// Suggest is a request for suggestions: it binds and is checked like a call,
// and is neither counted nor charged. It carries no records, and has a spike
// limit of its own.
type Suggest Call

// Check asks whether a call or suggestions may be read from the corpus. It
// binds the token, consults its address and refuses as the call itself would;
// if it admits, nothing has been counted yet.
type Check struct {
	Call
	Suggest bool // it is about suggestions
}

// Attempt is a call or suggestions that passed their Check and whose content
// could not be read. It counts in the spike window, and is not charged.
type Attempt struct {
	Call
	Suggest bool // it is about suggestions
}

// Inspect is a request about the token itself: it is checked like a call, and
// neither counted nor charged, binds nothing, and is admitted while a
// challenge is open. It counts in the spike window of suggestions.
type Inspect Call

// Render renders challenge Number as a picture or as sound. The request for it
// carries no token.
type Render struct {
	At     time.Time
	Number uint16
}

// MaxRendered is how often one challenge may be rendered.
const MaxRendered = 6

// Answer is an answer to challenge Number, which has been compared already.
type Answer struct {
	Call
	Number uint16
	Right  bool
}

// Reload asks for another challenge in the place of challenge Number.
type Reload struct {
	Call
	Number uint16
}

// Revoke says that the token must not be used again. It carries what is known
// of the token, which may never have been presented.
type Revoke struct {
	Tenant            uint32
	IssuedAt, Expires time.Time
}

func (Call) event()    {}
func (Suggest) event() {}
func (Inspect) event() {}
func (Render) event()  {}
func (Revoke) event()  {}

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
	Drained         bool   // it is the address's rule about records, not about bindings
	RoamingLimit    bool   // it is the rule about roaming
	State           State  // the token's state after the event
}
