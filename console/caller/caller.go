// Package caller carries who makes a request to the console or the admin API, from the check of the
// credential to what handles the request.
package caller

import (
	"context"
	"time"

	"stile.example/stile/operations"
)

// Caller is who makes a request.
type Caller struct {
	operations.Actor
	// CSRF is the token that each form of the caller's session must contain; "" for a program, which
	// sends its credential with each request.
	CSRF string
	// Session identifies the session, to show which of the list is this one. It is not the cookie.
	Session string
	// SignedIn is when the session started. Some changes need a recent sign-in.
	SignedIn time.Time
	// HasPasskeys reports whether browsers can use passkeys at the host of the request.
	HasPasskeys bool
}

type key struct{}

// With returns a context that carries a caller.
func With(ctx context.Context, c Caller) context.Context { return context.WithValue(ctx, key{}, c) }

// From returns the caller of a context. Without one it is the zero Caller, who may do nothing.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(key{}).(Caller)
	return c
}
