package sqlite

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/quick"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// TestEncodeState: every field of any state comes back, and stands where
// encoding/binary puts it, which finds fields by itself. So one that is added
// and not encoded falls here.
func TestEncodeState(t *testing.T) {
	same := func(s tokens.State) bool {
		b := appendState(nil, s)
		got, err := decodeState(b)
		want, _ := binary.Append([]byte{version3}, binary.LittleEndian, s)
		return err == nil && got == s && bytes.Equal(b, want)
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
}

// TestEncodeAddress: every field of any state of an address comes back, and
// what is no state is an error.
func TestEncodeAddress(t *testing.T) {
	same := func(s addresses.State) bool {
		b, err := encodeAddress(s)
		got, bad := decodeAddress(b)
		return err == nil && bad == nil && got == s
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
	good, _ := encodeAddress(addresses.State{Step: 1})
	for _, b := range [][]byte{nil, {version1}, {version2}, {9, 9}, good[:len(good)-1], append(good, 0)} {
		if _, err := decodeAddress(b); err == nil {
			t.Errorf("%x is no state", b)
		}
	}
}

// TestEncodedBefore: what version 1 wrote is read, whole. Its fields are the
// first ones of today's.
func TestEncodedBefore(t *testing.T) {
	old := bytes.Repeat([]byte{1}, 1+142) // of a bool, 1 is true; and the version
	s, rest, err := cutState(append(slices.Clone(old), 9))
	if err != nil || len(rest) != 1 {
		t.Fatalf("%v, and %d bytes follow", err, len(rest))
	}
	if b := appendState(nil, s); !bytes.Equal(b[1:143], old[1:]) || s.Dead != tokens.Unknown || s.Roaming != (tokens.Roaming{}) || s.Hints != 0 {
		t.Errorf("%+v is not what version 1 wrote", s)
	}
	old = bytes.Repeat([]byte{1}, 1+158)
	old[0] = version2
	s, _, err = cutState(old)
	if b := appendState(nil, s); err != nil || !bytes.Equal(b[1:159], old[1:]) || s.Roaming.Since == 0 || s.Hints != 0 || s.Rendered != 0 {
		t.Errorf("%+v, %v is not what version 2 wrote", s, err)
	}
	old = bytes.Repeat([]byte{1}, 1+87)
	a, err := decodeAddress(old)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := encodeAddress(a); !bytes.Equal(b[1:88], old[1:]) || !a.Propose || a.Keys != [addresses.Buckets]addresses.KeyFilter{} {
		t.Errorf("%+v is not what version 1 wrote", a)
	}
	if _, err := decodeAddress(append(old, 0)); err == nil {
		t.Error("a byte after a state of version 1 is no error")
	}
}

// FuzzRecords: what is no row of a journal is an error, never a panic, and
// what is one reads back.
func FuzzRecords(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 2))
	row := appendRecord(nil, tokens.ID{1}, tokens.State{Tenant: rnd.Uint32()})
	f.Add(appendRecord(row, tokens.ID{2}, tokens.State{Dead: tokens.Revoked}))
	f.Add(row[:20])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		states := map[tokens.ID]tokens.State{}
		if records(states, b) != nil {
			return
		}
		var again []byte
		for id, s := range states {
			again = appendRecord(again, id, s)
		}
		if len(again) > len(b) {
			t.Errorf("%d bytes made %d", len(b), len(again))
		}
	})
}
