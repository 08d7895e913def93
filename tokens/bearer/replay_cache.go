package bearer

import (
	"errors"
	"sync"
	"time"

	"stile.example/stile/tokens"
)

// maxReplays bounds the assertions that are remembered at once: 4,000 a second
// where they live for a minute, as is usual.
const maxReplays = 1 << 18

// replayCache remembers what was spent until it expires by itself. The zero used has
// seen nothing. Only what was signed by a tenant gets in.
type replayCache struct {
	mu      sync.Mutex
	expires map[tokens.ID]int64 // Unix seconds
	sweepAt int                 // number of entries at which to look for dead ones
	sweptAt int64               // Unix seconds; once in a second is enough
}

// spend is [ErrInvalid] the second time that it gets the same id.
func (u *replayCache) spend(id tokens.ID, expires, now time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if until, ok := u.expires[id]; ok && now.Unix() < until {
		return invalid("used before")
	}
	if u.expires == nil || len(u.expires) >= u.sweepAt && now.Unix() != u.sweptAt {
		u.sweep(now)
	}
	if len(u.expires) >= maxReplays {
		return errors.New("too many client assertions at once")
	}
	u.expires[id] = expires.Unix()
	return nil
}

// sweep drops what has expired. It runs again when as many more have come, so
// that its cost for each is constant.
func (u *replayCache) sweep(now time.Time) {
	if u.expires == nil {
		u.expires = make(map[tokens.ID]int64)
	}
	for id, until := range u.expires {
		if now.Unix() >= until {
			delete(u.expires, id)
		}
	}
	u.sweepAt, u.sweptAt = min(max(2*len(u.expires), 1<<10), maxReplays), now.Unix()
}
