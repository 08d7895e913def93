package tokens

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// The packed form of a State is for stores that keep many of them: 48 to 77 bytes, because most
// fields of most states are zero. It is the stored form without its bytes that are zero, so it has
// the same versions, and a new field needs nothing here:
//
//   - one byte, the version plus 128
//   - a bit for each 8 bytes of the stored form after its version: whether one of them is not zero
//   - for each such 8 bytes, a byte with a bit for each that is not zero, and then those
const packed = 0x80

const (
	maxWords  = 24                         // 8 bytes each: enough for a state of the newest version
	maskBytes = maxWords / 8               // one size for all versions
	maxFields = 8 * maxWords               // the bytes of a state's fields, at most
	MaxPacked = 1 + maskBytes + 9*maxWords // MaxPacked is the maximum length of the packed form.
)

// AppendPacked appends s in the packed form. [DecodeState] and [CutState] read it too.
func AppendPacked(b []byte, s *State) []byte {
	var fields [maxFields]byte
	c := codec{b: fields[:stateSizes[newest]-1]}
	c.state(s, newest)
	at := len(b)
	b = append(b, packed|newest, 0, 0, 0)
	for n := 0; n < maxWords; n++ {
		word := binary.LittleEndian.Uint64(fields[8*n:])
		if word == 0 {
			continue
		}
		b[at+1+n/8] |= 1 << (n % 8)
		mask := len(b)
		b = append(b, 0)
		for word != 0 {
			i := bits.TrailingZeros64(word) / 8
			b[mask] |= 1 << i
			b = append(b, byte(word>>(8*i)))
			word &^= 0xff << (8 * i)
		}
	}
	return b
}

var errPacked = errors.New("token state: the packed form is damaged")

// cutPacked is CutState for the packed form. Bytes that AppendPacked does not write are an error,
// except that any byte but 0 is true in a bool.
func cutPacked(b []byte, version byte) (s State, rest []byte, err error) {
	if len(b) < 1+maskBytes {
		return s, nil, errPacked
	}
	var fields [maxFields]byte
	size := stateSizes[version] - 1
	words := uint32(b[1]) | uint32(b[2])<<8 | uint32(b[3])<<16
	for rest = b[1+maskBytes:]; words != 0; words &= words - 1 {
		if len(rest) == 0 || rest[0] == 0 {
			return s, nil, errPacked
		}
		mask := rest[0]
		rest = rest[1:]
		if len(rest) < bits.OnesCount8(mask) {
			return s, nil, errPacked
		}
		at := 8 * bits.TrailingZeros32(words)
		for ; mask != 0; mask &= mask - 1 {
			i := at + bits.TrailingZeros8(mask)
			if rest[0] == 0 || i >= size {
				return s, nil, errPacked
			}
			fields[i] = rest[0]
			rest = rest[1:]
		}
	}
	c := codec{b: fields[:size], reads: true}
	c.state(&s, version)
	return s, rest, nil
}
