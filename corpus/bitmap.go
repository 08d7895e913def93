package corpus

// bitmap is a set of numbers from 0 on. For a million items it takes 125 kB.
type bitmap struct {
	bits []uint64
	n    int
}

func (m *bitmap) has(i int64) bool {
	return i/64 < int64(len(m.bits)) && m.bits[i/64]&(1<<(i%64)) != 0
}

// add adds i, and reports whether it is new.
func (m *bitmap) add(i int64) bool {
	if m.has(i) {
		return false
	}
	for int64(len(m.bits)) <= i/64 {
		m.bits = append(m.bits, 0)
	}
	m.bits[i/64] |= 1 << (i % 64)
	m.n++
	return true
}

func (m *bitmap) len() int { return m.n }
