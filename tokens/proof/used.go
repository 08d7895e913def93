package proof

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Bounds of the memory of used proofs: 2 × 16 × 65,536 of them, which is 76 MB
// at the worst and 16,000 proofs a second; and for each token as many as it can
// use at 250 a second, so that nobody can fill it with a few tokens.
const (
	shards   = 16
	most     = 1 << 16
	ofAToken = 1 << 14
)

// span is how long a proof must be remembered: after it, it is too old.
const span = int64((maxAge+ahead)/time.Second) + 1

// mark is one used proof, or one token: a part of a hash.
type mark [16]byte

// used remembers the proofs that were used, until they are too old. It is cut
// into shards by the token, so that calls seldom wait for each other and all
// uses of one proof meet in one place: a proof is good for one token only.
type used struct{ shards [shards]shard }

// begin says that of proofs made until then (Unix seconds) nothing is known.
func (u *used) begin(floor int64) {
	for i := range u.shards {
		u.shards[i].floor = floor
	}
}

// spend is an error the second time that it gets the same proof. Proofs are
// the same where their key and their jti are: one signature can be spelt in
// two ways.
func (u *used) spend(ath [sha256.Size]byte, key Thumbprint, p claims, now int64) error {
	sum := sha256.Sum256(append(key[:], p.jti...))
	return u.shards[ath[0]%shards].spend(mark(sum[:16]), mark(ath[:16]), p.iat, now)
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
	proofs map[mark]struct{}
	tokens map[mark]uint16 // how many of them
	newest int64           // iat among them
}

func (s *shard) spend(proof, token mark, made, now int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	if made <= s.floor && now <= s.floor {
		return ErrBusy
	}
	if made <= s.floor {
		return invalid("it was made before the server started")
	}
	if s.fresh.has(proof) || s.old.has(proof) {
		return invalid("it was used before")
	}
	if len(s.fresh.proofs) >= most || s.fresh.tokens[token] >= ofAToken {
		return ErrBusy
	}
	s.fresh.add(proof, token, made)
	return nil
}

// turn lets the halves change places when it is time. A clock that was set back
// lets it wait: nothing is forgotten until it has come to where it was.
func (s *shard) turn(now int64) {
	if s.fresh.proofs == nil || now-s.turned >= span {
		s.floor = max(s.floor, s.old.newest)
		s.fresh, s.old, s.turned = half{proofs: map[mark]struct{}{}, tokens: map[mark]uint16{}}, s.fresh, now
	}
}

func (h *half) has(proof mark) bool { _, there := h.proofs[proof]; return there }

func (h *half) add(proof, token mark, made int64) {
	h.proofs[proof] = struct{}{}
	h.tokens[token]++
	h.newest = max(h.newest, made)
}
