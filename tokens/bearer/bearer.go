// Package bearer signs and verifies the JWTs that tenants give to their visitors' browsers: RFC
// 9068 access tokens signed by our own keys, and the tokens of external issuers that the publisher
// trusts. It also verifies the assertions by which a tenant's server authenticates (RFC 7523).
//
//   - [Signer] signs tokens. Package signing has the server's own keys.
//   - [Verifier] verifies tokens and returns their claims. It caches valid tokens, so that each
//     token is verified once.
//   - [Issuer] is an external authorization server: what its tokens must contain, and its keys
//     ([IssuerKeys]). Package issuers fetches those.
//   - [Assertions] checks private_key_jwt against a tenant's JWK Set.
//
// golang-jwt only computes signatures. This package decides which texts are tokens, which names,
// types and times they may have, and which key belongs to which algorithm. It is strict: a JWT has
// one spelling, no duplicate name and no number that overflows, and nothing in its header chooses
// how it is verified.
//
// Package tokens decides whether each call of a valid token is admitted.
package bearer

import (
	"crypto/sha256"
	"errors"
	"time"

	"stile.example/stile/tokens"
	"stile.example/stile/tokens/readable"
)

// Errors of [Verifier.Verify]. Any other error is internal, and says nothing about the token.
var (
	ErrExpired = errors.New("token expired")
	ErrInvalid = errors.New("token invalid")

	// ErrUnknownIssuer is an ErrInvalid too: the token is neither our own nor that of an external
	// issuer that is trusted.
	ErrUnknownIssuer = errors.New("unknown issuer")
)

// Claims is what stile reads from a token. Times are whole seconds, in UTC.
type Claims struct {
	ID       tokens.ID
	JTI      string
	Issuer   string
	Subject  string
	Client   string // client_id of the tenant; "" if an external issuer's client is not a tenant's
	Unmapped string // the issuer's name of that client then, unverified in form; otherwise ""
	Tenant   uint32 // number of the tenant, never reused; 0: older and external tokens do not have it
	MaxCalls uint32 // calls that the token is for, if the tenant's policy admits them; 0: not limited
	Scope    string
	IssuedAt time.Time
	Expires  time.Time

	// Person names the person who uses an external issuer's token, without revealing who that is: a
	// keyed hash of Issuer and Subject. It is zero for our own tokens, and for those that don't show
	// a person's sign-in.
	Person   [16]byte
	signedIn bool // the token shows a person's sign-in: see [Issuer.isPerson]

	// Confirmation is the RFC 7638 thumbprint of the one key whose holder may use the token
	// (cnf.jkt, RFC 9449 §6.1). Zero: any holder may. Our own tokens do not name a key: their first
	// call binds them.
	Confirmation [sha256.Size]byte
}

// Limit returns how many calls the token is for under a policy that admits calls.
func (c Claims) Limit(calls uint32) uint32 {
	if c.MaxCalls == 0 {
		return calls
	}
	return min(c.MaxCalls, calls)
}

// Name returns the name by which people know a token: its jti, which a page can read too, or its ID
// if it has none.
func (c Claims) Name() string {
	if c.JTI == "" {
		return c.ID.String()
	}
	return readable.Text(c.JTI)
}
