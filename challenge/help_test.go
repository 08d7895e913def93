package challenge

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// now is the time in these tests.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newMaker(t testing.TB) *Maker {
	t.Helper()
	m, err := NewMaker(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ask is a Spec for the test's only token, with an expiry in 5 minutes.
func ask(k Kind, number uint16) Spec {
	return Spec{Token: [16]byte{1, 2, 3}, Number: number, Kind: k, Expires: now.Add(5 * time.Minute)}
}

// make1 returns the challenge for a.
func make1(t testing.TB, m *Maker, a Spec) Challenge {
	t.Helper()
	c, err := m.Make(a)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// right returns the answer that is sealed in id.
func right(t testing.TB, m *Maker, id string) string {
	t.Helper()
	s, ok := m.open(id)
	if !ok {
		t.Fatalf("%q does not open", id)
	}
	return s.text()
}

// drawnSealed draws any value that can be sealed.
func drawnSealed(t *rapid.T) (s sealed) {
	copy(s.token[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "token"))
	s.number = rapid.Uint16().Draw(t, "number")
	s.kind = Kind(rapid.Byte().Draw(t, "kind"))
	s.level = rapid.Byte().Draw(t, "level")
	s.expires = rapid.Uint32().Draw(t, "expires")
	s.digits = rapid.Byte().Draw(t, "digits")
	s.answer = rapid.Uint32().Draw(t, "answer")
	return s
}
