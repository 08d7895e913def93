// Package issuers asks outside authorization servers: which keys sign their
// tokens, and what they say of a token that is no JWT. What a token must say is
// package bearer's.
//
//   - [KeyCache] has the keys of one issuer. It finds where they are (RFC 8414,
//     OpenID discovery), fetches them, renews them, and keeps the last good ones
//     through an outage.
//   - [IntrospectionClient] asks one issuer about opaque tokens (RFC 7662), and remembers
//     active answers for 1 minute and inactive ones for 10. Questions about
//     made-up tokens are bounded by source address and in total (budget.go).
//
// Both go out by a client that reaches the addresses of the public internet
// and nothing else, unless the operator allows it: an issuer's own documents
// say where to ask next, and must not lead into the publisher's network.
//
// Nothing that a caller sends chooses whom is asked, and garbage makes nobody
// ask: a [KeyCache] asks again for an unknown key at most once a minute.
package issuers

import (
	"errors"
	"strings"
)

// Endpoint is where an issuer is.
type Endpoint struct {
	Issuer string // its name, which is its address for discovery
	Keys   string // of its JWK Set; "" to find it by discovery

	// AllowPrivate lets the issuer be at an address of a private network, and
	// be asked by plain HTTP there. Without it that is so for this machine
	// itself only, where Issuer or Keys names it.
	AllowPrivate bool
}

// errBusy is the fault of who would have to wait too long.
var errBusy = errors.New("too many wait for the issuer already")

// wellKnown are the addresses of an issuer's metadata, the one to try first
// first: RFC 8414 §3.1 puts the well-known part before the issuer's path,
// OpenID Connect Discovery §4 behind it.
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
