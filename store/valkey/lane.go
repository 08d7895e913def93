package valkey

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"stile.example/stile/store/breaker"
)

// A lane is what a range of slots shares: so many calls in flight, and a circuit breaker. A single
// server has one lane. A Cluster has several, so that one master that is gone takes nothing from
// the slots of the others.
type lane struct {
	places  chan struct{} // one for each call in flight
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]

	// plain holds conns.dials + 1 of when a server did not know IFEQ; 0: none yet. The next
	// connection may lead to another server, so then it is tried again.
	plain atomic.Uint64
}

const (
	singleScale  = 10 // of rueidis's queue for each connection: 1,024 commands
	clusterScale = 12
	clusterLanes = 16
	// spare is how many places of a queue are left for rueidis's own commands, such as PING. A
	// queue that is full would make calls wait longer than their limits.
	spare = 24

	tripAfter = 10                     // failures without a success, until a breaker opens
	openFor   = 500 * time.Millisecond // until it admits one call to see whether that succeeds
)

func ringScale(t Target) int {
	if t.Cluster {
		return clusterScale
	}
	return singleScale
}

func newLanes(t Target, report *breaker.Report) []*lane {
	count := 1
	if t.Cluster {
		count = clusterLanes
	}
	each := (1<<ringScale(t) - spare) / count
	lanes := make([]*lane, count)
	for i := range lanes {
		lanes[i] = &lane{places: make(chan struct{}, each), breaker: newBreaker(report)}
	}
	return lanes
}

func newBreaker(report *breaker.Report) *gobreaker.TwoStepCircuitBreaker[struct{}] {
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout: openFor,
		// A connection that breaks says nothing: the next call connects again.
		IsExcluded:   func(err error) bool { return !responded(err) && !isTimeout(err) && !isDial(err) },
		IsSuccessful: responded,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			switch {
			case to == gobreaker.StateClosed:
				report.Closed()
			case from == gobreaker.StateClosed:
				report.Opened()
			}
		},
	})
}

// Errors of calls that were not sent.
var (
	errBroken = breaker.Outage(errors.New("valkey: the engine does not respond, so calls are not sent for now"))
	errFull   = errors.New("valkey: too many calls wait for the engine")
)

// enter waits for a place. After the call, leave must be called with its error.
func (l *lane) enter(ctx context.Context) (leave func(error), err error) {
	done, err := l.breaker.Allow()
	if err != nil {
		return nil, errBroken
	}
	select {
	case l.places <- struct{}{}:
	default:
		select {
		case l.places <- struct{}{}:
		case <-ctx.Done():
			done(errFull)
			return nil, fmt.Errorf("%w: %w", errFull, ctx.Err())
		}
	}
	return func(err error) { l.leave(done, err) }, nil
}

// leave gives the place back. A call that was given up is still in the queue of its connection,
// until that is closed.
func (l *lane) leave(done func(error), err error) {
	done(err)
	if isTimeout(err) {
		time.AfterFunc(staleAfter, func() { <-l.places })
		return
	}
	<-l.places
}
