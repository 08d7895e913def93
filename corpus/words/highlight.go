package words

import (
	"cmp"
	"html"
	"iter"
	"slices"
	"strings"
)

// Mark is a word to highlight, or a prefix of words.
type Mark struct {
	Text   string
	Prefix bool
}

// Highlight returns a text as HTML, with <mark> around the marked words. Marks that touch or
// overlap become one.
func Highlight(text string, marks []Mark) string {
	var b strings.Builder
	done, from, to := 0, 0, 0
	flush := func() {
		if to > from {
			b.WriteString(html.EscapeString(text[done:from]))
			b.WriteString("<mark>" + html.EscapeString(text[from:to]) + "</mark>")
			done = to
		}
	}
	for _, w := range matching(text, marks) {
		if w.Start > to || to == 0 {
			flush()
			from = w.Start
		}
		to = max(to, w.End)
	}
	flush()
	b.WriteString(html.EscapeString(text[done:]))
	return b.String()
}

// matching returns the words of a text that are marked, in the order of their starts.
func matching(text string, marks []Mark) (found []Word) {
	for _, all := range []iter.Seq[Word]{Of(text), alsoOf(text)} {
		for w := range all {
			if slices.ContainsFunc(marks, func(m Mark) bool { return m.matches(w.Text) }) {
				found = append(found, w)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Word) int { return cmp.Compare(a.Start, b.Start) })
	return found
}

func (m Mark) matches(word string) bool {
	return word == m.Text || m.Prefix && strings.HasPrefix(word, m.Text)
}
