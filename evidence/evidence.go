// Package evidence counts what `stile doctor` needs to know about each tenant's integration: by
// day, by kind, and by what was wrong, with one example reference each.
//
// A [Collector] takes observations while the server runs. An observation changes one entry of a
// map, so it may be made for each refusal and each new token. It is never made for an ordinary
// admitted call. Every few seconds the entries are added to a [Store], where they stay for a week.
//
// Evidence contains no secret: tokens are named by their jti or by a hash, callers only by keyed
// hashes. All of it is bounded: see [MaxKeys]. Much of it is not verified. A request that names a
// tenant counts for that tenant, although anyone can send it, so evidence must change nothing.
package evidence

import (
	"context"
	"strings"
	"time"
)

// Kind says what was observed, and so what an entry's Key is. Its values are stored.
type Kind string

// The kinds.
const (
	Calls      Kind = "calls"       // Key: ""; the calls that were admitted
	Refused    Kind = "refused"     // Key: the code, and the rule after a space
	Foreign    Kind = "foreign"     // Key: a token, used by callers other than the one it is bound to
	Expired    Kind = "expired"     // Key: a token, or the hash of one, that is used after its end
	Late       Kind = "late"        // Key: a token whose first call came too late
	Page       Kind = "page"        // Key: the origin of a page outside the tenant's sites
	Unmarked   Kind = "unmarked"    // Key: the rule by which a request can't be a page's
	Client     Kind = "client"      // Key: another client_id that was sent with a token of the tenant
	OtherToken Kind = "other token" // Key: ""; the client_id was sent with another tenant's token
	Callback   Kind = "callback"    // Key: a pattern of the callbacks that were refused
	Clock      Kind = "clock"       // Key: whose clock differs, and by how much
	Claim      Kind = "claim"       // Key: a claim and its value; Note: the value that it must have
	Secret     Kind = "secret"      // Key: why credentials of the tenant were refused
	Issued     Kind = "issued"      // Key: ""; callers: the subjects that the tenant named
	Bound      Kind = "bound"       // Key: ""; callers: the browsers that tokens were bound to
)

// Keep is how long evidence is kept, in days: today and the six days before.
const Keep = 7

// Bounds of an entry's texts, in bytes.
const (
	maxKey  = 300
	maxNote = 200
)

// MaxKeys returns how many keys of a kind a tenant can have on a day. Further ones are counted
// under the key "": [Others].
func MaxKeys(k Kind) int {
	if k == Foreign || k == Expired {
		return 128
	}
	return 32
}

// Others is the key for what is counted without its own key.
const Others = ""

// Observation is one event, or N equal ones.
type Observation struct {
	At     time.Time
	Kind   Kind
	Key    string
	Note   string
	Ref    string // of the refusal; "" if there is none
	Caller string // who caused it; only a keyed hash is kept. "": not known
	N      int64  // how many; 0 is 1
}

// Entry is what was observed of a tenant on a day with one kind and key.
type Entry struct {
	Tenant      uint32
	Day         int64 // since 1970, UTC
	Kind        Kind
	Key, Note   string
	Count       int64
	First, Last time.Time // to the second, UTC
	Ref         string    // an example; "" if none has one
	Few         Few       // the callers, exact as long as they are few
	Many        Sketch    // the callers of [Issued] and [Bound]
}

// Add adds the counts of another entry, which may be of another day. The example of a day is its
// first, since that one is stored; of several days, the latest day's.
func (e *Entry) Add(o Entry) {
	e.Count += o.Count
	if e.First.IsZero() || o.First.Before(e.First) {
		e.First = o.First
	}
	if o.Last.After(e.Last) {
		e.Last = o.Last
	}
	newer := o.Day > e.Day
	if o.Ref != "" && (newer || e.Ref == "") {
		e.Ref = o.Ref
	}
	if o.Note != "" {
		e.Note = o.Note
	}
	e.Day = max(e.Day, o.Day)
	e.Few = e.Few.union(o.Few)
	e.Many = e.Many.union(o.Many)
}

// Store stores entries. Implementations must be safe for concurrent use.
type Store interface {
	// AddEvidence adds entries to those of the same tenant, day, kind and key. It counts a new key
	// beyond [MaxKeys] under [Others].
	AddEvidence(ctx context.Context, some []Entry) error
	// Evidence returns the entries of a tenant from a day on.
	Evidence(ctx context.Context, tenant uint32, from int64) ([]Entry, error)
	// EvidenceTraffic returns the calls and the refusals of each tenant from a day on.
	EvidenceTraffic(ctx context.Context, from int64) (map[uint32]Traffic, error)
	// PruneEvidence removes the entries from before a day.
	PruneEvidence(ctx context.Context, before int64) error
}

// Traffic is how many calls a tenant had, and how many refusals, by their key.
type Traffic struct {
	Calls   int64
	Refused map[string]int64
}

// DayOf returns the UTC day of a time, since 1970.
func DayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// clip returns a text of at most n bytes, without characters that change lines.
func clip(s string, n int) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, s)
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n-len("…")], "") + "…"
	}
	return strings.Clone(s)
}
