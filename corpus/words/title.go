package words

import (
	"slices"
	"strings"
)

// TitleWord is a word that a title must contain.
type TitleWord struct {
	Text     string
	Prefix   bool // it may be a prefix of a word
	Unspaced bool // it may be anywhere in a run without spaces
}

// TitleWords splits a typed word, which may be in several scripts, into the words that a title must
// contain.
func TitleWords(typed string) (words []TitleWord) {
	for run := range runsOf(typed) {
		if text := caseFold(run.Text); text != "" {
			words = append(words, TitleWord{text, run.Unspaced, run.Unspaced})
		}
	}
	return words
}

// AppendNew appends those of more that are not among the words.
func AppendNew(words []TitleWord, more ...TitleWord) []TitleWord {
	for _, w := range more {
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}

// PrefixLast lets the last word be a prefix, in place, and returns the words.
func PrefixLast(words []TitleWord) []TitleWord {
	if n := len(words); n > 0 {
		words[n-1].Prefix = true
	}
	return words
}

// IsEnough reports whether words may be completed: they have at least two characters, or one of a
// script without spaces. Characters are counted after folding, so case and accents make no
// difference. A mark belongs to the character before it.
func IsEnough(words []TitleWord) bool {
	n := 0
	for _, w := range words {
		for _, r := range w.Text {
			if isMark(r) {
				continue
			}
			if n++; n == 2 || w.Unspaced {
				return true
			}
		}
	}
	return false
}

// AllIn reports whether a title contains all words. It must be folded by [FoldLine].
func AllIn(title string, words []TitleWord) bool {
	title = " " + title + " "
	return !slices.ContainsFunc(words, func(w TitleWord) bool { return !w.in(title) })
}

// in reports whether a folded title, with spaces around it, contains the word.
func (w TitleWord) in(title string) bool {
	text := w.Text
	if !w.Unspaced {
		text = " " + text
		if !w.Prefix {
			text += " "
		}
	}
	return strings.Contains(title, text)
}
