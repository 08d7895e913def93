package tokens

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawState draws a state, most of whose bytes are often zero.
func drawState(t *rapid.T) State {
	b := make([]byte, stateSizes[newest]-1)
	for range rapid.IntRange(0, 40).Draw(t, "bytes") {
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
	}
	var s State
	c := codec{b: b, reads: true}
	c.state(&s, newest)
	return s
}

// TestPackedProperty checks that each state is read back from its packed form, which is never
// longer than it may be, and that no part of it is a state.
func TestPackedProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawState(t)
		b := AppendPacked(nil, &s)
		if got, err := DecodeState(b); err != nil || got != s || len(b) > MaxPacked {
			t.Fatalf("%d bytes are %+v, %v; want %+v", len(b), got, err, s)
		}
		if got, rest, err := CutState(append(b, 9)); err != nil || got != s || !bytes.Equal(rest, []byte{9}) {
			t.Fatalf("with another byte: %+v, %v, %v", got, rest, err)
		}
		for n := range b {
			if _, err := DecodeState(b[:n]); err == nil {
				t.Fatalf("%d bytes of %d are a state", n, len(b))
			}
		}
	})
}

// TestPackedFull checks that a state all of whose bits are set has a packed form.
func TestPackedFull(t *testing.T) {
	if stateSizes[newest]-1 > maxFields {
		t.Fatalf("a state has %d bytes, and the packed form is for %d: raise maxWords", stateSizes[newest]-1, maxFields)
	}
	b := bytes.Repeat([]byte{0xff}, stateSizes[newest]-1)
	var s State
	c := codec{b: b, reads: true}
	c.state(&s, newest)
	s.AddressChecked = true
	if got, err := DecodeState(AppendPacked(nil, &s)); err != nil || got != s {
		t.Errorf("%+v, %v; want %+v", got, err, s)
	}
}

// TestPackedOlder checks that the packed forms of earlier versions are read.
func TestPackedOlder(t *testing.T) {
	for version := byte(version1); version <= newest; version++ {
		b := []byte{packed | version, 1, 0, 0, 1, 7} // the first byte of Tenant
		if s, err := DecodeState(b); err != nil || s != (State{Tenant: 7}) {
			t.Errorf("version %d: %+v, %v", version, s, err)
		}
	}
}

// TestPackedSize checks the size of a token in use. A million of them are in memory.
func TestPackedSize(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	p := Policy{Calls: 2000, Records: 20_000, BindWithin: time.Hour, SpikeCalls: 60, SpikePer: time.Minute, SpikeSuggestions: 240}
	c := Call{At: at.Add(time.Minute), Tenant: 300, IssuedAt: at, Expires: at.Add(24 * time.Hour), From: netip.MustParseAddr("2001:db8::1"), Route: Items, Records: 20,
		Address: AddressVerdict{Known: true, Allowance: 400}}
	var s State
	for range 15 {
		s, _ = Step(s, p, &c)
	}
	if n := len(AppendPacked(nil, &s)); n > 60 {
		t.Errorf("%d bytes", n)
	}
	if s, _ = Step(s, p, Suggest(c)); len(AppendPacked(nil, &s)) > 66 {
		t.Errorf("%d bytes after a suggestion", len(AppendPacked(nil, &s)))
	}
}

// FuzzPacked checks that bytes are the packed form of a state only if it is packed like that.
func FuzzPacked(f *testing.F) {
	f.Add(AppendPacked(nil, &State{Tenant: 5, Dead: Revoked}))
	f.Add([]byte{packed | newest, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, rest, err := CutState(b)
		if err != nil || b[0] != packed|newest {
			return
		}
		again := AppendPacked(nil, &s)
		if b = b[:len(b)-len(rest)]; !bytes.Equal(again, b) && !(len(again) == len(b) && s.AddressChecked) {
			t.Errorf("%x is a state that is packed as %x", b, again)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	s := State{Tenant: 3, Day: 20_000, IssuedAt: 1_800_000_000, Expires: 1_800_086_400, Allowance: 300, AddressChecked: true, BoundAfter: 3,
		Bound: BindTo(netip.MustParseAddr("192.0.2.1")), Calls: Window{Since: 1_800_000_000, Count: 5}}
	s.Used[0][1] = Count{Calls: 40, Records: 400}
	var buf [MaxPacked]byte
	for b.Loop() {
		out := AppendPacked(buf[:0], &s)
		if back, err := DecodeState(out); err != nil || back != s {
			b.Fatal(back, err)
		}
	}
}
