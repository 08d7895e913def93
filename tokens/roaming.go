package tokens

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"
)

// Roaming is the addresses at which a key-bound token has been used since a time. Each address sets
// one of 96 bits. Occasionally two addresses share a bit, and count as one. With 8 addresses that
// happens to every third token, so the limit is lenient.
type Roaming struct {
	Since uint32 // Unix seconds, valid until 2106
	Seen  [3]uint32
}

// MaxRoaming is the maximum number of addresses that can be counted accurately enough.
const MaxRoaming = 32

// checkRoaming allows a key-bound token to move between addresses. If it is used at more addresses
// than a phone on the move has, its key may be shared, or not. So it gets a challenge, and can
// continue after solving it.
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

// add counts the address with the given bit, or reports that there are too many. The window ends
// like that of a spike.
func (r Roaming) add(at time.Time, p Policy, n uint32) (next Roaming, far bool) {
	word, bit := n/32, uint32(1)<<(n%32)
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

// bitFor returns the bit of an address. It is different for each key, so nobody can choose
// addresses that share a bit with those of every token.
func bitFor(b Binding, c Call) uint32 {
	var both [32]byte
	from := c.From.As16()
	copy(both[copy(both[:], b.Sum[:]):], from[:])
	sum := sha256.Sum256(both[:])
	return binary.BigEndian.Uint32(sum[:]) % 96
}
