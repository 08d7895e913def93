package addresses

import (
	"encoding/binary"
	"fmt"
)

// The stored form of a State is one byte, its version, and then the fields in their order, each of
// a fixed size, little endian, as encoding/binary would write them.
//
// A State with a new field gets a new version, and the field is added at the end. So the bytes of
// an older version are the beginning of a newer one, and the fields that they lack are zero. A
// database outlives the program that wrote it: every version below stays readable.
const (
	version1 = 1
	version2 = 2 // adds Repeats and Keys
)

// stateSizes holds the length of each version in bytes, the version byte included.
var stateSizes = [...]int{version1: 1 + 87, version2: 1 + 291}

// AppendState appends s in the newest version of the stored form.
func AppendState(b []byte, s State) []byte {
	order := binary.LittleEndian
	b = append(b, version2)
	b = order.AppendUint64(b, uint64(s.Bucket))
	for _, c := range s.Counts {
		b = order.AppendUint16(b, c.Bound)
		b = order.AppendUint16(b, c.Issued)
		b = order.AppendUint16(b, c.Solved)
	}
	b = order.AppendUint64(b, uint64(s.DayBucket))
	for _, n := range s.Records {
		b = order.AppendUint32(b, n)
	}
	b = order.AppendUint64(b, uint64(s.Until))
	b = append(b, s.Step, s.LastStepBlocks, 0)
	if s.Propose {
		b[len(b)-1] = 1
	}
	for _, n := range s.Repeats {
		b = order.AppendUint16(b, n)
	}
	for _, filter := range s.Keys {
		for _, word := range filter {
			b = order.AppendUint64(b, word)
		}
	}
	return b
}

// DecodeState reads the state that b consists of. Any other bytes are an error: no bytes, an
// unknown version, too few bytes, or bytes after the state. The values of fields are not checked.
func DecodeState(b []byte) (s State, err error) {
	if len(b) == 0 {
		return s, fmt.Errorf("address state: no bytes")
	}
	version := b[0]
	if version < version1 || version > version2 {
		return s, fmt.Errorf("address state: unknown version %d; this program reads 1 to %d", version, version2)
	}
	if size := stateSizes[version]; len(b) != size {
		return s, fmt.Errorf("address state: %d bytes, but version %d has %d", len(b), version, size)
	}
	r := reader(b[1:])
	r.readVersion1(&s)
	if version >= version2 {
		r.readVersion2(&s)
	}
	return s, nil
}

// reader holds the bytes that are not read yet.
type reader []byte

// readVersion1 reads the fields that every version has.
func (r *reader) readVersion1(s *State) {
	s.Bucket = int64(r.uint64())
	for i := range s.Counts {
		s.Counts[i] = Count{Bound: r.uint16(), Issued: r.uint16(), Solved: r.uint16()}
	}
	s.DayBucket = int64(r.uint64())
	for i := range s.Records {
		s.Records[i] = r.uint32()
	}
	s.Until = int64(r.uint64())
	s.Step = r.uint8()
	s.LastStepBlocks = r.uint8()
	s.Propose = r.uint8() != 0
}

// readVersion2 reads the fields that version 2 added.
func (r *reader) readVersion2(s *State) {
	for i := range s.Repeats {
		s.Repeats[i] = r.uint16()
	}
	for i := range s.Keys {
		for j := range s.Keys[i] {
			s.Keys[i][j] = r.uint64()
		}
	}
}

// next returns the next n bytes and moves past them.
func (r *reader) next(n int) []byte {
	b := (*r)[:n]
	*r = (*r)[n:]
	return b
}

func (r *reader) uint8() uint8   { return r.next(1)[0] }
func (r *reader) uint16() uint16 { return binary.LittleEndian.Uint16(r.next(2)) }
func (r *reader) uint32() uint32 { return binary.LittleEndian.Uint32(r.next(4)) }
func (r *reader) uint64() uint64 { return binary.LittleEndian.Uint64(r.next(8)) }
