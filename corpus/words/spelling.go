package words

import (
	"iter"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// respelled has the second spelling of letters whose first is without the accent: people who lack
// the key write Mueller, and others Muller. Both find Müller. The reverse would not hold: blue is
// not blü. Letters with one spelling, such as ß and æ, are in [caseFoldLetter].
var respelled = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ø", "oe", "å", "aa")

// respell returns the second spelling of a part of one word, folded, or "" if it has none.
func respell(s string) string {
	if isASCII(s) {
		return ""
	}
	s = strings.Map(unicode.ToLower, norm.NFC.String(visible(s)))
	if !strings.ContainsAny(s, "äöüøå") {
		return ""
	}
	return caseFold(respelled.Replace(s))
}

// secondSpellings yields the words of a text that have a second spelling, in it.
func secondSpellings(text string) iter.Seq[Word] {
	return func(yield func(Word) bool) {
		if isASCII(text) {
			return
		}
		for run := range runsOf(text) {
			if run.Unspaced {
				continue
			}
			if run.Text = respell(run.Text); run.Text != "" && !yield(run) {
				return
			}
		}
	}
}
