package proof

import (
	"crypto/sha256"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// maxProofs bounds the memory of spent proofs, all shards and both halves
// together: each proof takes a place, and so does each token that has some in
// a half. That is 90 MB at most, and 16,000 proofs a second of tokens that
// spend many. The shards have no bound of their own, so the tokens of one shard
// can't fill it while others are empty.
const maxProofs = 1 << 21

// shards is a power of two, and at most 256.
const shards = 16

// span is Life in seconds.
const span = int64(Life / time.Second)

// digest is one used proof, or one token: a part of a hash.
type digest [16]byte

// digestOf returns the mark of a proof. Proofs are the same if their key and
// their jti are: one signature can be spelt in two ways.
func digestOf(key Thumbprint, jti string) digest {
	sum := sha256.Sum256(append(key[:], jti...))
	return digest(sum[:16])
}

// replayCache remembers the proofs that were spent, until they are too old. It is cut
// into shards by the token, so that calls rarely wait for each other and all
// uses of one proof meet in one place: a proof is valid for one token only.
type replayCache struct {
	taken  atomic.Int64 // of places
	shards [shards]shard
}

// begin says that of proofs made until then (Unix seconds) nothing is known.
func (u *replayCache) begin(floor int64) {
	for i := range u.shards {
		u.shards[i].floor = floor
	}
}

// spend returns an error the second time that it gets the same proof.
func (u *replayCache) spend(p Checked, most int, now int64) error {
	if u.taken.Load() >= maxProofs {
		u.turn(now) // shards without calls may hold what is too old
	}
	s := &u.shards[p.token[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	u.taken.Add(-s.turn(now))
	if err := s.refuses(p, most, now); err != nil {
		return err
	}
	n := s.fresh.takes(p.token)
	if u.taken.Add(n) > maxProofs {
		u.taken.Add(-n)
		return ErrBusy
	}
	s.fresh.add(p)
	return nil
}

// turn turns all shards whose time has come.
func (u *replayCache) turn(now int64) {
	for i := range u.shards {
		s := &u.shards[i]
		s.mu.Lock()
		u.taken.Add(-s.turn(now))
		s.mu.Unlock()
	}
}

// shard forgets like this: every span the fresh half becomes the old one, and
// what was the old one is dropped. What was dropped is too old to be used
// again; and if it isn't, because the clock was set back, it is not known any
// more and refused: so no clock, and no restart, opens a hole.
type shard struct {
	mu         sync.Mutex
	turned     int64 // Unix seconds
	floor      int64 // proofs with an iat until then may have been used, and be forgotten
	fresh, old half
}

type half struct {
	proofs map[digest]struct{}
	tokens map[digest]uint16 // how many of them
	newest int64             // iat among them
}

// refuses returns why a proof must not be spent, or nil. Called with mu held.
func (s *shard) refuses(p Checked, most int, now int64) error {
	switch {
	case p.made <= s.floor && now <= s.floor:
		return ErrBusy
	case p.made <= s.floor:
		return invalid("it was made before the server started")
	case s.fresh.has(p.proof) || s.old.has(p.proof):
		return invalid("it was used before")
	case int(s.fresh.tokens[p.token]) >= min(most, math.MaxUint16):
		return ErrBusy
	}
	return nil
}

// turn makes the fresh half the old one when it is time, and returns how many
// places that frees. A clock that was set back delays it: nothing is forgotten
// until the clock is where it was. Called with mu held.
func (s *shard) turn(now int64) (freed int64) {
	if s.fresh.proofs == nil || now-s.turned >= span {
		freed = int64(len(s.old.proofs) + len(s.old.tokens))
		s.floor = max(s.floor, s.old.newest)
		s.fresh, s.old, s.turned = half{proofs: map[digest]struct{}{}, tokens: map[digest]uint16{}}, s.fresh, now
	}
	return freed
}

func (h *half) has(proof digest) bool { _, there := h.proofs[proof]; return there }

// takes returns how many places one more proof of the token takes.
func (h *half) takes(token digest) int64 {
	if h.tokens[token] == 0 {
		return 2
	}
	return 1
}

func (h *half) add(p Checked) {
	h.proofs[p.proof] = struct{}{}
	h.tokens[p.token]++
	h.newest = max(h.newest, p.made)
}
