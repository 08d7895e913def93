// Package load sends HTTP requests over many connections, and measures how long the responses take.
//
// It takes little CPU, because it shares the machine with the server that it measures: a load that
// costs as much as the server would make a slow server look half as slow as it is. So one thread
// serves all connections with epoll, requests are bytes that are copied, and a response is parsed
// only as far as it must be checked. Result has the CPU time of both sides.
//
// A load is closed or open. In a closed one, each connection sends its next request when it has
// read the response to the last one. In an open one, requests are due at a constant rate, and the
// time of a call starts when its request is due, even if all connections wait for responses then.
package load

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Plan is a load on one address.
type Plan struct {
	Addr     string // host:port, IPv4
	Conns    int
	Duration time.Duration
	Rate     int // requests a second; 0: a closed load

	// Next appends a connection's next request to buf. The response's body must begin with want.
	// If the connection has no requests left, it returns nil.
	Next func(conn int, buf []byte) (request, want []byte)
}

// Result is the outcome of a load.
type Result struct {
	Calls     int
	Elapsed   time.Duration
	Latencies *Histogram
	CPU       time.Duration // that the processes of the server used
	OwnCPU    time.Duration // that this process used
}

// PerSecond returns the rate of calls.
func (r Result) PerSecond() float64 { return float64(r.Calls) / r.Elapsed.Seconds() }

// CPUPerCall returns the CPU time of one call, in microseconds.
func (r Result) CPUPerCall() float64 { return microseconds(r.CPU, r.Calls) }

// OwnCPUPerCall returns the CPU time of this process for one call, in microseconds.
func (r Result) OwnCPUPerCall() float64 { return microseconds(r.OwnCPU, r.Calls) }

func microseconds(d time.Duration, calls int) float64 {
	return float64(d.Nanoseconds()) / 1000 / float64(max(calls, 1))
}

// RunAgainst runs a plan, and measures the CPU time that the server's processes use for it.
func (p Plan) RunAgainst(pids ...int) (Result, error) {
	before, err := cpuOfAll(pids)
	if err != nil {
		return Result{}, err
	}
	r, err := p.Run()
	if err != nil {
		return r, err
	}
	after, err := cpuOfAll(pids)
	r.CPU = after - before
	return r, err
}

// Run runs a plan. A response other than the expected one ends it, and Run returns the error.
func (p Plan) Run() (Result, error) {
	if p.Rate < 0 || p.Conns < 1 {
		return Result{}, errors.New("a load needs at least one connection, and its rate must not be negative")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l, err := p.open()
	if err != nil {
		return Result{}, err
	}
	defer l.close()
	before := ownCPU()
	l.start = time.Now()
	err = l.run()
	return Result{l.calls, time.Since(l.start), &l.latencies, 0, ownCPU() - before}, err
}

// loop is a load that runs. Times are since its start.
type loop struct {
	Plan
	epoll, timer int // file descriptors; the timer wakes an open load
	conns        []*conn
	idle         []*conn // of an open load
	waiting      int     // connections that wait for a response
	start        time.Time
	sent         int // requests that were due, of an open load
	isOver       bool
	calls        int
	latencies    Histogram
	chunk        []byte
}

func (l *loop) now() time.Duration { return time.Since(l.start) }

// run sends until the duration is over, and returns when the last response has arrived.
func (l *loop) run() error {
	for _, c := range l.conns {
		if l.Rate > 0 {
			l.idle = append(l.idle, c)
		} else if err := l.send(c, l.now()); err != nil {
			return err
		}
	}
	if err := l.sendDue(); err != nil {
		return err
	}
	events := make([]unix.EpollEvent, 256)
	for l.waiting > 0 || l.Rate > 0 && !l.isOver {
		n, err := unix.EpollWait(l.epoll, events, maxSilence)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("%d connections got no response within %d s", l.waiting, maxSilence/1000)
		}
		for _, e := range events[:n] {
			if err := l.handle(int(e.Fd)); err != nil {
				return err
			}
		}
		if err := l.sendDue(); err != nil {
			return err
		}
	}
	return nil
}

// maxSilence is how long a load waits for anything to happen, in milliseconds.
const maxSilence = 30_000

// handle handles an event: a connection can be read, or the timer has expired.
func (l *loop) handle(index int) error {
	if index == timerIndex {
		var expirations [8]byte
		_, err := unix.Read(l.timer, expirations[:])
		return ignoreAgain(err)
	}
	c := l.conns[index]
	isComplete, err := c.receive(l.chunk)
	if err != nil || !isComplete {
		return err
	}
	now := l.now()
	l.waiting--
	l.calls++
	l.latencies.Add(now - c.since)
	if l.Rate > 0 {
		l.idle = append(l.idle, c)
		return nil
	}
	return l.send(c, now)
}

// send sends a connection's next request, unless the load is over. The call is measured from since.
func (l *loop) send(c *conn, since time.Duration) error {
	if since >= l.Duration {
		return nil
	}
	request, want := l.Next(c.index, c.out[:0])
	if request == nil {
		l.isOver = true // an open load has no other use for its idle connections
		return nil
	}
	c.out, c.want, c.since = request, want, since
	l.waiting++
	return c.write()
}

// sendDue sends the requests of an open load that are due, as far as connections are idle, and sets
// the timer to the next one.
func (l *loop) sendDue() error {
	if l.Rate == 0 {
		return nil
	}
	for now := l.now(); ; l.sent++ {
		due := time.Duration(int64(l.sent) * int64(time.Second) / int64(l.Rate))
		switch {
		case due >= l.Duration:
			l.isOver = true
			return nil
		case due > now:
			return l.wake(due - now)
		case len(l.idle) == 0:
			return nil // the next response wakes the load
		}
		c := l.idle[0]
		l.idle = append(l.idle[:0], l.idle[1:]...)
		if err := l.send(c, due); err != nil || l.isOver {
			return err
		}
	}
}

// wake sets the timer.
func (l *loop) wake(in time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(in))}
	return unix.TimerfdSettime(l.timer, 0, &spec, nil)
}

// timerIndex marks the event of the timer.
const timerIndex = math.MaxInt32

func ignoreAgain(err error) error {
	if err == unix.EAGAIN {
		return nil
	}
	return err
}
