package handlers

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// deadlineContext is a context that ends when our patience does. Unlike
// context.WithTimeout it has a timer only if somebody waits for the end: most
// calls are answered without, and a timer costs as much as reading a token.
type deadlineContext struct {
	end   time.Time
	gone  atomic.Bool // it was released
	once  sync.Once
	inner context.Context // for who waits
	stop  context.CancelFunc
}

// over is the end of a context that was released before anybody waited.
var over = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

// Deadline implements [context.Context].
func (p *deadlineContext) Deadline() (time.Time, bool) { return p.end, true }

// Value implements [context.Context].
func (p *deadlineContext) Value(any) any { return nil }

// Err implements [context.Context]. It is never nil once Done is closed:
// contexts made from this one rely on that.
func (p *deadlineContext) Err() error {
	switch {
	case p.gone.Load():
		return context.Canceled
	case time.Now().Before(p.end):
		return nil
	}
	return context.DeadlineExceeded
}

// Done implements [context.Context].
func (p *deadlineContext) Done() <-chan struct{} {
	p.once.Do(func() { p.inner, p.stop = context.WithDeadline(context.Background(), p.end) })
	if p.inner == nil {
		return over // asked for after the answer
	}
	return p.inner.Done()
}

// release stops the timer, if there is one. Who still waits is let go.
func (p *deadlineContext) release() {
	p.gone.Store(true)
	p.once.Do(func() {}) // whoever asks from now on has come too late
	if p.stop != nil {
		p.stop()
	}
}
