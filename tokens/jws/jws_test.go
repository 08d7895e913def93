package jws

import (
	"errors"
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	p, err := Cut("ab.c-.d_")
	if want := (Parts{Header: "ab", Payload: "c-", Signature: "d_", Signed: "ab.c-"}); err != nil || p != want {
		t.Errorf("%+v, %v, want %+v", p, err, want)
	}
	for text, want := range map[string]error{
		"":          ErrParts,
		"a":         ErrParts,
		"a.b":       ErrParts,
		"a.b.c.d":   ErrParts,
		"a.b.c.d.e": ErrParts,
		"a.b.c.":    ErrParts,
		".b.c":      ErrParts,
		"a..c":      ErrParts,
		"a.b.":      ErrParts,
		"a.b.c\n":   ErrCharacter,
		"a.b\r.c":   ErrCharacter,
		"a.b.c=":    ErrCharacter,
		"a.b.c+":    ErrCharacter,
		"a.b.c/":    ErrCharacter,
		"a.b.c ":    ErrCharacter,
		"a.b.é":     ErrCharacter,
		"a.b.c\x00": ErrCharacter,
	} {
		if p, err := Cut(text); !errors.Is(err, want) || p != (Parts{}) {
			t.Errorf("%q: %+v, %v, want %v", text, p, err, want)
		}
	}
}

// TestCharacter checks every byte.
func TestCharacter(t *testing.T) {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	for c := range 256 {
		if got, want := Character(byte(c)), strings.IndexByte(allowed, byte(c)) >= 0; got != want {
			t.Errorf("%q: %v", rune(c), got)
		}
	}
}

// TestDecode checks that no bytes have two spellings.
func TestDecode(t *testing.T) {
	if b, err := Decode("-_8"); err != nil || string(b) != "\xfb\xff" {
		t.Errorf("%x, %v", b, err)
	}
	for _, other := range []string{"-_9", "-_-", "-_8=", "-_8\n", "-_\r8", "+/8", "-_8 ", "-"} {
		if b, err := Decode(other); err == nil {
			t.Errorf("%q is accepted as %x", other, b)
		}
	}
}
