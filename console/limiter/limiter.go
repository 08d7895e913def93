// Package limiter limits how often something happens, such as requests of an address, in bounded
// memory.
package limiter

import (
	"sync"
	"time"

	"stile.example/stile/recent"
)

// maxNames is the maximum number of names that a limiter counts at one time: about 1 MB.
const maxNames = 10_000

// Limiter admits a number of events of a name in a period, which begins with the first of them. Its
// methods are safe for concurrent use. If there is no space for another name, it drops those that
// were not seen for the longest time: somebody with many addresses must not keep all others out.
type Limiter struct {
	most int
	per  time.Duration

	mu    sync.Mutex
	names recent.Map[string, counted]
}

type counted struct {
	since time.Time
	n     int
}

// New returns a limiter that admits most events of each name in a period.
func New(most int, per time.Duration) *Limiter {
	return &Limiter{most: most, per: per, names: recent.New[string, counted](maxNames)}
}

// Allow counts an event, and reports whether it is admitted.
func (l *Limiter) Allow(name string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, known := l.names.Use(name)
	if !known || now.Sub(c.since) >= l.per {
		c = counted{since: now}
	}
	if c.n >= l.most {
		return false
	}
	c.n++
	l.names.Put(name, c)
	return true
}

// Wait returns how long it takes until the next event of a name is admitted; 0: it is admitted now.
func (l *Limiter) Wait(name string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, _ := l.names.Get(name)
	if c.n < l.most {
		return 0
	}
	return max(c.since.Add(l.per).Sub(now), 0)
}
