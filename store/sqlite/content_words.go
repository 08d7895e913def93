package sqlite

import (
	"iter"
	"unicode"
	"unicode/utf8"
)

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
				if run.text = caseFold(run.text); run.text != "" && !yield(run) {
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
		if text := caseFold(run.text[from:to]); text != "" {
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
