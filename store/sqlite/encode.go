package sqlite

import (
	"encoding/binary"
	"fmt"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// A state is stored as a version and then its fields in their order, little
// endian, each of a fixed size: as encoding/binary writes it. A State with a
// new field gets a new version, and the field stands at the end: so what an
// older version wrote is a new state's beginning, and the rest of it is zero. A
// file outlives the program that wrote it.
const (
	version1 = 1
	version2 = 2 // a token's roaming, an address's keys
	version3 = 3 // a token's hints and renderings
)

// stateSizes is how long a token's state of each version is, the version
// included, and addressSizes an address's.
var (
	stateSizes   = []int{version1: 1 + 142, version2: 1 + 158, version3: 1 + binary.Size(tokens.State{})}
	addressSizes = []int{version1: 1 + 87, version2: 1 + binary.Size(addresses.State{})}
)

// appendState appends s as it is stored.
func appendState(b []byte, s tokens.State) []byte {
	n := len(b)
	b = append(b, make([]byte, stateSizes[version3])...)
	b[n] = version3
	c := codec{b: b[n+1:]}
	c.state(&s, version3)
	return b
}

// cutState reads the state that b begins with, and returns what follows it.
func cutState(b []byte) (s tokens.State, rest []byte, err error) {
	version, size, err := versionOf(b, stateSizes)
	if err != nil {
		return s, nil, err
	}
	c := codec{b: b[1:size], reads: true}
	c.state(&s, version)
	return s, b[size:], nil
}

// versionOf reads the version of the state that b begins with, and how long it
// is.
func versionOf(b []byte, sizes []int) (version byte, size int, err error) {
	if len(b) == 0 {
		return 0, 0, fmt.Errorf("a state of no bytes")
	}
	if version = b[0]; version < version1 || int(version) >= len(sizes) {
		return 0, 0, fmt.Errorf("a state of version %d, which this program does not know", version)
	}
	if size = sizes[version]; len(b) < size {
		return 0, 0, fmt.Errorf("a state of %d bytes, not %d", len(b), size)
	}
	return version, size, nil
}

// decodeState reads a state that is all of b.
func decodeState(b []byte) (tokens.State, error) {
	s, rest, err := cutState(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes after a state", len(rest))
	}
	return s, err
}

// codec writes fields to bytes from front to back, or reads them. What is
// stored of a token is listed once, for both ways; encoding/binary would do
// it too, but takes twenty times as long, and each call waits for it.
type codec struct {
	b     []byte
	reads bool
}

func (c *codec) state(s *tokens.State, version byte) {
	num32(c, &s.Tenant)
	num32(c, &s.Day)
	num64(c, &s.IssuedAt)
	num64(c, &s.Expires)
	for d := range s.Used {
		for r := range s.Used[d] {
			num32(c, &s.Used[d][r].Calls)
			num32(c, &s.Used[d][r].Records)
		}
	}
	c.window(&s.Calls)
	c.window(&s.Suggestions)
	num32(c, &s.Allowance)
	c.challenge(&s.OpenChallenge)
	num16(c, &s.ChallengesIssued)
	num16(c, &s.Serial)
	num8(c, &s.Bound.Kind)
	c.bytes(s.Bound.Sum[:])
	c.bool(&s.AddressChecked)
	num8(c, &s.Dead)
	if version < version2 {
		return
	}
	num32(c, &s.Roaming.Since)
	for i := range s.Roaming.Seen {
		num32(c, &s.Roaming.Seen[i])
	}
	if version < version3 {
		return
	}
	num32(c, &s.Hints)
	num8(c, &s.Rendered)
}

func (c *codec) window(w *tokens.Window) {
	num32(c, &w.Since)
	num32(c, &w.Count)
}

func (c *codec) challenge(h *tokens.Challenge) {
	num32(c, &h.Expires)
	num16(c, &h.Number)
	num8(c, &h.Kind)
	num8(c, &h.Level)
	num8(c, &h.Left)
	num8(c, &h.Reloads)
	num8(c, &h.For)
}

// next is the next n bytes.
func (c *codec) next(n int) []byte {
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *codec) bytes(v []byte) {
	if c.reads {
		copy(v, c.next(len(v)))
	} else {
		copy(c.next(len(v)), v)
	}
}

func (c *codec) bool(v *bool) {
	var n uint8
	if *v {
		n = 1
	}
	num8(c, &n)
	*v = n != 0
}

func num8[T ~uint8](c *codec, v *T) {
	if b := c.next(1); c.reads {
		*v = T(b[0])
	} else {
		b[0] = uint8(*v)
	}
}

func num16[T ~uint16](c *codec, v *T) {
	if b := c.next(2); c.reads {
		*v = T(binary.LittleEndian.Uint16(b))
	} else {
		binary.LittleEndian.PutUint16(b, uint16(*v))
	}
}

func num32[T ~uint32 | ~int32](c *codec, v *T) {
	if b := c.next(4); c.reads {
		*v = T(binary.LittleEndian.Uint32(b))
	} else {
		binary.LittleEndian.PutUint32(b, uint32(*v))
	}
}

func num64[T ~uint64 | ~int64](c *codec, v *T) {
	if b := c.next(8); c.reads {
		*v = T(binary.LittleEndian.Uint64(b))
	} else {
		binary.LittleEndian.PutUint64(b, uint64(*v))
	}
}

// encodeAddress is an address's state as it is stored. Few calls change one.
func encodeAddress(s addresses.State) ([]byte, error) {
	return binary.Append([]byte{version2}, binary.LittleEndian, s)
}

func decodeAddress(b []byte) (s addresses.State, err error) {
	_, size, err := versionOf(b, addressSizes)
	if err != nil {
		return s, err
	}
	if len(b) > size {
		return s, fmt.Errorf("%d bytes after a state", len(b)-size)
	}
	whole := append(b[1:size:size], make([]byte, addressSizes[version2]-size)...)
	_, err = binary.Decode(whole, binary.LittleEndian, &s)
	return s, err
}
