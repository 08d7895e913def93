package evidence

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// maxFew is how many callers an entry distinguishes exactly.
const maxFew = 16

// Few is a small set of callers: 32-bit hashes, ascending. A full set stays as it is, so its length
// is a lower bound.
type Few []uint32

// Full reports whether there may be more callers than the set has.
func (f Few) Full() bool { return len(f) >= maxFew }

func (f Few) with(hash uint32) Few {
	i, has := slices.BinarySearch(f, hash)
	if has || f.Full() {
		return f
	}
	return slices.Insert(f, i, hash)
}

func (f Few) union(o Few) Few {
	if len(o) == 0 {
		return f
	}
	all := slices.Clone(f)
	for _, hash := range o {
		all = all.with(hash)
	}
	return all
}

// Bytes returns the set as it is stored.
func (f Few) Bytes() []byte {
	b := make([]byte, 0, 4*len(f))
	for _, hash := range f {
		b = binary.BigEndian.AppendUint32(b, hash)
	}
	return b
}

// FewOf reads a stored set.
func FewOf(b []byte) (f Few) {
	for ; len(b) >= 4; b = b[4:] {
		f = f.with(binary.BigEndian.Uint32(b))
	}
	return f
}

// registers is the number of a sketch's registers: the standard error is 1.04/√registers, 3 %.
const registers = 1 << 10

// Sketch estimates how many different callers there were, in 1 KiB: the HyperLogLog of Flajolet,
// Fusy, Gandouet and Meunier (2007), with linear counting for small numbers. A nil Sketch is empty.
// It says nothing about a caller whose keyed hash is unknown.
type Sketch []byte

func (s Sketch) with(hash uint64) Sketch {
	if len(s) != registers {
		s = make(Sketch, registers)
	}
	i := hash % registers
	rank := byte(bits.TrailingZeros64(hash/registers|1<<54) + 1)
	s[i] = max(s[i], rank)
	return s
}

func (s Sketch) union(o Sketch) Sketch {
	if len(o) != registers {
		return s
	}
	if len(s) != registers {
		return slices.Clone(o)
	}
	for i := range s {
		s[i] = max(s[i], o[i])
	}
	return s
}

// Count returns the estimated number of different callers.
func (s Sketch) Count() int64 {
	if len(s) != registers {
		return 0
	}
	sum, empty := 0.0, 0
	for _, rank := range s {
		sum += math.Ldexp(1, -int(rank))
		if rank == 0 {
			empty++
		}
	}
	const alpha = 0.7213 / (1 + 1.079/registers)
	estimate := alpha * registers * registers / sum
	if estimate < 2.5*registers && empty > 0 {
		estimate = registers * math.Log(registers/float64(empty))
	}
	return int64(math.Round(estimate))
}
