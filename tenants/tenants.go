// Package tenants knows who may embed the corpus: the organisations, their
// credentials, sites, quota and price.
//
// A tenant's client secret is 256 random bits, so it is kept as a fast keyed
// hash: nobody can guess it, and a slow password hash would make the token
// endpoint the bottleneck.
//
// There are few of them, so a [Directory] keeps them all in memory: asking it
// costs a call nothing. Where they last belongs to a [Store].
package tenants

import (
	"errors"
	"time"
)

// ErrNotFound says that there is no tenant of that client_id.
var ErrNotFound = errors.New("no such tenant")

// ErrExists says that there is one already.
var ErrExists = errors.New("the tenant exists already")

// Tenant is an organisation that embeds the widgets.
type Tenant struct {
	Number        uint32 // given by the store, never used again for another
	ClientID      string // 1 to 64 of A-Z a-z 0-9 . _ -
	Name          string
	Sites         []string // origins of its pages, such as https://www.acme.example; none: any page
	Status        Status
	CallsPerMonth int64             // calls in a UTC month; 0 for no limit
	Policy        map[string]string // settings of its own by dotted name, such as policy.token.calls
	Secrets       []Secret
	Keys          string // JWK Set for private_key_jwt (RFC 7523), or ""
	CreatedAt     time.Time
	Prices        []Price // by Since, ascending
}

// Status says whether a tenant's calls are let through.
type Status string

// The statuses.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
)

// Secret is a client secret as it is kept.
type Secret struct {
	Hash  [32]byte  // HMAC-SHA-256 of the secret under the server's own key
	Until time.Time // zero: for good
}

// Price is what a call costs from a UTC day on.
type Price struct {
	Since  string // YYYY-MM-DD
	Micros int64  // millionths of the publisher's currency unit, for one call
}
