package sqlite

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWord is the length in characters at which an indexed word is cut.
const maxWord = 64

// accented are the scripts whose marks are accents, vowel points and the
// like, which people leave out. Elsewhere a mark is a letter as any other.
var accented = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic, unicode.Hebrew}

// caseFold is s, a piece of one word, in the form in which words are compared.
func caseFold(s string) string {
	if isPlain(s) {
		return cutWord(strings.ToLower(s))
	}
	var b strings.Builder
	strips := true // whether a mark is dropped here
	for _, r := range norm.NFKD.String(s) {
		if unicode.Is(unicode.Mark, r) {
			if !strips {
				b.WriteRune(r)
			}
			continue
		}
		strips = unicode.In(r, accented...)
		b.WriteString(caseFoldLetter(unicode.ToLower(r)))
	}
	return cutWord(norm.NFC.String(b.String()))
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// caseFoldLetter spells letters that Unicode does not take apart as people do who
// lack them on their keyboard, and drops what is no part of a word.
func caseFoldLetter(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'ø':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'þ':
		return "th"
	case 'ħ':
		return "h"
	case 'ŧ':
		return "t"
	case 'ŋ':
		return "n"
	case 'ı':
		return "i"
	case 'ς':
		return "σ"
	case 'ـ': // only stretches an Arabic word
		return ""
	}
	if isJoiner(r) || !inWord(r) {
		return ""
	}
	return string(r)
}

func cutWord(s string) string {
	if len(s) <= maxWord {
		return s
	}
	n := 0
	for i := range s {
		if n++; n > maxWord {
			return s[:i]
		}
	}
	return s
}

// caseFoldLine is s as its folded words with a blank between them; what is
// unbroken in s is unbroken in it. It is cut to about n bytes.
func caseFoldLine(s string, n int) string {
	var b strings.Builder
	for run := range runsOf(s) {
		text := caseFold(run.text)
		if text == "" {
			continue
		}
		if b.Len()+len(text) >= n {
			break
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(text)
	}
	return b.String()
}
