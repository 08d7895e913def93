package valkey

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"stile.example/stile/store/states"
)

// Retries of a command that was not executed because its slot is being moved. A command with
// several keys, of which one does not exist yet, is refused until all keys of the slot have been
// moved.
const (
	maxTries     = 20
	firstPause   = 4 * time.Millisecond // doubled each time
	longestPause = 64 * time.Millisecond
)

// notSent says that a command was not sent.
type notSent struct{ err error }

func (e notSent) Error() string { return e.err.Error() }
func (e notSent) Unwrap() error { return e.err }

// counters count what operators want to know.
type counters struct{ unknown, refused atomic.Uint64 }

// Stats are counts since Open.
type Stats struct {
	Unknown     uint64 // calls of which it is not known whether they happened
	NotSent     uint64 // calls that were not sent: the engine did not respond, or too many waited
	Dials       uint64 // connections that were made
	Connections int    // open now
}

// Stats returns what was counted.
func (e *Engine) Stats() Stats {
	return Stats{e.stats.unknown.Load(), e.stats.refused.Load(), e.conns.dials.Load(), e.conns.count()}
}

func (e *Engine) lane(slot int) *lane { return e.lanes[slot*len(e.lanes)/slotCount] }

// do sends a command. It waits for a place in the lane, and repeats the command only after replies
// that say that it was not executed.
func (e *Engine) do(ctx context.Context, l *lane, command func(rueidis.Builder) rueidis.Completed) rueidis.RedisResult {
	if e.closed.Load() {
		return rueidis.NewErrorResult(notSent{errClosed})
	}
	bounded := e.deadlines.Within(ctx, e.timeout)
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return rueidis.NewErrorResult(notSent{err})
		}
		leave, err := l.enter(bounded)
		if err != nil {
			e.stats.refused.Add(1)
			return rueidis.NewErrorResult(notSent{err})
		}
		r := e.client.Do(bounded, command(e.client.B()))
		err = r.Error()
		if err == nil || rueidis.IsRedisNil(err) {
			leave(nil)
			return r
		}
		leave(err)
		if try == maxTries || code(err) != "TRYAGAIN" || !pause(bounded, min(firstPause<<(try-1), longestPause)) {
			return r
		}
	}
}

// pause waits for d, half of it by chance, and reports whether ctx has not ended before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d/2 + rand.N(d/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// failed returns the error of a call, and acts upon what it says about the server.
func (e *Engine) failed(err error, script bool) error {
	if code(err) == "READONLY" && !e.target.Cluster {
		// Behind one address there is another master now. Only a new connection leads to it.
		e.conns.drop()
	}
	err = fault(err, script)
	if errors.Is(err, states.ErrUnknown) {
		e.stats.unknown.Add(1)
	}
	return err
}
