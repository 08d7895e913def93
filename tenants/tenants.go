// Package tenants manages the organisations that may embed the corpus: their credentials, sites,
// quotas and prices.
//
// A tenant's client secret is 256 random bits, so it is stored as a fast keyed hash. Nobody can
// guess it, and a slow password hash would make the token endpoint the bottleneck.
//
// There are few tenants, so a [Directory] holds them all in memory, and a call reads them at no
// cost. A [Store] keeps them durable.
package tenants

import (
	"errors"
	"time"
)

// ErrNotFound says that no tenant has that client_id.
var ErrNotFound = errors.New("no such tenant")

// ErrExists says that a tenant with that client_id exists.
var ErrExists = errors.New("the tenant exists already")

// Tenant is an organisation that embeds the widgets.
type Tenant struct {
	Number        uint32 // assigned by the store, never reused
	ClientID      string // 1 to 64 of A-Z a-z 0-9 . _ -
	Name          string
	Sites         []string // origins of its pages, such as https://www.acme.example; empty: any page
	Status        Status
	CallsPerMonth int64             // maximum in a UTC month; 0 for no limit
	Policy        map[string]string // its own settings by dotted name, such as policy.token.calls
	Secrets       []Secret
	Keys          string // JWK Set for private_key_jwt (RFC 7523), or ""
	CreatedAt     time.Time
	Prices        []Price // by Since, ascending
	Currency      string  // of the prices, by ISO 4217; "": the publisher's own unit
}

// Status says whether a tenant's calls are admitted.
type Status string

// The statuses.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
)

// Secret is the stored form of a client secret.
type Secret struct {
	Hash  [32]byte  // HMAC-SHA-256 of the secret under the server's own key
	Until time.Time // zero: no end
}
