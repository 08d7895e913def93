package challenge

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSealLaw checks that a sealed value opens unchanged, and that no changed byte is accepted.
func TestSealLaw(t *testing.T) {
	m := newMaker(t)
	rapid.Check(t, func(t *rapid.T) {
		want := drawnSealed(t)
		id := m.seal(want)
		if len(id) != idSize || strings.Trim(id, alphabet) != "" {
			t.Fatalf("id %q is not %d characters of base64url", id, idSize)
		}
		if got, ok := m.open(id); !ok || got != want {
			t.Fatalf("%+v was sealed, %+v (%t) was opened", want, got, ok)
		}
		at := rapid.IntRange(0, idSize-1).Draw(t, "at")
		other := []byte(id)
		other[at] = rapid.Byte().Filter(func(b byte) bool { return b != id[at] }).Draw(t, "byte")
		if _, ok := m.open(string(other)); ok {
			t.Fatalf("%q opens with byte %d changed", id, at)
		}
	})
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// TestSealedOnce checks that a value sealed twice has two ids, with different nonces.
func TestSealedOnce(t *testing.T) {
	m, seen := newMaker(t), map[string]bool{}
	for range 10_000 {
		id := m.seal(sealed{})
		if nonce := id[:nonceSize/3*4]; seen[nonce] {
			t.Fatalf("nonce %s came twice", nonce)
		} else {
			seen[nonce] = true
		}
	}
}

// TestEveryBitCounts flips each bit of a box.
func TestEveryBitCounts(t *testing.T) {
	m := newMaker(t)
	box, err := idEncoding.DecodeString(m.seal(sealed{answer: 7}))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(box) * 8 {
		box[bit/8] ^= 1 << (bit % 8)
		if _, ok := m.open(idEncoding.EncodeToString(box)); ok {
			t.Errorf("it opens with bit %d flipped", bit)
		}
		box[bit/8] ^= 1 << (bit % 8)
	}
}

// TestOtherSpellings checks that an id has one spelling.
func TestOtherSpellings(t *testing.T) {
	m := newMaker(t)
	id := m.seal(sealed{answer: 7})
	for _, other := range []string{
		"", id[1:], id + "A", id + "=", id + "\n", "\n" + id, id[:9] + "\n" + id[9:], id[:9] + "\r\n" + id[9:],
		" " + id, id[:idSize-1] + "\n", id[:idSize-1] + "=", id + id, strings.Repeat("A", idSize), strings.Repeat("\n", idSize),
		strings.Repeat("A", 1<<20),
	} {
		if _, ok := m.Open(other); ok {
			t.Errorf("%.99q opens", other)
		}
	}
}

// TestKeys checks that the same key opens an id on another node and after a restart, that another
// key does not, and that NewMaker refuses a short key.
func TestKeys(t *testing.T) {
	id := newMaker(t).seal(sealed{answer: 7})
	if s, ok := newMaker(t).open(id); !ok || s.answer != 7 {
		t.Errorf("another Maker of the same key opens %+v, %t", s, ok)
	}
	foreign, err := NewMaker(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := foreign.open(id); ok {
		t.Error("a Maker of another key opens it")
	}
	if _, err := NewMaker(make([]byte, 31)); err == nil {
		t.Error("31 bytes are taken for a key")
	}
}

// TestOpenIsCheap checks that malformed ids of any length cause no allocation.
func TestOpenIsCheap(t *testing.T) {
	m := newMaker(t)
	for _, id := range []string{"", m.seal(sealed{}), strings.Repeat("A", idSize), strings.Repeat("A", 1<<20)} {
		if n := testing.AllocsPerRun(100, func() { m.Open(id) }); n > 1 {
			t.Errorf("%.20q takes %v allocations", id, n)
		}
	}
}

// made is sealed{answer: 7} with the tests' key. An id must still open after an upgrade.
const made = "DE_0VglAerhvUrLzJpxI7rbo9ubEWbp-mDMFBAv4jVwoYsCH-j782v4P_0mvFHRw-tmRnb4ynfWx"

func TestMadeBefore(t *testing.T) {
	if s, ok := newMaker(t).open(made); !ok || s != (sealed{answer: 7}) {
		t.Errorf("%+v, %t", s, ok)
	}
}

func FuzzOpen(f *testing.F) {
	m := newMaker(f)
	for _, id := range []string{"", made, made[:idSize-1] + "\n", strings.Repeat("A", idSize), strings.Repeat("=", idSize)} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		s, ok := m.open(id)
		if _, known := m.Open(id); known != ok {
			t.Errorf("open says %t, Open %t", ok, known)
		}
		if ok && id != made {
			t.Errorf("%q was never made, and opens as %+v", id, s)
		}
		m.IsCorrect(id, id)
	})
}
