package content

import (
	"context"
	"net/netip"
)

// Asker identifies the caller of a read. Askers share the time for reading; no result depends on
// them. The zero Asker is valid.
// the corpus; no answer depends on it. The zero Asker is one like the others.
type Asker struct {
	Address netip.Addr
	Tenant  uint32
	Share   int // of the time, in shares of an ordinary address; less than 1 counts as 1
}

type askerKey struct{}

// WithAsker returns a context for the reads of an asker.
func WithAsker(ctx context.Context, a Asker) context.Context {
	return context.WithValue(ctx, askerKey{}, a)
}

// AskerOf returns the asker of a context.
func AskerOf(ctx context.Context) Asker {
	a, _ := ctx.Value(askerKey{}).(Asker)
	return a
}
