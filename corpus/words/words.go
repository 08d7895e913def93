// Package words splits texts into the words that a corpus is indexed and searched by. It folds
// them, so that case, accents and invisible characters make no difference, and highlights them in a
// text. Queries are split by the same functions as texts. It has no SQL and does no I/O.
package words

import (
	"iter"
	"slices"
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

// Typed yields the words of a query as they are typed: runs of characters that can be in words, and
// acronyms, such as U.S.A, as one word. [PhraseOf] says how they are found. Runs of nothing but
// accents are omitted.
func Typed(q string) iter.Seq[string] {
	return func(yield func(string) bool) {
		var acronyms []sign
		for s := range signsOf(q) {
			if s.kind == acronym {
				acronyms = append(acronyms, s)
			}
		}
		start := -1
		for i := 0; i <= len(q); {
			if len(acronyms) > 0 && i == acronyms[0].Start {
				if !yield(q[i:acronyms[0].End]) {
					return
				}
				i, start, acronyms = acronyms[0].End, -1, acronyms[1:]
				continue
			}
			r, n := utf8.DecodeRuneInString(q[i:])
			if start >= 0 && !inWord(r) && !isInvisible(r) {
				if hasWord(q[start:i]) && !yield(q[start:i]) {
					return
				}
				start = -1
			} else if start < 0 && inWord(r) {
				start = i
			}
			i += max(n, 1)
		}
	}
}

// Indexed returns everything that a text is found by, with spaces between: its words, then the
// words of [Also].
func Indexed(text string) string {
	also := Also(text)
	if len(also) == 0 {
		return Join(text)
	}
	return strings.TrimPrefix(Join(text)+" "+strings.Join(also, " "), " ")
}

// Also returns the words by which a text is found in addition to its own, each once: second
// spellings, acronyms and signs.
func Also(text string) (also []string) {
	for w := range alsoOf(text) {
		if !slices.Contains(also, w.Text) {
			also = append(also, w.Text)
		}
	}
	return also
}

// alsoOf yields the words of [Also], where they are in the text.
func alsoOf(text string) iter.Seq[Word] {
	return func(yield func(Word) bool) {
		for w := range secondSpellings(text) {
			if !yield(w) {
				return
			}
		}
		for s := range signsOf(text) {
			if !yield(s.Word) {
				return
			}
		}
	}
}

// AlsoStarts yields the words of [Also], and whether each is of the first word of the title, or
// before it.
func AlsoStarts(title string) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		first := len(title)
		for w := range Of(title) {
			first = w.Start
			break
		}
		for w := range alsoOf(title) {
			if !yield(w.Text, w.Start <= first) {
				return
			}
		}
	}
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
			if isInvisible(r) {
				continue
			}
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
	return unicode.In(r, unicode.Letter, unicode.Number, unicode.Mark) && !isInvisible(r)
}

// isMark reports whether a character belongs to the one before it. Unicode counts the halfwidth
// sound marks of Japanese as letters, and also the vowels and finals that decomposed Korean has.
func isMark(r rune) bool {
	return r >= 0x300 && (unicode.Is(unicode.Mark, r) || isInvisible(r) || r == '\uff9e' || r == '\uff9f' ||
		0x1160 <= r && r <= 0x11ff || 0xd7b0 <= r && r <= 0xd7ff)
}

var unspacedScripts = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
}

// isUnspaced reports whether a character belongs to a script without spaces.
func isUnspaced(r rune) bool {
	return r >= 0xe00 && (unicode.In(r, unspacedScripts...) || r == 'ー' || r == '\uff70')
}
