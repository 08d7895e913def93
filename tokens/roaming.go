package tokens

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"
)

// Roaming is where a token that is bound to a key has been used, from a moment
// on. Each address has one of 96 places. Now and then two of them share one,
// and then count as one: of 8 addresses that happens to every third token, so
// the limit is a lenient one.
type Roaming struct {
	Since uint32 // Unix seconds, good until 2106
	Seen  [3]uint32
}

// MaxRoaming is the largest number of addresses that can be told apart well
// enough.
const MaxRoaming = 32

// checkRoaming lets a key take its token from one address to others. A key that shows
// it at more of them than a phone on the move is maybe shared, maybe not: so
// it is asked to solve something, and then may go on.
func checkRoaming(s State, p Policy, c Call, v Verdict) (State, Verdict) {
	if s.Bound.Kind != ToKey {
		return s, v
	}
	next, far := s.Roaming.add(c.At, p, bitFor(s.Bound, c))
	if far {
		v = v.seen(uint32(p.RoamAddresses), uint32(p.RoamAddresses)+1)
		v.RoamingLimit = true
		if !p.Observe.Hijack {
			return issueChallenge(s, p, c.At, v, AddressVerdict{})
		}
		v.Observed = ChallengeRequired
	}
	s.Roaming = next
	return s, v
}

// add notes a place, or says that there are too many. The window ends as a
// spike's does.
func (r Roaming) add(at time.Time, p Policy, place uint32) (next Roaming, far bool) {
	word, bit := place/32, uint32(1)<<(place%32)
	fresh := Roaming{Since: uint32(at.Unix())}
	fresh.Seen[word] = bit
	if r == (Roaming{}) || at.Unix()-int64(r.Since) >= int64(p.RoamPer/time.Second) {
		return fresh, false
	}
	if r.Seen[word]&bit == 0 && r.count() >= int(p.RoamAddresses) {
		return fresh, true
	}
	r.Seen[word] |= bit
	return r, false
}

func (r Roaming) count() (n int) {
	for _, word := range r.Seen {
		n += bits.OnesCount32(word)
	}
	return n
}

// bitFor is an address's place, another one for each key: so nobody can choose
// addresses that share one with every token's.
func bitFor(b Binding, c Call) uint32 {
	var both [32]byte
	from := c.From.As16()
	copy(both[copy(both[:], b.Sum[:]):], from[:])
	sum := sha256.Sum256(both[:])
	return binary.BigEndian.Uint32(sum[:]) % 96
}
