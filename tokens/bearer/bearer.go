// Package bearer reads and signs the JWTs that tenants hand to their visitors'
// browsers: RFC 9068 access tokens, signed by keys of our own, and the tokens
// of outside issuers that the publisher trusts. It also reads the assertions by
// which a tenant's server proves who it is (RFC 7523).
//
//   - [Keys] are the server's own, in one file; they rotate without a gap.
//   - [Signer] makes tokens.
//   - [Verifier] says whether a token is genuine and what stands in it, and
//     remembers the good ones, so that a token is verified once.
//   - [Issuer] is an outside authorization server: what its tokens must say, and
//     by which keys ([IssuerKeys]). Who fetches those is package issuers.
//   - [Assertions] checks private_key_jwt against a tenant's JWK Set.
//
// Only the arithmetic of signatures is golang-jwt's. Which text is a token at
// all, which names, types and times it may have, and which key goes with which
// algorithm is decided here, strictly: a JWT has one spelling, no name twice,
// no number that overflows, and nothing in its header chooses how it is
// checked.
//
// What becomes of a genuine token from call to call is decided by package
// tokens.
package bearer

import (
	"crypto/sha256"
	"errors"
	"time"

	"stile.example/stile/tokens"
)

// Errors of [Verifier.Verify]. Any other error is a fault of ours, and no
// statement about the token.
var (
	ErrExpired = errors.New("token expired")
	ErrInvalid = errors.New("token invalid")
)

// Claims is what stile reads from a token. Times are whole seconds, in UTC.
type Claims struct {
	ID       tokens.ID
	JTI      string
	Issuer   string
	Subject  string
	Client   string // the tenant: client_id of our own tokens; "" where an outside issuer's client is no tenant's
	Tenant   uint32 // the tenant's number, which no other tenant ever has; 0: the token does not say, as older and external ones
	Scope    string
	IssuedAt time.Time
	Expires  time.Time

	// Confirmation is the RFC 7638 thumbprint of the one key whose holder may
	// use the token (cnf.jkt, RFC 9449 §6.1); zero: it is anybody's. Our own
	// tokens name none: theirs is bound by their first call.
	Confirmation [sha256.Size]byte
}

// invalid is an [ErrInvalid] that says why. Its texts are constants of this
// package, so nothing of a token gets into a log by it.
type invalid string

func (i invalid) Error() string { return "token invalid: " + string(i) }

func (i invalid) Is(target error) bool { return target == ErrInvalid }
