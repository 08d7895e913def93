package sqlite

import (
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strings"
)

// mark is a word to highlight, or the beginning of one.
type mark struct {
	text   string
	begins bool
}

func (p phrase) marks() (marks []mark) {
	for i, w := range p.words {
		marks = append(marks, mark{w.text, p.begins && i == len(p.words)-1})
	}
	return marks
}

// highlight adds the member highlight to an encoded item: its title and
// summary as HTML with <mark> around what was looked for.
func highlight(item []byte, marks []mark) ([]byte, error) {
	var in struct{ Title, Summary string }
	if err := json.Unmarshal(item, &in); err != nil {
		return nil, fmt.Errorf("highlight: %w", err)
	}
	out, err := json.Marshal(struct {
		Title   string `json:"title"`
		Summary string `json:"summary"`
	}{markUp(in.Title, marks), markUp(in.Summary, marks)}) // escapes for scripts
	if err != nil {
		return nil, fmt.Errorf("highlight: %w", err)
	}
	whole := append(slices.Clone(item[:len(item)-1]), `,"highlight":`...)
	return append(append(whole, out...), '}'), nil
}

// markUp is s as HTML, marked. Marks that touch or overlap become one.
func markUp(s string, marks []mark) string {
	var b strings.Builder
	done, from, to := 0, 0, 0
	flush := func() {
		if to > from {
			b.WriteString(html.EscapeString(s[done:from]) + "<mark>" + html.EscapeString(s[from:to]) + "</mark>")
			done = to
		}
	}
	for w := range wordsOf(s) {
		if !slices.ContainsFunc(marks, func(m mark) bool { return m.hits(w.text) }) {
			continue
		}
		if w.start > to || to == 0 {
			flush()
			from = w.start
		}
		to = w.end
	}
	flush()
	b.WriteString(html.EscapeString(s[done:]))
	return b.String()
}

func (m mark) hits(word string) bool {
	return word == m.text || m.begins && strings.HasPrefix(word, m.text)
}
