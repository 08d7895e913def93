// Package tokens decides whether each call of a bearer token is admitted.
//
// It is a state machine. [Step] takes what is stored about a token, the policy and one event, and
// returns what to store next and the verdict. It reads no clock, opens no connection and imports
// only the standard library, so every rule about a token can be read here and tested without a
// server. [Gate] joins Step to a [Store], and to the rules about source addresses through the small
// interface [AddressChecker].
//
// Where to look:
//
//   - step.go: the order of the checks, counting, revocation
//   - bind.go, binding.go: what the first call binds a token to, and who may use it afterwards
//   - roaming.go: use of a key-bound token from several addresses
//   - proof_window.go: session proofs, each of which is valid once
//   - ladder.go: challenges and spikes
//   - gate.go: the path from an event to the store
//   - encode.go: the stored form of a state
//   - testdata/*.txt: the rules as stories, one event a line
//
// Signatures, and the claims inside a token, belong to tokens/bearer.
package tokens

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"math"
	"net/netip"
	"time"
)

// ID names one token in every store: the first 16 bytes of the SHA-256 of its issuer and jti. It is
// not made from the token's text, because a token has many spellings with a valid signature. It may
// be stored and logged, since nobody can make a token from it.
type ID [16]byte

// NewID returns the ID of the token that issuer gave the name jti.
func NewID(issuer, jti string) (id ID) {
	sum := sha256.Sum256([]byte(issuer + "\x00" + jti))
	copy(id[:], sum[:])
	return id
}

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID returns the ID that String has written.
func ParseID(text string) (ID, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(ID{}) {
		return ID{}, errors.New("a token's ID has 32 hexadecimal digits")
	}
	return ID(b), nil
}

// State is everything that is stored about one token. The zero State is a token that was never
// presented. A State is comparable, and holds no pointers, so the garbage collector does not scan
// a million of them. A new field goes at the end and needs a new version: see encode.go.
//
// Hints counts what responses reveal without delivering a record: titles of suggestions that are
// new to the token, and calls without records (a total, facets, or that an item does not exist).
type State struct {
	Tenant           uint32    // number of the tenant that is charged
	Day              int32     // UTC day of the binding, in days since 1970-01-01
	IssuedAt         int64     // Unix seconds
	Expires          int64     // Unix seconds
	Used             Usage     // admitted calls, on Day and on the day after
	Calls            Window    // calls admitted in the running spike window
	Suggestions      Window    // suggestions admitted in their own spike window
	Allowance        uint32    // records that it may deliver in all, by its address; 0: no limit
	OpenChallenge    Challenge // the challenge to be solved; zero: none
	ChallengesIssued uint16    // challenges in the token's life, solved or not
	Serial           uint16    // number of the latest challenge; a reload assigns a number too
	Bound            Binding   // the address or key that its first call bound it to
	AddressChecked   bool      // its address has been consulted since the binding
	Dead             Reason    // why the token is permanently refused; None while it is not
	Roaming          Roaming   // where a key-bound token was used recently
	Hints            uint32    // counts towards Allowance as records do
	Rendered         uint8     // how often the open challenge was rendered, as picture or sound
	BoundAfter       uint16    // see [State.BoundAt]; 0: unbound, or bound by an older version
	Proofs           ProofWindow
}

// boundAfter returns State.BoundAfter for a token that is bound at a time: the seconds since its
// issue, plus 1, up to 18 hours. As a time of its own it would take 8 more bytes of each token.
func boundAfter(issuedAt, at int64) uint16 {
	return uint16(min(max(at-issuedAt, 0), math.MaxUint16-1) + 1)
}

// BoundAt returns when the token was bound, in Unix seconds, and 0 if that is unknown.
func (s State) BoundAt() int64 {
	if s.BoundAfter == 0 {
		return 0
	}
	return s.IssuedAt + int64(s.BoundAfter) - 1
}

// BoundTo says in words what the token is bound to, and since when; "" if it is unbound. show
// returns an address as it may be shown.
func (s State) BoundTo(show func(netip.Addr) string) string {
	to := "bound to a key"
	switch s.Bound.Kind {
	case Unbound:
		return ""
	case ToAddress:
		to = "bound to the address " + show(s.Bound.Address())
	}
	at := s.BoundAt()
	if at == 0 {
		return to + " by its first call"
	}
	return to + " by its first call, at " + time.Unix(at, 0).UTC().Format(time.RFC3339)
}

// Window counts what was admitted since a moment.
type Window struct {
	Since uint32 // Unix seconds, up to the year 2106
	Count uint32
}

// Challenge is what a token must solve before its calls continue. The answer is not stored here:
// package challenge seals it into the challenge's id.
type Challenge struct {
	Expires uint32 // Unix seconds
	Number  uint16 // State.Serial at its issue; 0: there is no challenge
	Kind    Kind
	Level   uint8 // work level, 0 to MaxLevel
	Left    uint8 // calls that may ignore it; one more kills the token
	Reloads uint8 // how often it was reloaded; stays at freeReloads
	For     Cause // whose limit or budget led to it
}

// Cause says whose limit or budget led to a challenge. Its numbers are stored: never change one.
type Cause uint8

// The causes.
const (
	ByToken  Cause = iota // the token's own limits: a spike, roaming
	ByTenant              // the address's budget for the tokens of one tenant
	ByAll                 // a budget that tenants or addresses share; it never leads to a block
)

// Kind is a kind of challenge. Its numbers are stored: never change one.
type Kind uint8

// The kinds of challenge, in the contract's words; NoKind means that there is no challenge.
const (
	NoKind Kind = iota
	Work
	Picture
)

func (k Kind) String() string { return nameOf(k, "unknown", "", "work", "picture") }

// MaxLevel is the work level of the most expensive work.
const MaxLevel = 2

// Usage counts admitted calls by day and route: [0] is State.Day, [1] is the day after it. A token
// lives 24 hours at most (package settings ensures that), so it is not used on a third day.
type Usage [2][Routes]Count

// Count is a number of calls, and the number of records that they delivered.
type Count struct{ Calls, Records uint32 }

// DayUse is what a token used on one day through one route.
type DayUse struct {
	Day   int32 // days since 1970-01-01, UTC
	Route Route
	Count
}

// Uses returns what the token used, by day and route, without counts of zero.
func (s *State) Uses() iter.Seq[DayUse] {
	return func(yield func(DayUse) bool) {
		for d, routes := range s.Used {
			for route, n := range routes {
				if n != (Count{}) && !yield(DayUse{s.Day + int32(d), Route(route), n}) {
					return
				}
			}
		}
	}
}

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

// Route is a route of the content API whose calls are counted. Its numbers are stored.
type Route uint8

// The counted routes, and their number.
const (
	Items Route = iota
	Item
	Related
	Collections
	Routes = 4
)

func (r Route) String() string {
	return nameOf(r, "unknown", "items", "item", "related", "collections")
}

// nameOf returns the name of a stored number, or unknown if it has none, as in damaged data.
func nameOf[T ~uint8](n T, unknown string, names ...string) string {
	if int(n) >= len(names) {
		return unknown
	}
	return names[n]
}
