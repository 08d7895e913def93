// Package issuers makes requests to external authorization servers. It fetches the keys that sign
// their tokens, and introspects tokens that are not JWTs. Package bearer decides what a token must
// contain.
//
//   - [KeyCache] stores the keys of one issuer. It discovers their URL (RFC 8414, OpenID Connect
//     Discovery), fetches and renews them, and keeps the last valid ones during an outage.
//   - [IntrospectionClient] asks one issuer about opaque tokens (RFC 7662). It caches active
//     responses for 1 minute and inactive ones for 10. Requests for invented tokens are bounded by
//     source address and in total (budget.go).
//
// Both use a client that connects to public addresses only, unless the operator allows others. An
// issuer's own documents contain URLs for further requests, and must not lead into the publisher's
// network.
//
// Nothing that a caller sends selects the server of a request, and malformed tokens cause no
// request. For unknown keys, a [KeyCache] makes at most three requests in a row, and one a minute.
package issuers

import (
	"errors"
	"strings"
	"time"
)

// Endpoint says where an issuer is.
type Endpoint struct {
	Issuer string // its name, which is its URL for discovery
	Keys   string // URL of its JWK Set; "" to discover it

	// AllowPrivate allows the issuer to be in a private network, and plain HTTP there. Without it,
	// that is allowed only for this machine, if Issuer or Keys names it.
	AllowPrivate bool
}

// errBusy is returned to callers that would have to wait too long.
var errBusy = later{errors.New("too many requests are waiting for the issuer"), time.Second}

// later is an error that a later request will not get, and how long that takes. It is an ordinary
// event, and not an error in this server.
type later struct {
	error
	in time.Duration
}

func (l later) Unwrap() error { return l.error }

// RetryAfter returns the time after which the request is worth repeating, at least a second.
func (l later) RetryAfter() time.Duration { return max(l.in, time.Second) }

// wellKnown returns the URLs of an issuer's metadata in the order to try. RFC 8414 §3.1 puts the
// well-known part before the issuer's path, OpenID Connect Discovery §4 after it.
func wellKnown(issuer string) []string {
	base := strings.TrimSuffix(issuer, "/")
	scheme, rest, _ := strings.Cut(base, "://")
	host, path, has := strings.Cut(rest, "/")
	if has {
		path = "/" + path
	}
	return []string{
		scheme + "://" + host + "/.well-known/oauth-authorization-server" + path,
		base + "/.well-known/openid-configuration",
	}
}
