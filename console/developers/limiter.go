package developers

import (
	"sync"
	"time"

	"stile.example/stile/recent"
)

// maxLimited is the maximum number of names that a limiter counts at one time: about 1 MB.
const maxLimited = 10_000

// limiter admits most events of a name in a period, which begins with the first of them. Its
// methods are safe for concurrent use. If there is no space for another name, it drops those that
// were not seen for the longest time: somebody with many addresses must not keep all others out.
type limiter struct {
	most int
	per  time.Duration

	mu    sync.Mutex
	names recent.Map[string, counted]
}

type counted struct {
	since time.Time
	n     int
}

func newLimiter(most int, per time.Duration) *limiter {
	return &limiter{most: most, per: per, names: recent.New[string, counted](maxLimited)}
}

// allow counts an event, and reports whether it is admitted.
func (l *limiter) allow(name string, now time.Time) bool {
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

// full reports whether the next event of a name would be refused.
func (l *limiter) full(name string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, _ := l.names.Get(name)
	return c.n >= l.most && now.Sub(c.since) < l.per
}
