package developers

import (
	"sync"
	"time"
)

// maxLimited is the maximum number of names that a limiter counts at one time: about 1 MB.
const maxLimited = 10_000

// limiter admits most events of a name in a period, which begins with the first of them. Its
// methods are safe for concurrent use. If there is no space for another name, it refuses.
type limiter struct {
	most int
	per  time.Duration

	mu    sync.Mutex
	names map[string]counted
}

type counted struct {
	since time.Time
	n     int
}

// allow counts an event, and reports whether it is admitted.
func (l *limiter) allow(name string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, known := l.names[name]
	if known && now.Sub(c.since) >= l.per {
		c = counted{}
	}
	if !known && len(l.names) >= maxLimited && !l.sweep(now) {
		return false
	}
	if l.names == nil {
		l.names = map[string]counted{}
	}
	if c.n == 0 {
		c.since = now
	}
	if c.n >= l.most {
		return false
	}
	c.n++
	l.names[name] = c
	return true
}

// full reports whether the next event of a name would be refused.
func (l *limiter) full(name string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.names[name]
	return c.n >= l.most && now.Sub(c.since) < l.per
}

// sweep removes the names whose period has ended, and reports whether there is space.
func (l *limiter) sweep(now time.Time) bool {
	for name, c := range l.names {
		if now.Sub(c.since) >= l.per {
			delete(l.names, name)
		}
	}
	return len(l.names) < maxLimited
}
