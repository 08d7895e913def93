package breaker

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"reflect"
	"sync"
	"time"
)

// The log says once that an engine has failed, though all parts of a server notice it:
//
//   - The breakers of an engine mark the errors of requests without a response as an outage.
//   - The [Report] of the engine logs them: a warning for a request that failed, at most one in a
//     minute, an error when the engine does not respond, and a line when it responds again.
//   - [Quiet] logs at the level debug whatever else is logged with such an error. Of errors that
//     only say that time has run out, as of a wait for a connection, it logs one in a minute.
//
// An error that an engine responds with is not an outage, and is logged where it is noticed.

// outage is an error of a request that got no response.
type outage struct{ err error }

func (o *outage) Error() string { return o.err.Error() }
func (o *outage) Unwrap() error { return o.err }

// Outage marks an error as an outage that a [Report] logs.
func Outage(err error) error {
	if err == nil || IsOutage(err) {
		return err
	}
	return &outage{err}
}

// IsOutage reports whether an error is an outage, or comes from one. Of errors that [errors.Join]
// has joined, all must be.
func IsOutage(err error) bool {
	for err != nil {
		if _, marked := err.(*outage); marked {
			return true
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			return anyOutage(e.Unwrap(), reflect.TypeOf(err) == joined)
		default:
			return false
		}
	}
	return false
}

var joined = reflect.TypeOf(errors.Join(errors.ErrUnsupported))

// anyOutage reports whether one of some errors is an outage, or all are.
func anyOutage(some []error, all bool) bool {
	for _, err := range some {
		if IsOutage(err) != all {
			return !all
		}
	}
	return all
}

// Report logs that an engine fails. The breakers for the parts of an engine share one. Its methods
// are safe for concurrent use.
type Report struct {
	name string
	log  *slog.Logger

	mu     sync.Mutex
	open   int       // breakers
	err    error     // of the last request that failed
	warned time.Time // of such a request
}

// warnEvery is the time between two warnings of requests that fail.
const warnEvery = time.Minute

// NewReport returns a report about the engine of a name.
func NewReport(name string, log *slog.Logger) *Report { return &Report{name: name, log: log} }

// Failed logs that a request got no response, and returns its error marked as an outage. An error
// that is marked already has been logged.
func (r *Report) Failed(err error) error {
	if err == nil || IsOutage(err) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	if now := time.Now(); r.open == 0 && (r.warned.IsZero() || now.Sub(r.warned) >= warnEvery) {
		r.warned = now
		r.log.Warn("a request to an engine failed", "engine", r.name, "err", err.Error())
	}
	return &outage{err}
}

// Opened logs that a breaker of the engine has opened, if it is the first.
func (r *Report) Opened() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open++; r.open == 1 {
		why := "" // as a text, so that Quiet does not take it for a repetition
		if r.err != nil {
			why = r.err.Error()
		}
		r.log.Error("an engine does not respond; requests to it fail at once until it does", "engine", r.name, "err", why)
	}
}

// Closed logs that a breaker of the engine has closed, if no other is open.
func (r *Report) Closed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open--; r.open == 0 {
		r.log.Info("an engine responds again", "engine", r.name)
	}
}

// Quiet returns a handler that logs records at the level debug if one of their attributes is an
// outage. So it does if time has run out, after one such record in a minute.
func Quiet(h slog.Handler) slog.Handler { return quiet{h, new(lateness)} }

type quiet struct {
	slog.Handler
	late *lateness
}

// lateness is when the last record said that time has run out.
type lateness struct {
	mu sync.Mutex
	at time.Time
}

// again reports whether such a record was logged in the minute before at.
func (l *lateness) again(at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.at.IsZero() && at.Sub(l.at) < warnEvery {
		return true
	}
	l.at = at
	return false
}

// Handle implements [slog.Handler].
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Level > slog.LevelDebug && q.repeats(r) {
		if r.Level = slog.LevelDebug; !q.Enabled(ctx, r.Level) {
			return nil
		}
	}
	return q.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quiet{q.Handler.WithAttrs(attrs), q.late}
}

// WithGroup implements [slog.Handler].
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name), q.late} }

// repeats reports whether a record says what a [Report] or an earlier record has said.
func (q quiet) repeats(r slog.Record) (is bool) {
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		is = ok && (IsOutage(err) || hasRunOut(err) && q.late.again(r.Time))
		return !is
	})
	return is
}

// hasRunOut reports whether time has run out in this server, not for a request to another one.
func hasRunOut(err error) bool {
	_, elsewhere := errors.AsType[*url.Error](err)
	return !elsewhere && errors.Is(err, context.DeadlineExceeded)
}
