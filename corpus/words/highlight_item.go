package words

import (
	"encoding/json"
	"fmt"
	"slices"
)

// HighlightItem returns an encoded item with the member highlight added: its title and summary as
// HTML, with <mark> around the words that were searched for.
func HighlightItem(item []byte, marks []Mark) ([]byte, error) {
	var in struct{ Title, Summary string }
	if err := json.Unmarshal(item, &in); err != nil {
		return nil, fmt.Errorf("highlight: %w", err)
	}
	out, err := json.Marshal(struct {
		Title   string `json:"title"`
		Summary string `json:"summary"`
	}{Highlight(in.Title, marks), Highlight(in.Summary, marks)}) // escapes for scripts
	if err != nil {
		return nil, fmt.Errorf("highlight: %w", err)
	}
	whole := append(slices.Clone(item[:len(item)-1]), `,"highlight":`...)
	return append(append(whole, out...), '}'), nil
}
