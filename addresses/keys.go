package addresses

// keyFilter is a set of keys and persons. Each is one of 256 bits, so a few of many are taken for
// one that was seen before. An attacker gains no more from that than from using one key for many
// tokens.
type keyFilter [4]uint64

func (k keyFilter) has(n uint8) bool { return k[n/64]>>(n%64)&1 != 0 }

func (k *keyFilter) add(n uint8) { k[n/64] |= 1 << (n % 64) }

// repeatsPerBinding is how many bindings to keys, or of persons, that were seen before count as one
// binding. A person who opens many pages, or whose tokens are renewed every few minutes, does not
// exceed the budget. A script that binds one token after another to one key, or for one person,
// does.
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

// count counts a binding. If a token was bound to the same key in the period, or a token of the
// same person, the binding is a repeat. The first byte of a name is its bit.
func (s *State) count(e Bind) {
	i := s.Bucket % Buckets
	seen := s.add(i, e.Key)
	if s.add(i, e.Person) || seen {
		s.Repeats[i] = saturatingInc(s.Repeats[i])
		return
	}
	s.Counts[i].Bound = saturatingInc(s.Counts[i].Bound)
}

// add adds the name of a key or a person to bucket i, and reports whether it was seen in the
// period. The zero name is nobody's.
func (s *State) add(i int64, name [16]byte) (seen bool) {
	if name == [16]byte{} {
		return false
	}
	for _, k := range s.Keys {
		seen = seen || k.has(name[0])
	}
	s.Keys[i].add(name[0])
	return seen
}
