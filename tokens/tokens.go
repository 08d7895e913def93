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
