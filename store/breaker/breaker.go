// Package breaker limits what a server suffers from an engine that does not respond: how many
// requests wait for it, and how long. It also counts the requests.
//
// After several requests without a response, the breaker opens: further requests fail at once, and
// nothing is sent. From time to time one request is admitted. If the engine responds to it, the
// breaker closes. So a server notices within half a second that its engine is back.
package breaker

import (
	"cmp"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Defaults of Options.
const (
	DefaultTrip      = 10
	DefaultOpen      = 500 * time.Millisecond
	DefaultMaxFlight = 4096
)

// Options is what a Breaker needs.
type Options struct {
	Name string       // of the engine, as the log and the metrics name it
	Log  *slog.Logger // required, unless Report is set
	// Report is that of all breakers of the engine. nil: this is the only one.
	Report *Report

	Trip      int           // requests without a response until it opens; 0: 10, below 0: never
	Open      time.Duration // until one request is admitted again; 0 means 500 ms
	MaxFlight int           // requests at the same time; 0 means 4096
}

// Outcome is how a request ended.
type Outcome uint8

// The outcomes.
const (
	// Responded means that the engine responded, if only to refuse the request.
	Responded Outcome = iota
	// Refused means that the engine responded that it does not work: it is a replica, or is full.
	Refused
	// Silent means that the engine can't be reached, did not respond in time, or is starting.
	Silent
	// Cut means that the connection ended before the response. The next request connects again.
	Cut
	// GivenUp means that the caller went away, so that the request says nothing about the engine.
	GivenUp
	outcomes
)

var outcomeNames = [outcomes]string{"", "refused", "silent", "cut", "given up"}

func (o Outcome) String() string { return outcomeNames[o] }

// Errors of requests that were not sent.
var (
	ErrOpen = errors.New("it does not respond, so nothing is sent to it for now")
	ErrFull = errors.New("too many requests wait for it")
)

// Breaker is for the requests to one engine. Its methods are safe for concurrent use.
type Breaker struct {
	name    string
	report  *Report
	max     int64
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}] // nil: it never opens

	flight  atomic.Int64
	unsent  atomic.Uint64
	counts  [outcomes]atomic.Uint64
	took    atomic.Int64 // ns, in all
	buckets [len(bounds) + 1]atomic.Uint64
	last    atomic.Uint32 // the last Outcome that says something about the engine
}

// bounds are the upper bounds of the counted durations. A request to an engine in the same network
// takes 100 µs to a few milliseconds.
var bounds = [...]time.Duration{100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second}

// errSilent makes gobreaker count a failure, and errNothing nothing.
var errSilent, errNothing = errors.New("silent"), errors.New("nothing")

// New returns a closed breaker.
func New(o Options) *Breaker {
	b := &Breaker{name: o.Name, report: o.Report, max: int64(cmp.Or(o.MaxFlight, DefaultMaxFlight))}
	if b.report == nil {
		b.report = NewReport(o.Name, o.Log)
	}
	trip := cmp.Or(o.Trip, DefaultTrip)
	if trip < 0 {
		return b
	}
	b.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        o.Name,
		Timeout:     cmp.Or(o.Open, DefaultOpen),
		IsExcluded:  func(err error) bool { return err == errNothing },
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= uint32(trip) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			switch {
			case to == gobreaker.StateClosed:
				b.report.Closed()
			case from == gobreaker.StateClosed:
				b.report.Opened()
			}
		},
	})
	return b
}

// Enter admits a request, or returns [ErrOpen] or [ErrFull]. After it, leave must be called with
// its outcome and error. It returns that error, marked as an outage if the engine did not respond.
func (b *Breaker) Enter() (leave func(Outcome, error) error, err error) {
	done := func(error) {}
	if b.breaker != nil {
		if done, err = b.breaker.Allow(); err != nil {
			b.unsent.Add(1)
			return nil, Outage(ErrOpen)
		}
	}
	if b.flight.Add(1) > b.max {
		b.flight.Add(-1)
		b.unsent.Add(1)
		done(errNothing)
		return nil, b.report.Failed(ErrFull)
	}
	began := time.Now()
	return func(o Outcome, err error) error {
		b.flight.Add(-1)
		b.count(o, time.Since(began))
		err = b.Marked(o, err)
		done(meaning(o))
		return err
	}, nil
}

// Marked returns the error of a request that had an outcome, marked as an outage if the engine did
// not respond.
func (b *Breaker) Marked(o Outcome, err error) error {
	if o == Silent || o == Cut {
		return b.report.Failed(err)
	}
	return err
}

// meaning returns what an outcome means to gobreaker.
func meaning(o Outcome) error {
	switch o {
	case Responded, Refused:
		return nil
	case Silent:
		return errSilent
	}
	return errNothing
}

func (b *Breaker) count(o Outcome, took time.Duration) {
	b.counts[o].Add(1)
	b.took.Add(int64(took))
	n := 0
	for n < len(bounds) && took > bounds[n] {
		n++
	}
	b.buckets[n].Add(1)
	if o != GivenUp && o != Cut {
		b.last.Store(uint32(o))
	}
}

// Stats are counts since New.
type Stats struct {
	Name     string
	Up       bool   // the engine responded last, and works
	Breaker  string // closed, open or half-open; "": it never opens
	Requests uint64
	Flight   int64              // requests that wait now
	Unsent   uint64             // requests that failed at once
	Errors   map[string]uint64  // requests that failed, by how: refused, silent, cut, given up
	Took     time.Duration      // in all
	Buckets  map[float64]uint64 // requests that took at most so many seconds
}

// Stats returns what was counted.
func (b *Breaker) Stats() Stats {
	s := Stats{Name: b.name, Unsent: b.unsent.Load(), Flight: b.flight.Load(), Took: time.Duration(b.took.Load()),
		Errors: map[string]uint64{}, Buckets: map[float64]uint64{}, Up: Outcome(b.last.Load()) == Responded}
	for o := range outcomes {
		n := b.counts[o].Load()
		s.Requests += n
		if o != Responded {
			s.Errors[o.String()] = n
		}
	}
	sum := uint64(0)
	for i, bound := range bounds {
		sum += b.buckets[i].Load()
		s.Buckets[bound.Seconds()] = sum
	}
	if b.breaker != nil {
		state := b.breaker.State()
		s.Breaker = state.String()
		s.Up = s.Up && state == gobreaker.StateClosed
	}
	return s
}
