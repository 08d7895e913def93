package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWord is the length in characters at which a word is cut.
const maxWord = 64

// accented lists the scripts whose marks are accents, vowel points and the like, which people leave
// out. In other scripts a mark counts as a letter.
var accented = []*unicode.RangeTable{
	unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic, unicode.Hebrew,
}

// FoldLine returns the folded words of a line with a space between them. It does not split runs
// without spaces. The result has at most about maxBytes bytes.
func FoldLine(line string, maxBytes int) string {
	var b strings.Builder
	for run := range runsOf(line) {
		text := caseFold(run.Text)
		if text == "" {
			continue
		}
		if b.Len()+len(text) >= maxBytes {
			break
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(text)
	}
	return b.String()
}

// caseFold returns s, a part of one word, in the form in which words are compared.
func caseFold(s string) string {
	if isASCII(s) {
		return cutWord(strings.ToLower(s))
	}
	var b strings.Builder
	strips := true // whether a mark is dropped here
	for _, r := range norm.NFKD.String(visible(s)) {
		if unicode.Is(unicode.Mark, r) {
			if !strips && !unicode.Is(unicode.Me, r) {
				b.WriteRune(r)
			}
			continue
		}
		strips = unicode.In(r, accented...)
		b.WriteString(caseFoldLetter(unicode.ToLower(r)))
	}
	return cutWord(norm.NFC.String(b.String()))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// caseFoldLetter returns the folded form of a letter, or "" if it is not part of a word. It spells
// letters that Unicode does not decompose, as people spell them whose keyboards lack them.
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
	if !inWord(r) {
		return ""
	}
	return string(r)
}

// cutWord returns the first maxWord characters of a word.
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
