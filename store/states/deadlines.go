package states

import (
	"context"
	"sync/atomic"
	"time"
)

// Deadlines makes contexts that end at a deadline, rounded up to a tick. Those with almost the same
// deadline are one. A call over Valkey would need three, each with its timer; sharing them, with
// fewer other allocations, saved 4.6 of 39 µs of its CPU time. The zero value is ready.
type Deadlines [64]atomic.Pointer[deadline]

const deadlineTick = 32 * time.Millisecond

type deadline struct {
	ctx context.Context
	at  int64 // in ticks
}

// Within returns a context that ends at the deadline of ctx, and after limit at the latest. It does
// not end when ctx is cancelled: a change that was sent is better waited for, since otherwise it
// would be unknown whether it happened.
func (d *Deadlines) Within(ctx context.Context, limit time.Duration) context.Context {
	end := time.Now().Add(limit)
	if t, ok := ctx.Deadline(); ok && t.Before(end) {
		end = t
	}
	at := (end.UnixNano() + int64(deadlineTick) - 1) / int64(deadlineTick)
	slot := &d[uint64(at)%uint64(len(d))]
	if l := slot.Load(); l != nil && l.at == at && l.ctx.Err() == nil {
		return l.ctx
	}
	shared, cancel := context.WithDeadline(context.Background(), time.Unix(0, at*int64(deadlineTick)))
	context.AfterFunc(shared, cancel)
	slot.Store(&deadline{shared, at})
	return shared
}
