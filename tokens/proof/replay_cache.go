package proof

import (
	"crypto/sha256"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// maxProofs bounds the spent proofs in memory, of all shards and both halves together. Each proof
// counts, and so does each token with proofs in a half. That is at most 90 MB, or 16,000 proofs a
// second if tokens spend many. The shards have no bounds of their own, so the tokens of one shard
// can't fill it while others are empty.
const maxProofs = 1 << 21

// shards is a power of two, and at most 256.
const shards = 16

// span is Life in seconds.
const span = int64(Life / time.Second)

// digest is a part of a hash. It stands for one used proof or one token.
type digest [16]byte

// digestOf returns the digest of a proof. Proofs with the same key and the same jti are the same,
// because a signature has two spellings.
func digestOf(key Thumbprint, jti string) digest {
	sum := sha256.Sum256(append(key[:], jti...))
	return digest(sum[:16])
}

// replayCache stores the proofs that were spent, until they are too old. It is divided into shards
// by token, so that calls on many processors rarely wait for each other; on 2, a single shard is as
// fast (0.3 µs). All uses of a proof are in one shard, because a proof is valid for one token only.
//
// It is not a recent.Map, which drops entries by number: a proof that is dropped early could be
// used twice. When the replayCache is full, it refuses new proofs instead.
type replayCache struct {
	taken  atomic.Int64 // what counts towards maxProofs
	shards [shards]shard
}

// begin sets that nothing is known of proofs made until floor (Unix seconds).
func (u *replayCache) begin(floor int64) {
	for i := range u.shards {
		u.shards[i].floor = floor
	}
}

// spend returns an error the second time that it gets the same proof.
func (u *replayCache) spend(p Checked, most int, now int64) error {
	if u.taken.Load() >= maxProofs {
		u.turn(now) // shards without calls may store proofs that are too old
	}
	s := &u.shards[p.token[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	u.taken.Add(-s.turn(now))
	if err := s.refuses(p, most, now); err != nil {
		return err
	}
	n := s.newer.takes(p.token)
	if u.taken.Add(n) > maxProofs {
		u.taken.Add(-n)
		return ErrBusy
	}
	s.newer.add(p)
	return nil
}

// turn turns all shards for which it is time.
func (u *replayCache) turn(now int64) {
	for i := range u.shards {
		s := &u.shards[i]
		s.mu.Lock()
		u.taken.Add(-s.turn(now))
		s.mu.Unlock()
	}
}

// shard has two halves: after each span, the newer half becomes the older half, and the previous
// older half is dropped. Dropped proofs are too old to be used again. If the clock was set back and
// they are not, floor refuses them. So neither a clock nor a restart allows a second use.
type shard struct {
	mu           sync.Mutex
	turned       int64 // Unix seconds
	floor        int64 // proofs with an iat until then may have been used and dropped
	newer, older half
}

type half struct {
	proofs map[digest]struct{}
	tokens map[digest]uint16 // the number of their proofs
	newest int64             // the latest iat
}

// refuses returns why a proof must not be spent, or nil. The caller holds mu.
func (s *shard) refuses(p Checked, most int, now int64) error {
	switch {
	case p.made <= s.floor && now <= s.floor:
		return ErrBusy
	case p.made <= s.floor:
		return invalid("it was made before the server started")
	case s.newer.has(p.proof) || s.older.has(p.proof):
		return ErrUsed
	case int(s.newer.tokens[p.token]) >= min(most, math.MaxUint16):
		return ErrBusy
	}
	return nil
}

// turn makes the newer half the older one when it is time, and returns by how much taken decreases.
// If the clock was set back, it waits until the clock has caught up. The caller holds mu.
func (s *shard) turn(now int64) (freed int64) {
	if s.newer.proofs == nil || now-s.turned >= span {
		freed = int64(len(s.older.proofs) + len(s.older.tokens))
		s.floor = max(s.floor, s.older.newest)
		s.newer, s.older, s.turned = half{proofs: map[digest]struct{}{}, tokens: map[digest]uint16{}}, s.newer, now
	}
	return freed
}

func (h *half) has(proof digest) bool { _, there := h.proofs[proof]; return there }

// takes returns how much one more proof of the token counts.
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
