// Package refusals records why requests were refused, so that an operator can explain each refusal:
// the visitor sees a short reference, and `stile explain REF` shows the complete decision.
//
// A [Recorder] stores the latest refusals of every kind in memory. It passes those that depend on
// something stored (a token's state, an address, a tenant) to a [Store], where they stay for a
// week. Other refusals, such as that of an invalid signature, are never stored. There is one row
// and log line for each address, tenant, code and minute, with a count. So a million refusals take
// no more space than a few.
package refusals

import (
	"context"
	"errors"
	"strings"
	"time"
)

// ErrNotFound says that no refusal with that reference exists, or not any more.
var ErrNotFound = errors.New("no such refusal")

// Refusal is one complete decision. It contains no secret: a token is given by its jti or ID, an
// address as the setting log_addresses shows it.
type Refusal struct {
	Ref      string    // as the visitor sees it, such as 7QK2-M4TD
	At       time.Time // UTC
	Tenant   string    // client_id, "" if the request named none that exists
	Code     string    // as in the response
	Rule     string    // the setting that refused, such as spike.calls, or ""
	Limit    int64     // the rule's limit
	Seen     int64     // what was counted against it
	Identity string    // what was counted: "token …", "address …" or "tenant …"
	Address  string    // the source address, as it may be shown
	Page     string    // what the request said about its page, if that decided: see the rule
	Detail   string    // what decided, in words; at most [MaxDetail] bytes
	Observed bool      // the rule is only observed: the request was admitted
	Token    [16]byte  // ID of the request's token; zero: none that can be named
	More     int64     // refusals of its address, tenant, code and minute that are counted with it
}

// Store stores refusals.
type Store interface {
	// AddRefusals adds some, and removes the oldest beyond most. If a Ref exists already, only its
	// More is changed, if it is larger now.
	AddRefusals(ctx context.Context, some []Refusal, most int) error
	// Refusal returns the refusal with that Ref, or [ErrNotFound].
	Refusal(ctx context.Context, ref string) (Refusal, error)
	// FirstRefusal returns the oldest refusal that is not observed with a code and an Identity, or
	// [ErrNotFound].
	FirstRefusal(ctx context.Context, code, identity string) (Refusal, error)
	// Refusals returns the refusals that q selects, the newest first.
	Refusals(ctx context.Context, q Query) ([]Refusal, error)
	// PruneRefusals removes those from before a time, and the oldest beyond most.
	PruneRefusals(ctx context.Context, before time.Time, most int) error
}

// Bounds of what is stored.
const (
	Keep    = 7 * 24 * time.Hour // in the store
	Most    = 1_000_000          // in the store: about 500 MB
	Recent  = 10_000             // in memory, of every kind
	waiting = 4_096              // waiting for the store; further ones are in memory only
	perStep = 256                // written in one transaction
)

// MaxDetail is the maximum length of a Detail, in bytes.
const MaxDetail = 200

// Clip returns a text as a Detail may have it.
func Clip(detail string) string {
	const more = "…"
	if len(detail) <= MaxDetail {
		return detail
	}
	return strings.ToValidUTF8(detail[:MaxDetail-len(more)], "") + more
}
