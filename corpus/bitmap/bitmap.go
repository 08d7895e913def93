// Package bitmap is a compact set of numbers.
package bitmap

// Set is a set of numbers from 0 on. For a million items it takes 125 kB.
type Set struct {
	bits []uint64
	n    int
}

// Has reports whether i is in the set.
func (m *Set) Has(i int64) bool {
	return i/64 < int64(len(m.bits)) && m.bits[i/64]&(1<<(i%64)) != 0
}

// Add adds i, and reports whether it is new.
func (m *Set) Add(i int64) bool {
	if m.Has(i) {
		return false
	}
	for int64(len(m.bits)) <= i/64 {
		m.bits = append(m.bits, 0)
	}
	m.bits[i/64] |= 1 << (i % 64)
	m.n++
	return true
}

// Len returns how many numbers are in the set.
func (m *Set) Len() int { return m.n }
