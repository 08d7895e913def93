package challenge

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestS30OneSpellingOfAnAnswer checks that an answer must have all digits and nothing else.
func TestS30OneSpellingOfAnAnswer(t *testing.T) {
	m := newMaker(t)
	picture := func(answer uint32) sealed {
		return sealed{specKey: specKey{kind: Picture}, digits: digits, answer: answer}
	}
	work := func(answer uint32) sealed { return sealed{specKey: specKey{kind: Work}, answer: answer} }
	for _, c := range []struct {
		sealed sealed
		right  string
		wrong  []string
	}{
		{picture(12345), "12345", []string{"1 2345", " 12345", "12345 ", "012345", "123450", "1234", "12346", "+12345", "-12345", "12345\n", "12345\x00", "1.2345e4", "12,345", "0x3039", "１２３４５", "1٢345"}},
		{picture(10203), "10203", []string{"1 2 3", "123", "1O2O3"}},
		{picture(42), "00042", []string{"42", "042", "0042", "000042", "   42"}},
		{picture(0), "00000", []string{"", "0", "0000", "000000", "     "}},
		{work(100), "100", []string{"", "+100", "0100", " 100", "100 ", "1e2", "100.0", "64", "0x64", "99", "101", "-100", "4294967396"}},
		{work(0), "0", []string{"", "00", "-0"}},
		{work(1 << 31), "2147483648", []string{"-2147483648", "0"}},
	} {
		id := m.seal(c.sealed)
		if !m.IsCorrect(id, c.right) {
			t.Errorf("%q is not right for %+v", c.right, c.sealed)
		}
		for _, wrong := range append(c.wrong, strings.Repeat("1", 1<<20), c.right+c.right) {
			if m.IsCorrect(id, wrong) {
				t.Errorf("%.40q is right for %+v", wrong, c.sealed)
			}
		}
	}
}

// TestRightLaw checks that an answer is not correct for another challenge's id or an invented id.
func TestRightLaw(t *testing.T) {
	m := newMaker(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawnSealed(t)
		s.digits %= 10
		id, answer := m.seal(s), s.text()
		other := rapid.String().Draw(t, "other")
		switch {
		case !m.IsCorrect(id, answer):
			t.Fatalf("%q is not right for %+v", answer, s)
		case other != answer && m.IsCorrect(id, other):
			t.Fatalf("%q is correct for %+v", other, s)
		case m.IsCorrect(other, answer), m.IsCorrect("", ""), m.IsCorrect("", answer):
			t.Fatal("an answer is correct for an invalid id")
		}
	})
}

// TestAnswersAreNotShown checks that what a visitor receives does not contain the answer.
func TestAnswersAreNotShown(t *testing.T) {
	m := newMaker(t)
	var shown []string
	for n := range uint16(200) {
		c := make1(t, m, ask(Picture, n))
		answer := right(t, m, c.ID)
		if utf8.RuneCountInString(answer) != digits || c.Digits != digits || c.Parameters != nil {
			t.Fatalf("%d digits, %d said, %v", len(answer), c.Digits, c.Parameters)
		}
		if raw, _ := idEncoding.DecodeString(c.ID); strings.Contains(fmt.Sprintf("%+v %s", c, raw), answer) {
			shown = append(shown, fmt.Sprintf("%s is in %+v", answer, c))
		}
	}
	if len(shown) > 1 { // one may be, by chance: an identifier has any digits
		t.Error("answers are shown:", shown)
	}
}
