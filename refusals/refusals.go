// Package refusals remembers why requests were refused, so that an operator
// can explain each one: a refused visitor reads a short reference, and
// `stile explain REF` tells the whole decision.
//
// A [Recorder] keeps the latest refusals of every kind in memory, and hands
// those that were decided from something that is stored (a token's state, an
// address, a tenant) to a [Store], where they stay for a week. What needs no
// state to refuse, such as a bad signature, is never stored. Rows and log lines
// are one for each address, tenant, code and minute, with a count: a million
// refusals leave no more behind than a few do.
package refusals

import (
	"context"
	"errors"
	"time"
)

// ErrNotFound says that no refusal of that reference is known (any more).
var ErrNotFound = errors.New("no such refusal")

// Refusal is one decision, whole. Nothing in it is a secret: a token stands
// as its ID, an address as the setting log_addresses shows it.
type Refusal struct {
	Ref      string    // as the visitor reads it, such as 7QK2-M4TD
	At       time.Time // UTC
	Tenant   string    // client_id, "" where the request named none that exists
	Code     string    // as in the answer
	Rule     string    // the setting that refused, such as spike.calls; "" where there is none
	Limit    int64     // the rule's limit
	Seen     int64     // what was counted against it
	Identity string    // "token …", "address …" or "tenant …": what was counted
	Address  string    // the source, as it may be shown
	Observed bool      // the rule is only observed: the request was let through
	More     int64     // refusals of its address, tenant, code and minute that are counted with it
}

// Store keeps refusals.
type Store interface {
	// AddRefusals adds some, and removes the oldest of those that are then more
	// than most. Of a Ref that is there already only More is changed, if it is
	// larger now.
	AddRefusals(ctx context.Context, some []Refusal, most int) error
	// Refusal is the one of that Ref, or [ErrNotFound].
	Refusal(ctx context.Context, ref string) (Refusal, error)
	// PruneRefusals removes those from before a time, and the oldest of those
	// that are more than most.
	PruneRefusals(ctx context.Context, before time.Time, most int) error
}

// Bounds of what is kept.
const (
	Keep    = 7 * 24 * time.Hour // in the store
	Most    = 200_000            // in the store: about 40 MB
	Recent  = 10_000             // in memory, of every kind
	waiting = 4_096              // on their way to the store; more are kept in memory only
	perStep = 256                // written in one transaction
)
