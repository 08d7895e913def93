// Package deadlines makes contexts that end at a time, and shares those that end at almost the same
// time. A context of its own for each call has a timer and takes 350 bytes.
package deadlines

import (
	"context"
	"sync/atomic"
	"time"
)

// Set makes contexts that end at a deadline, rounded up to a tick. Those with almost the same
// deadline are one. A call over Valkey would need four, each with its timer; sharing three of them,
// with fewer other allocations, saved 4.6 of 39 µs of its CPU time. The zero value is ready.
type Set [64]atomic.Pointer[deadline]

const tick = 32 * time.Millisecond

type deadline struct {
	ctx context.Context
	at  int64 // in ticks
}

// Within returns a context that ends at the deadline of ctx, and after limit at the latest. It does
// not end when ctx is cancelled: a change that was sent is better waited for, since otherwise it
// would be unknown whether it happened.
func (s *Set) Within(ctx context.Context, limit time.Duration) context.Context {
	end := time.Now().Add(limit)
	if t, ok := ctx.Deadline(); ok && t.Before(end) {
		end = t
	}
	return s.Until(end)
}

// Until returns a context that ends at a time.
func (s *Set) Until(end time.Time) context.Context {
	at := (end.UnixNano() + int64(tick) - 1) / int64(tick)
	slot := &s[uint64(at)%uint64(len(s))]
	// A context may have ended before its time, if the clock was set back.
	if l := slot.Load(); l != nil && l.at == at && l.ctx.Err() == nil {
		return l.ctx
	}
	shared, cancel := context.WithDeadline(context.Background(), time.Unix(0, at*int64(tick)))
	context.AfterFunc(shared, cancel)
	slot.Store(&deadline{shared, at})
	return shared
}
