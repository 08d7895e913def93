package bearer

import (
	"errors"
	"sync"
	"time"

	"stile.example/stile/tokens"
)

// maxReplays bounds the assertions that are stored at one time. It admits 4,000 a second if they
// are valid for a minute, as is usual.
const maxReplays = 1 << 18

// replayCache stores the IDs of spent assertions until they expire. Its zero value is empty. Only
// assertions that a tenant has signed are stored.
type replayCache struct {
	mu      sync.Mutex
	expires map[tokens.ID]int64 // Unix seconds
	sweepAt int                 // number of entries at which to remove expired ones
	sweptAt int64               // Unix seconds: it sweeps at most once a second
}

// spend reports whether it gets an id for the first time.
func (c *replayCache) spend(id tokens.ID, expires, now time.Time) (fresh bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until, ok := c.expires[id]; ok && now.Unix() < until {
		return false, nil
	}
	if c.expires == nil || len(c.expires) >= c.sweepAt && now.Unix() != c.sweptAt {
		c.sweep(now)
	}
	if len(c.expires) >= maxReplays {
		return false, errors.New("too many client assertions at once")
	}
	c.expires[id] = expires.Unix()
	return true, nil
}

// sweep removes what has expired. It runs again when the number of entries has doubled, so its cost
// per entry is constant.
func (c *replayCache) sweep(now time.Time) {
	if c.expires == nil {
		c.expires = make(map[tokens.ID]int64)
	}
	for id, until := range c.expires {
		if now.Unix() >= until {
			delete(c.expires, id)
		}
	}
	c.sweepAt, c.sweptAt = min(max(2*len(c.expires), 1<<10), maxReplays), now.Unix()
}
