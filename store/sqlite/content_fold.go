package sqlite

import (
	"html"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWord is the length in characters at which an indexed word is cut.
const maxWord = 64

// A word is a piece of a text as it is indexed and looked for: folded, so
// that case and accents don't matter. Scripts that put no blanks between
// words (Chinese, Japanese, Thai; Korean glues them) are indexed by pairs of
// neighbouring characters, and the last character of a run alone: whatever
// stands in a run is found, without a dictionary.
type word struct {
	text       string
	start, end int  // bytes of the text that it was made of
	dense      bool // of a script without blanks
}

// wordsOf are the words of s in their order.
func wordsOf(s string) iter.Seq[word] {
	return func(yield func(word) bool) {
		for run := range runsOf(s) {
			if !run.dense {
				if run.text = folded(run.text); run.text != "" && !yield(run) {
					return
				}
				continue
			}
			chars := charsOf(run)
			for i, c := range chars {
				if i+1 < len(chars) {
					c = word{c.text + chars[i+1].text, c.start, chars[i+1].end, true}
				}
				if !yield(c) {
					return
				}
			}
		}
	}
}

// runsOf are the unbroken runs of one kind of script in s, not yet folded.
func runsOf(s string) iter.Seq[word] {
	return func(yield func(word) bool) {
		run := word{start: -1}
		flush := func(at int) bool {
			if run.start < 0 {
				return true
			}
			run.text, run.end = s[run.start:at], at
			ok := yield(run)
			run.start = -1
			return ok
		}
		for i, r := range s {
			dense, marks := isDense(r), isMark(r)
			switch {
			case !inWord(r):
				if !flush(i) {
					return
				}
				continue
			case run.start >= 0 && dense != run.dense && !marks:
				if !flush(i) {
					return
				}
			}
			if run.start < 0 {
				run = word{start: i, dense: dense}
			}
		}
		flush(len(s))
	}
}

// charsOf are the characters of a run, each folded with the marks on it.
func charsOf(run word) (chars []word) {
	from := 0
	add := func(to int) {
		if text := folded(run.text[from:to]); text != "" {
			chars = append(chars, word{text, run.start + from, run.start + to, true})
		}
		from = to
	}
	for i, r := range run.text {
		if i > from && !isMark(r) {
			add(i)
		}
	}
	add(len(run.text))
	return chars
}

func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.In(r, unicode.Letter, unicode.Number, unicode.Mark) || isJoiner(r)
}

// isJoiner is for the two invisible characters that shape letters inside a
// word of Persian or an Indic script.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// isMark is for what belongs to the character before it. The halfwidth sound
// marks of Japanese are letters to Unicode.
func isMark(r rune) bool {
	return r >= 0x300 && (unicode.Is(unicode.Mark, r) || isJoiner(r) || r == '\uff9e' || r == '\uff9f')
}

var denseScripts = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
}

func isDense(r rune) bool {
	return r >= 0xe00 && (unicode.In(r, denseScripts...) || r == 'ー' || r == '\uff70')
}

// accented are the scripts whose marks are accents, vowel points and the
// like, which people leave out. Elsewhere a mark is a letter as any other.
var accented = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic, unicode.Hebrew}

// folded is s, a piece of one word, in the form in which words are compared.
func folded(s string) string {
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
		b.WriteString(foldLetter(unicode.ToLower(r)))
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

// foldLetter spells letters that Unicode does not take apart as people do who
// lack them on their keyboard, and drops what is no part of a word.
func foldLetter(r rune) string {
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

// foldLine is s as its folded words with a blank between them; what is
// unbroken in s is unbroken in it. It is cut to about n bytes.
func foldLine(s string, n int) string {
	var b strings.Builder
	for run := range runsOf(s) {
		text := folded(run.text)
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

// plainText is the text of sanitised HTML. In that, a `<` opens a tag and a
// `>` closes it, nowhere else do they stand.
func plainText(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return s
	}
	var b strings.Builder
	for {
		text, rest, ok := strings.Cut(s, "<")
		b.WriteString(text)
		if !ok {
			return html.UnescapeString(b.String())
		}
		var tag string
		if tag, s, ok = strings.Cut(rest, ">"); !ok {
			return html.UnescapeString(b.String())
		}
		if !isInline(tag) {
			b.WriteByte(' ')
		}
	}
}

// isInline says of a tag that it can stand inside a word.
func isInline(tag string) bool {
	name, _, _ := strings.Cut(strings.Trim(tag, "/"), " ")
	switch name {
	case "a", "abbr", "b", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s",
		"samp", "small", "span", "strong", "sub", "sup", "time", "u", "var":
		return true
	}
	return false
}
