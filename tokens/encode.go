package tokens

import (
	"encoding/binary"
	"fmt"
)

// The stored form of a State is one byte, its version, and then the fields in their order, each of
// a fixed size, little endian. encoding/binary would write the same, but takes twenty times as
// long, and each call waits for it.
//
// A State with a new field gets a new version, and the field is added at the end. So the bytes of
// an older version are the beginning of a newer one, and the fields that they lack are zero. A
// database outlives the program that wrote it: every version below stays readable.
const (
	version1 = 1
	version2 = 2 // adds Roaming
	version3 = 3 // adds Hints and Rendered
	version4 = 4 // adds BoundAfter
	version5 = 5 // adds Proofs
	newest   = version5
)

// stateSizes holds the length of each version in bytes, the version byte included.
var stateSizes = [...]int{version1: 1 + 142, version2: 1 + 158, version3: 1 + 163, version4: 1 + 165, version5: 1 + 177}

// AppendState appends s in the newest version of the stored form.
func AppendState(b []byte, s State) []byte {
	n := len(b)
	b = append(b, make([]byte, stateSizes[newest])...)
	b[n] = newest
	c := codec{b: b[n+1:]}
	c.state(&s, newest)
	return b
}

// DecodeState reads the state that b consists of. Any other bytes are an error: no bytes, an
// unknown version, too few bytes, or bytes after the state. The values of fields are not checked.
func DecodeState(b []byte) (State, error) {
	s, rest, err := CutState(b)
	if err == nil && len(rest) > 0 {
		return State{}, fmt.Errorf("token state: %d bytes too many", len(rest))
	}
	return s, err
}

// IsPossible reports whether every number of a decoded state that stands for something is one that
// this program knows. Otherwise the state is damaged.
func (s *State) IsPossible() bool {
	return s.Bound.Kind <= ToKey && s.OpenChallenge.Kind <= Picture && s.OpenChallenge.For <= ByAll && int(s.Dead) <= len(Reasons)
}

// CutState reads the state that b begins with, in any form, and returns the bytes that follow it.
func CutState(b []byte) (s State, rest []byte, err error) {
	if len(b) == 0 {
		return s, nil, fmt.Errorf("token state: no bytes")
	}
	version := b[0] &^ packed
	if version < version1 || version > newest {
		return s, nil, fmt.Errorf("token state: unknown version %d; this program reads 1 to %d", version, newest)
	}
	if b[0]&packed != 0 {
		return cutPacked(b, version)
	}
	size := stateSizes[version]
	if len(b) < size {
		return s, nil, fmt.Errorf("token state: %d bytes, but version %d has %d", len(b), version, size)
	}
	c := codec{b: b[1:size], reads: true}
	c.state(&s, version)
	return s, b[size:], nil
}

// codec writes fields to b from front to back, or reads them. One list of fields serves both
// directions, so they can't disagree.
type codec struct {
	b     []byte
	reads bool
}

func (c *codec) state(s *State, version byte) {
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
	if version < version4 {
		return
	}
	num16(c, &s.BoundAfter)
	if version < version5 {
		return
	}
	num32(c, &s.Proofs.Highest)
	num64(c, &s.Proofs.Used)
}

func (c *codec) window(w *Window) {
	num32(c, &w.Since)
	num32(c, &w.Count)
}

func (c *codec) challenge(h *Challenge) {
	num32(c, &h.Expires)
	num16(c, &h.Number)
	num8(c, &h.Kind)
	num8(c, &h.Level)
	num8(c, &h.Left)
	num8(c, &h.Reloads)
	num8(c, &h.For) // a bool before version 3: ByToken or ByTenant
}

// next returns the next n bytes and moves past them.
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
