package tokens

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"
)

// Roaming counts the source addresses of a key-bound token within a window. Each address is one of
// 96 bits. Occasionally two addresses share a bit and count as one: of 8 addresses, that happens to
// every third token. So the limit is lenient.
type Roaming struct {
	Since uint32 // Unix seconds, up to the year 2106
	Seen  [3]uint32
}

// MaxRoaming is the largest limit for which 96 bits are precise enough.
const MaxRoaming = 32

// checkRoaming counts the address of a call with a key-bound token. More addresses than a moving
// phone has may mean that the key is shared, but need not. So the token gets a challenge, and
// solving it resets the window.
func checkRoaming(s State, p Policy, c Call, v Verdict) (State, Verdict) {
	if s.Bound.Kind != ToKey {
		return s, v
	}
	next, over := s.Roaming.add(c.At, p, bitFor(s.Bound, c))
	if over {
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

// add counts the address of bit n. If it exceeds the limit, over is true and next is a new window.
// A window ends as the window of a spike does.
func (r Roaming) add(at time.Time, p Policy, n uint32) (next Roaming, over bool) {
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

// bitFor returns the number of an address's bit, 0 to 95. It differs for each key, so nobody can
// choose addresses that share a bit for every token.
func bitFor(b Binding, c Call) uint32 {
	var both [32]byte
	from := c.From.As16()
	copy(both[copy(both[:], b.Sum[:]):], from[:])
	sum := sha256.Sum256(both[:])
	return binary.BigEndian.Uint32(sum[:]) % 96
}
