package words

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Name returns the form in which names are compared: ids, collections, tags, and the names and
// values of attributes. Two Unicode spellings of a character (é in one code point or two) are one,
// and characters that nobody sees make no difference.
func Name(s string) string {
	if isASCII(s) || !utf8.ValidString(s) {
		return s
	}
	return norm.NFC.String(visible(s))
}

// visible returns s without its invisible characters.
func visible(s string) string {
	if !strings.ContainsFunc(s, isInvisible) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isInvisible(r) {
			return -1
		}
		return r
	}, s)
}

// Trim returns s composed (NFC), without blanks and invisible characters at its ends. Those inside
// it stay: they shape letters of Persian and Indic scripts, and join emoji.
func Trim(s string) string {
	return norm.NFC.String(strings.TrimFunc(s, func(r rune) bool { return isInvisible(r) || isBlank(r) }))
}

// isInvisible reports whether a character has no shape of its own: joiners, soft hyphens, spaces
// without width, byte order marks, marks of direction, variation selectors, fillers. They are those
// with the Unicode property Default_Ignorable_Code_Point.
func isInvisible(r rune) bool {
	if r < utf8.RuneSelf {
		return false
	}
	switch {
	case r == 0xad, r == 0x34f, r == 0x61c, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5,
		0x180b <= r && r <= 0x180f,
		0x200b <= r && r <= 0x200f, 0x202a <= r && r <= 0x202e, 0x2060 <= r && r <= 0x206f,
		r == 0x3164, 0xfe00 <= r && r <= 0xfe0f, r == 0xfeff, r == 0xffa0, 0xfff0 <= r && r <= 0xfff8,
		0x1bca0 <= r && r <= 0x1bca3, 0x1d173 <= r && r <= 0x1d17a, 0xe0000 <= r && r <= 0xe0fff:
		return true
	}
	return false
}
