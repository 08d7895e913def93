package tokens

import (
	"net/netip"
	"time"
)

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
	Number  uint16
	Correct bool
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
