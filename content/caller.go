package content

import (
	"context"
	"net/netip"
)

// Caller identifies the caller of a read. Callers share the time for reading; no result depends on
// them. The zero Caller is valid.
type Caller struct {
	Address netip.Addr
	Tenant  uint32
	Share   int // of the time, in shares of an ordinary address; less than 1 counts as 1
}

type callerKey struct{}

// WithCaller returns a context for the reads of a caller.
func WithCaller(ctx context.Context, a Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, a)
}

// CallerOf returns the caller of a context.
func CallerOf(ctx context.Context) Caller {
	a, _ := ctx.Value(callerKey{}).(Caller)
	return a
}
