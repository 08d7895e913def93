package sqlite

import (
	"encoding/binary"
	"fmt"

	"stile.example/stile/tokens"
)

// A state is stored as a version and then its fields in the order of
// tokens.State, little endian, each of a fixed size. A State with a new field
// gets a new version, and the old ones stay readable: a file outlives the
// program that wrote it.
const (
	version1 = 1
	size1    = 1 + 4 + 1 + 16 + 8 + 8 + 4 + 2*tokens.Routes*8 + 1
)

// appendState appends s as it is stored.
func appendState(b []byte, s tokens.State) []byte {
	b = append(b, version1)
	b = binary.LittleEndian.AppendUint32(b, s.Tenant)
	b = append(b, byte(s.Bound.Kind))
	b = append(b, s.Bound.Sum[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.IssuedAt))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.Expires))
	b = binary.LittleEndian.AppendUint32(b, uint32(s.Day))
	for _, day := range s.Used {
		for _, c := range day {
			b = binary.LittleEndian.AppendUint32(b, c.Calls)
			b = binary.LittleEndian.AppendUint32(b, c.Records)
		}
	}
	return append(b, byte(s.Dead))
}

// cutState reads the state that b begins with, and returns what follows it.
func cutState(b []byte) (s tokens.State, rest []byte, err error) {
	if len(b) == 0 {
		return s, nil, fmt.Errorf("a state of no bytes")
	}
	if b[0] != version1 {
		return s, nil, fmt.Errorf("a state of version %d, which this program does not know", b[0])
	}
	if len(b) < size1 {
		return s, nil, fmt.Errorf("a state of %d bytes, not %d", len(b), size1)
	}
	return readState1(b[1:size1]), b[size1:], nil
}

func readState1(b fields) (s tokens.State) {
	s.Tenant = b.uint32()
	s.Bound.Kind = tokens.BindingKind(b.uint8())
	s.Bound.Sum = [16]byte(b.next(16))
	s.IssuedAt = int64(b.uint64())
	s.Expires = int64(b.uint64())
	s.Day = int32(b.uint32())
	for d := range s.Used {
		for r := range s.Used[d] {
			s.Used[d][r] = tokens.Count{Calls: b.uint32(), Records: b.uint32()}
		}
	}
	s.Dead = tokens.Reason(b.uint8())
	return s
}

// decodeState reads a state that is all of b.
func decodeState(b []byte) (tokens.State, error) {
	s, rest, err := cutState(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes after a state", len(rest))
	}
	return s, err
}

// fields are bytes to be read from front to back.
type fields []byte

func (f *fields) next(n int) []byte {
	b := (*f)[:n]
	*f = (*f)[n:]
	return b
}

func (f *fields) uint8() uint8   { return f.next(1)[0] }
func (f *fields) uint32() uint32 { return binary.LittleEndian.Uint32(f.next(4)) }
func (f *fields) uint64() uint64 { return binary.LittleEndian.Uint64(f.next(8)) }
