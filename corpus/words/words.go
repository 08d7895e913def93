// Package words splits texts into the words that a corpus is indexed and searched by. It folds
// them, so that case and accents make no difference, and highlights them in a text. It has no SQL
// and does no I/O.
package words

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Word is a word of a text, folded. Scripts that put no spaces between words (Chinese, Japanese,
// Thai; also Korean, which joins them) are indexed by pairs of adjacent characters, and by the last
// character of a run alone. So any part of a run is found, without a dictionary.
type Word struct {
	Text       string
	Start, End int  // bytes of the text that the word was made of
	Unspaced   bool // of a script without spaces
}

// Of yields the words of a text in their order.
func Of(text string) iter.Seq[Word] {
	return func(yield func(Word) bool) {
		for run := range runsOf(text) {
			if !run.Unspaced {
				if run.Text = caseFold(run.Text); run.Text != "" && !yield(run) {
					return
				}
				continue
			}
			chars := charsOf(run)
			for i, c := range chars {
				if i+1 < len(chars) {
					c = Word{c.Text + chars[i+1].Text, c.Start, chars[i+1].End, true}
				}
				if !yield(c) {
					return
				}
			}
		}
	}
}

// Join returns the words of a text with a space between them.
func Join(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for w := range Of(text) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.Text)
	}
	return b.String()
}

// Distinct returns the first n different words of texts.
func Distinct(n int, texts ...string) []string {
	words := []string{}
	seen := map[string]bool{}
	for _, text := range texts {
		for w := range Of(text) {
			if seen[w.Text] {
				continue
			}
			seen[w.Text] = true
			if words = append(words, w.Text); len(words) == n {
				return words
			}
		}
	}
	return words
}

// Starts yields the words of a title, folded. Of a run without spaces it yields the part from each
// of its characters to the end.
func Starts(title string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for run := range runsOf(title) {
			if !run.Unspaced {
				if text := caseFold(run.Text); text != "" && !yield(text) {
					return
				}
				continue
			}
			for _, c := range charsOf(run) {
				if !yield(caseFold(title[c.Start:run.End])) {
					return
				}
			}
		}
	}
}

// runsOf yields the unbroken runs of one kind of script in s, not yet folded.
func runsOf(s string) iter.Seq[Word] {
	return func(yield func(Word) bool) {
		run := Word{Start: -1}
		flush := func(at int) bool {
			if run.Start < 0 {
				return true
			}
			run.Text, run.End = s[run.Start:at], at
			ok := yield(run)
			run.Start = -1
			return ok
		}
		for i, r := range s {
			isPart, unspaced := inWord(r), isUnspaced(r)
			ends := run.Start >= 0 && unspaced != run.Unspaced && !isMark(r)
			if (!isPart || ends) && !flush(i) {
				return
			}
			if isPart && run.Start < 0 {
				run = Word{Start: i, Unspaced: unspaced}
			}
		}
		flush(len(s))
	}
}

// charsOf returns the characters of a run, each folded together with the marks on it.
func charsOf(run Word) (chars []Word) {
	from := 0
	add := func(to int) {
		if text := caseFold(run.Text[from:to]); text != "" {
			chars = append(chars, Word{text, run.Start + from, run.Start + to, true})
		}
		from = to
	}
	for i, r := range run.Text {
		if i > from && !isMark(r) {
			add(i)
		}
	}
	add(len(run.Text))
	return chars
}

// inWord reports whether a character can be part of a word.
func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.In(r, unicode.Letter, unicode.Number, unicode.Mark) || isJoiner(r)
}

// isJoiner reports whether a character is one of the two invisible ones that shape letters inside a
// word of Persian or an Indic script.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// isMark reports whether a character belongs to the one before it. Unicode counts the halfwidth
// sound marks of Japanese as letters.
func isMark(r rune) bool {
	return r >= 0x300 && (unicode.Is(unicode.Mark, r) || isJoiner(r) || r == '\uff9e' || r == '\uff9f')
}

var unspacedScripts = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
}

// isUnspaced reports whether a character belongs to a script without spaces.
func isUnspaced(r rune) bool {
	return r >= 0xe00 && (unicode.In(r, unspacedScripts...) || r == 'ー' || r == '\uff70')
}
