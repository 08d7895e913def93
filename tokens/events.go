package tokens

import (
	"net/netip"
	"time"
)

// An Event is something that happens to a token: [Check], [*Call], [Suggest], [Attempt], [Inspect],
// [Answer], [Reload], [Render] or [Revoke].
type Event interface{ event() }

// Call is a request to the content API that presented the token. Its content has been read already,
// so that the records are counted in the step that admits the call. The content is sent only if
// that step admits the call.
type Call struct {
	At           time.Time
	Tenant       uint32 // number of the token's tenant
	IssuedAt     time.Time
	Expires      time.Time
	From         netip.Addr // source address, as addresses.Canonical returns it
	Key          Key        // key of a valid proof; zero: there was no valid proof
	Counter      uint32     // of the session proof by Key, while it is unused; 0: Key needs none
	InvalidProof bool       // there was a proof, and it is invalid
	ConfirmedKey Key        // the key that the token itself names (cnf.jkt); zero: it names none
	Person       [16]byte   // who uses the token, as its external issuer says; zero: not known
	Route        Route
	Records      uint32         // records in the response; in a Check, the maximum
	Titles       uint32         // of suggestions: new to the token; in a Check, the maximum
	Blocked      bool           // a rule blocks the address; only tokens checked before may continue
	Binder       bool           // an earlier event of the same request bound the token
	Settled      bool           // an earlier event of the same request saw State.AddressChecked
	Address      AddressVerdict // what the address said, once it was consulted

	NotBefore int64 // states stored until then, in Unix seconds, may have been lost; 0: none
	Proof     Once  // what the first write of the call spends; zero: nothing
}

// Once is something that works once for a token, such as a proof: its digest, and until when it
// must be known that it was used. The zero Once is nothing.
type Once struct {
	Digest [16]byte
	Until  time.Time
}

// AddressVerdict is what the rules about addresses say about one token at its address.
type AddressVerdict struct {
	Known       bool   // the address was consulted
	Blocked     bool   // it is blocked: the request is refused, and the token lives
	Kind        Kind   // kind of the challenge that the token must solve; NoKind: none
	Level       uint8  // work level of that challenge
	Shared      bool   // a budget that tenants or addresses share led to Kind
	Allowance   uint32 // records until the address is consulted again; 0: no limit
	Limit       uint32 // the budget that was exceeded, for explanations; 0: none
	Seen        uint32 // what was counted against Limit
	OverRecords bool   // Limit is a budget of records, not of bindings
}

// Suggest is a request for suggestions. It binds the token and is checked like a call, but it is
// not counted or charged. It delivers no records and has a spike limit of its own.
type Suggest Call

// Check asks whether the content of a call or of suggestions may be read from the corpus. It binds
// the token, consults its address and refuses as the call itself would. If it admits, nothing has
// been counted yet.
type Check struct {
	Call
	Suggest bool // the request is for suggestions
}

// Attempt is a call, or a request for suggestions, that passed its Check but whose content could
// not be read. It counts in the spike window and is not charged.
type Attempt struct {
	Call
	Suggest bool // the request is for suggestions
}

// Inspect is a request about the token itself. It is checked like a call, but it is not counted or
// charged, does not bind, and is admitted while a challenge is open. It counts in the spike window
// of suggestions.
type Inspect Call

// Render renders challenge Number as a picture or as sound. The request for it carries no token.
type Render struct {
	At     time.Time
	Number uint16
}

// MaxRendered is how often one challenge may be rendered.
const MaxRendered = 6

// Answer is an answer to challenge Number.
type Answer struct {
	Call
	Number  uint16
	Correct bool // the answer is that of challenge Number
}

// Reload replaces challenge Number by another one of its kind.
type Reload struct {
	Call
	Number uint16
}

// Revoke kills the token. It carries what is known about the token, which may never have been
// presented.
type Revoke struct {
	Tenant            uint32
	IssuedAt, Expires time.Time
}

func (*Call) event()   {}
func (Check) event()   {}
func (Attempt) event() {}
func (Answer) event()  {}
func (Reload) event()  {}
func (Suggest) event() {}
func (Inspect) event() {}
func (Render) event()  {}
func (Revoke) event()  {}
