// Package spelling finds the words of a corpus that a mistyped word may mean: those within a small
// distance. It is pure: package corpus reads the words, and decides which of them fits the other
// words of a query.
//
// The distance is optimal string alignment: the number of letters inserted, removed or replaced,
// and of adjacent letters exchanged, where no letter is edited twice.
package spelling

import (
	"cmp"
	"math/bits"
	"slices"
	"unicode"
	"unicode/utf8"
)

const (
	oneFrom, twoFrom = 4, 8   // letters from which a word may have one mistake, or two
	prefixFrom       = 5      // letters from which the start of a word may have a mistake
	minLetters       = 3      // of a word that can be meant: the shortest with a mistake has one more
	maxLetters       = 32     // of a mistyped word: a longer one is not corrected
	maxBytes         = 1 << 8 // of a word in an index
)

// Word is a word of the corpus, folded, and how many items have it.
type Word struct {
	Text  string
	Items int
}

// Candidate is a word that a mistyped one may mean.
type Candidate struct {
	Word
	Distance int
	Prefix   bool // Text is the start of words. Items counts their items, each for every such word

	cost int // of the edits, in tenths: lower is more plausible
}

// Budget returns how many mistakes a word may have: none if it is short, or contains anything but
// letters and the marks on them.
func Budget(word string) int {
	if !isLetters(word) {
		return 0
	}
	switch n := utf8.RuneCountInString(word); {
	case n < oneFrom || n > maxLetters:
		return 0
	case n < twoFrom:
		return 1
	}
	return 2
}

func isLetters(word string) bool {
	for _, r := range word {
		if !unicode.IsLetter(r) && !unicode.Is(unicode.Mark, r) {
			return false
		}
	}
	return true
}

// Near returns the words within the budget of a mistyped one, the best first. If the mistyped word
// may be the start of a word, so may the candidates. The items of a word that is in several indexes
// are added up.
func Near(typed string, mayStart bool, in ...*Index) []Candidate {
	most := Budget(typed)
	if most == 0 {
		return nil
	}
	w := walk{typed: []rune(typed), most: most}
	w.starts = mayStart && len(w.typed) >= prefixFrom
	for _, x := range in {
		w.over(x)
	}
	found := make([]Candidate, 0, len(w.found))
	for key, c := range w.found {
		c.Text, c.Prefix = key.text, key.prefix
		c.cost = costOf(w.typed, []rune(c.Text))
		found = append(found, c)
	}
	slices.SortFunc(found, byLikelihood)
	return found
}

// byLikelihood orders by distance, where a start counts as one mistake more than a whole word. Then
// it orders by how plausible the edits are and how frequent the word is: twice as frequent makes up
// for a tenth of an edit.
func byLikelihood(a, b Candidate) int {
	return cmp.Or(cmp.Compare(a.mistakes(), b.mistakes()), cmp.Compare(a.unlikely(), b.unlikely()),
		cmp.Compare(b.Items, a.Items), cmp.Compare(a.Text, b.Text))
}

func (c Candidate) mistakes() int {
	if c.Prefix {
		return c.Distance + 1
	}
	return c.Distance
}

func (c Candidate) unlikely() int { return c.cost - bits.Len(uint(c.Items)) }
