package addresses

// keyFilter is a set of keys. Each key is one of 256 bits, so a few of many keys are taken for one
// that was seen before. An attacker gains no more from that than from using one key for many
// tokens.
type keyFilter [4]uint64

func (k keyFilter) has(n uint8) bool { return k[n/64]>>(n%64)&1 != 0 }

func (k *keyFilter) add(n uint8) { k[n/64] |= 1 << (n % 64) }

// repeatsPerBinding is how many bindings to keys that were seen before count as one binding. A
// person who opens many pages does not exceed the budget. A script that binds one token after
// another to one key does.
const repeatsPerBinding = 16

// bound returns how many bindings count in the period.
func (s *State) bound() (n uint32) {
	repeats := uint32(0)
	for i, c := range s.Counts {
		n += uint32(c.Bound)
		repeats += uint32(s.Repeats[i])
	}
	return n + repeats/repeatsPerBinding
}

// count counts a binding. If a token was bound to the same key in the period, the binding is a
// repeat. The first byte of a key is its bit.
func (s *State) count(e Bind) {
	i := s.Bucket % Buckets
	seen, bit := false, e.Key[0]
	for _, k := range s.Keys {
		seen = seen || k.has(bit)
	}
	switch {
	case e.Key == [16]byte{}:
		s.Counts[i].Bound = saturatingInc(s.Counts[i].Bound)
	case seen:
		s.Repeats[i] = saturatingInc(s.Repeats[i])
		s.Keys[i].add(bit)
	default:
		s.Counts[i].Bound = saturatingInc(s.Counts[i].Bound)
		s.Keys[i].add(bit)
	}
}
