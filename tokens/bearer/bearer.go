// Package bearer reads and signs the JWTs that tenants hand to their visitors'
// browsers: RFC 9068 access tokens, signed by keys of our own.
//
// It says whether a token is genuine and what stands in it. What becomes of it
// from call to call is decided by package tokens.
package bearer

import (
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

// Claims is what stile reads from a token.
type Claims struct {
	ID       tokens.ID
	JTI      string
	Issuer   string
	Subject  string
	Client   string // client_id
	Scope    string
	IssuedAt time.Time
	Expires  time.Time
}
