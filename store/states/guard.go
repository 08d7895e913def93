package states

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"stile.example/stile/store/breaker"
)

// Guard is an engine behind a breaker: while the engine does not respond, its methods fail at once,
// and too many callers don't wait for it. Such an error says that nothing happened.
type Guard struct {
	Engine
	breaker *breaker.Breaker
	refused atomic.Pointer[error]
}

var (
	_ Forgetful = (*Guard)(nil)
	_ Sweeper   = (*Guard)(nil)
	_ Evictor   = (*Guard)(nil)
)

// NewGuard returns an engine behind a breaker.
func NewGuard(e Engine, b *breaker.Breaker) *Guard { return &Guard{Engine: e, breaker: b} }

// Refuse makes all requests fail with an error, until it is called with nil.
func (g *Guard) Refuse(err error) {
	if err == nil {
		g.refused.Store(nil)
		return
	}
	g.refused.Store(&err)
}

// mayUse returns the error of [Guard.Refuse].
func (g *Guard) mayUse() error {
	if err := g.refused.Load(); err != nil {
		return *err
	}
	return nil
}

// Each implements [Engine].
func (g *Guard) Each(ctx context.Context, kind byte, fn func(Key, []byte) error) error {
	if err := g.mayUse(); err != nil {
		return err
	}
	began := time.Now()
	return g.marked(ctx, began, g.Engine.Each(ctx, kind, fn))
}

// Ready implements [Engine].
func (g *Guard) Ready(ctx context.Context) error {
	if err := g.mayUse(); err != nil {
		return err
	}
	began := time.Now()
	return g.marked(ctx, began, g.Engine.Ready(ctx))
}

// Swap implements [Engine].
func (g *Guard) Swap(ctx context.Context, s Swap) (was Present, swapped bool, err error) {
	err = g.ask(ctx, func() error {
		was, swapped, err = g.Engine.Swap(ctx, s)
		return err
	})
	return was, swapped, err
}

// Get implements [Engine].
func (g *Guard) Get(ctx context.Context, k Key) (p Present, err error) {
	err = g.ask(ctx, func() error {
		p, err = g.Engine.Get(ctx, k)
		return err
	})
	return p, err
}

// SetEpoch implements [Forgetful].
func (g *Guard) SetEpoch(ctx context.Context, notBefore int64) error {
	f, ok := g.Engine.(Forgetful)
	if !ok {
		return errors.New("the engine has no epoch")
	}
	if err := g.mayUse(); err != nil {
		return err
	}
	began := time.Now()
	return g.marked(ctx, began, f.SetEpoch(ctx, notBefore))
}

// Sweep implements [Sweeper]. It does nothing if the engine removes expired values by itself.
func (g *Guard) Sweep(ctx context.Context, now time.Time) error {
	if s, ok := g.Engine.(Sweeper); ok {
		return s.Sweep(ctx, now)
	}
	return nil
}

// Evicted implements [Evictor]. It reports false if the engine evicts nothing.
func (g *Guard) Evicted(ctx context.Context) (evicted bool, err error) {
	if e, ok := g.Engine.(Evictor); ok {
		err = g.ask(ctx, func() error {
			evicted, err = e.Evicted(ctx)
			return err
		})
	}
	return evicted, err
}

// marked returns the error of a request that was sent without asking the breaker.
func (g *Guard) marked(ctx context.Context, began time.Time, err error) error {
	return g.breaker.Marked(outcomeOf(ctx, err, time.Since(began)), err)
}

// ask sends a request, if the breaker admits it.
func (g *Guard) ask(ctx context.Context, request func() error) (err error) {
	if err := g.mayUse(); err != nil {
		return err
	}
	leave, err := g.breaker.Enter()
	if err != nil {
		return fmt.Errorf("ask the engine of states: %w", err)
	}
	outcome, began := breaker.GivenUp, time.Now() // of a request that panics
	defer func() { err = leave(outcome, err) }()
	err = request()
	outcome = outcomeOf(ctx, err, time.Since(began))
	return err
}

// patience is how long an engine must be silent at least, until that says something about it. A
// caller may come with less time.
const patience = 250 * time.Millisecond

// outcomeOf says what an error of an engine means.
func outcomeOf(ctx context.Context, err error, took time.Duration) breaker.Outcome {
	var dial *net.OpError
	var timeout net.Error
	switch {
	case err == nil, errors.Is(err, ErrUsed), errors.Is(err, ErrForgot):
		return breaker.Responded
	case errors.Is(ctx.Err(), context.Canceled):
		return breaker.GivenUp
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		if took < patience {
			return breaker.GivenUp
		}
		return breaker.Silent
	case errors.As(err, &dial) && dial.Op == "dial":
		return breaker.Silent
	case errors.Is(err, ErrUnknown):
		return breaker.Cut
	}
	return breaker.Refused
}
