package history

import (
	"sync"
	"time"

	"stile.example/stile/tokens"
)

// maxOpen is how many open challenges are followed. Further ones are counted as asked only.
const maxOpen = 100_000

// openChallenges follows the open challenge of each token, to count those that were left open:
// neither solved nor failed nor reloaded before they expired, or ignored until the token died. It
// is in memory only. A restart forgets which challenges are open, so these are not counted then.
type openChallenges struct {
	mu sync.Mutex
	of map[tokens.ID]openChallenge
}

type openChallenge struct {
	tenant  string
	kind    tokens.Kind
	expires uint32 // Unix seconds
}

// put notes a token's new challenge. It returns the one before it if that had expired.
func (o *openChallenges) put(id tokens.ID, c openChallenge, at time.Time) (left []openChallenge) {
	o.mu.Lock()
	defer o.mu.Unlock()
	old, was := o.of[id]
	if was && at.Unix() >= int64(old.expires) {
		left = append(left, old)
	}
	if was || len(o.of) < maxOpen {
		o.of[id] = c
	}
	return left
}

// drop forgets a token's challenge, and returns it.
func (o *openChallenges) drop(id tokens.ID) (openChallenge, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, was := o.of[id]
	delete(o.of, id)
	return c, was
}

// expire forgets the challenges that have expired, and returns them.
func (o *openChallenges) expire(at time.Time) (left []openChallenge) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, c := range o.of {
		if at.Unix() >= int64(c.expires) {
			left = append(left, c)
			delete(o.of, id)
		}
	}
	return left
}
