package words

import (
	"slices"
	"strings"
)

// TitleWord is a word that a title must contain.
type TitleWord struct {
	Text     string
	Also     string // its second spelling, which may be there instead; "" if it has none
	Prefix   bool   // it may be a prefix of a word
	Unspaced bool   // it may be anywhere in a run without spaces
}

// TitleWords splits a typed word, which may be in several scripts, into the words that a title must
// contain.
func TitleWords(typed string) (words []TitleWord) {
	for run := range runsOf(typed) {
		text := caseFold(run.Text)
		if text == "" {
			continue
		}
		w := TitleWord{Text: text, Prefix: run.Unspaced, Unspaced: run.Unspaced}
		if !run.Unspaced {
			w.Also = respell(run.Text)
		}
		words = append(words, w)
	}
	return words
}

// SignWords returns signs as words that a title must contain.
func SignWords(signs []string) (words []TitleWord) {
	for _, s := range signs {
		words = append(words, TitleWord{Text: s})
	}
	return words
}

// Spellings returns a word for each of its spellings.
func (w TitleWord) Spellings() []TitleWord {
	if w.Also == "" {
		return []TitleWord{w}
	}
	other := w
	w.Also, other.Text, other.Also = "", w.Also, ""
	return []TitleWord{w, other}
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

// IsEnough reports whether words may be completed: they have at least two characters, or a symbol,
// or one character of a script without spaces. Characters are counted after folding, so case and
// accents make no difference. A mark belongs to the character before it.
func IsEnough(words []TitleWord) bool {
	n := 0
	for _, w := range words {
		for _, r := range w.Text {
			if isMark(r) {
				continue
			}
			if n++; n == 2 || w.Unspaced || isSymbol(r) {
				return true
			}
		}
	}
	return false
}

// AllIn reports whether a title contains all words. It must be folded by [FoldLine], and the words
// of [Also] may follow.
func AllIn(title string, words []TitleWord) bool {
	title = " " + title + " "
	return !slices.ContainsFunc(words, func(w TitleWord) bool { return !w.in(title) })
}

// in reports whether a folded title, with spaces around it, contains the word.
func (w TitleWord) in(title string) bool {
	return w.isIn(title, w.Text) || w.Also != "" && w.isIn(title, w.Also)
}

func (w TitleWord) isIn(title, text string) bool {
	if !w.Unspaced {
		text = " " + text
		if !w.Prefix {
			text += " "
		}
	}
	return strings.Contains(title, text)
}
