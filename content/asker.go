package content

import (
	"context"
	"net/netip"
)

// Asker is on whose behalf a question is put. Those who ask share the time of
// the corpus; no answer depends on it. The zero Asker is one like the others.
type Asker struct {
	Address netip.Addr
	Tenant  uint32
	Share   int // of the time, in shares of an ordinary address; less than 1 means 1
}

type askerKey struct{}

// WithAsker returns a context for the questions of an asker.
func WithAsker(ctx context.Context, a Asker) context.Context {
	return context.WithValue(ctx, askerKey{}, a)
}

// AskerOf returns the asker whom a context is for.
func AskerOf(ctx context.Context) Asker {
	a, _ := ctx.Value(askerKey{}).(Asker)
	return a
}
