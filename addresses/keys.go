package addresses

// KeyFilter is a set of keys. Each has one of 256 places, so a few of many keys are
// taken for one that was seen: that is no more than who uses one key for many
// tokens gets anyway.
type KeyFilter [4]uint64

func (k KeyFilter) has(n uint8) bool { return k[n/64]>>(n%64)&1 != 0 }

func (k *KeyFilter) add(n uint8) { k[n/64] |= 1 << (n % 64) }

// repeatsPerBinding is how many bindings by keys that were known count as one. A person
// who opens many pages is no crowd; a script that binds one token after the
// other to one key comes to be one.
const repeatsPerBinding = 16

// bound is how many bindings count in the period.
func (s *State) bound() (n uint32) {
	again := uint32(0)
	for i, c := range s.Counts {
		n += uint32(c.Bound)
		again += uint32(s.Repeats[i])
	}
	return n + again/repeatsPerBinding
}

// count counts a binding: a key that bound a token in the period is known, and
// has been counted then.
func (s *State) count(e Bind) {
	i := s.Bucket % Buckets
	known, place := false, e.Key[0]
	for _, k := range s.Keys {
		known = known || k.has(place)
	}
	switch {
	case e.Key == [16]byte{}:
		s.Counts[i].Bound = up(s.Counts[i].Bound)
	case known:
		s.Repeats[i] = up(s.Repeats[i])
		s.Keys[i].add(place)
	default:
		s.Counts[i].Bound = up(s.Counts[i].Bound)
		s.Keys[i].add(place)
	}
}
