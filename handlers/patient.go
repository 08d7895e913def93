package handlers

import (
	"context"
	"sync"
	"time"
)

// patient is a context that ends when our patience does. Unlike
// context.WithTimeout it has a timer only if somebody waits for the end: most
// calls are answered without, and a timer costs as much as reading a token.
type patient struct {
	end   time.Time
	once  sync.Once
	inner context.Context // for who waits
	stop  context.CancelFunc
}

// over is the end of a context that was released before anybody waited.
var over = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

// Deadline implements [context.Context].
func (p *patient) Deadline() (time.Time, bool) { return p.end, true }

// Value implements [context.Context].
func (p *patient) Value(any) any { return nil }

// Err implements [context.Context].
func (p *patient) Err() error {
	if time.Now().Before(p.end) {
		return nil
	}
	return context.DeadlineExceeded
}

// Done implements [context.Context].
func (p *patient) Done() <-chan struct{} {
	p.once.Do(func() { p.inner, p.stop = context.WithDeadline(context.Background(), p.end) })
	if p.inner == nil {
		return over // asked for after the answer
	}
	return p.inner.Done()
}

// release stops the timer, if there is one. Who still waits is let go.
func (p *patient) release() {
	p.once.Do(func() {}) // whoever asks from now on has come too late
	if p.stop != nil {
		p.stop()
	}
}
