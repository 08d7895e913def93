// Package listing selects tokens for lists, by tenant, state and the address that they are bound
// to.
package listing

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"stile.example/stile/tokens"
)

// State selects tokens by their state. The zero value selects all.
type State string

// The states.
const (
	Live    State = "live"    // not dead, and not expired
	Dead    State = "dead"    // permanently refused
	Expired State = "expired" // expired, dead or not: they are kept for 25 hours
)

// States lists all states.
var States = []State{Live, Dead, Expired}

// Query selects tokens that have made a call, the newest first. An empty field does not limit it.
type Query struct {
	Tenant  uint32 // number
	State   State
	Address netip.Addr // that the token is bound to, as addresses.Canonical returns it
	ByIssue bool       // in the order of their issue; otherwise, of their last use or of their expiry
	After   Position   // only those that follow it in the list
	Limit   int        // required
	Now     time.Time  // required
}

// Position is the place of a token in a list: the time that orders the list, then the ID. The zero
// value is the start.
type Position struct {
	At int64 // Unix seconds
	ID tokens.ID
}

// IsZero reports whether p is the start of a list.
func (p Position) IsZero() bool { return p == Position{} }

func (p Position) String() string {
	if p.IsZero() {
		return ""
	}
	return strconv.FormatInt(p.At, 36) + "-" + p.ID.String()
}

// ParsePosition reads a position that was written by String.
func ParsePosition(text string) (p Position, err error) {
	if text == "" {
		return p, nil
	}
	at, id, _ := strings.Cut(text, "-")
	p.At, err = strconv.ParseInt(at, 36, 64)
	if err == nil {
		p.ID, err = tokens.ParseID(id)
	}
	if err != nil {
		return Position{}, fmt.Errorf("after %.60q: must be the next of an earlier page", text)
	}
	return p, nil
}

// Entry is a token of a list.
type Entry struct {
	Position // in the list
	State    tokens.State
	Used     time.Time // its last use, up to 5 minutes before the real one
}

// Store lists tokens. Implementations must be safe for concurrent use.
type Store interface {
	// Tokens returns the tokens that q selects. On a busy server, what happened in the last minute
	// may be missing.
	Tokens(ctx context.Context, q Query) ([]Entry, error)
	// LiveTokens returns how many tokens of each tenant, by its number, can still be used. Tokens
	// without a call are unknown here and not in it. On a busy server, the first calls of the last
	// minute may be missing.
	LiveTokens(ctx context.Context, now time.Time) (map[uint32]int, error)
}
