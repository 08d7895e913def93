package content

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of a search (contract.md, Content API).
const (
	maxWords   = 8
	maxWordLen = 64 // characters
)

// Words are the different words of q as typed, in their order: runs of
// letters, digits and the marks on them. Everything else separates, so no
// word can be taken for syntax. Words that differ in case alone are one. More
// than 8 words, a word of more than 64 characters and a q that is not UTF-8
// give an [ErrQuery]; a q without words gives none.
func Words(q string) ([]string, error) {
	if !utf8.ValidString(q) {
		return nil, ErrQuery{"q", "is not UTF-8"}
	}
	var words []string
	seen := map[string]bool{}
	for w := range strings.FieldsFuncSeq(q, separates) {
		if utf8.RuneCountInString(w) > maxWordLen {
			return nil, ErrQuery{"q", fmt.Sprintf("has a word of more than %d characters", maxWordLen)}
		}
		key := strings.ToLower(w)
		if seen[key] {
			continue
		}
		if len(words) == maxWords {
			return nil, ErrQuery{"q", fmt.Sprintf("has more than %d different words", maxWords)}
		}
		seen[key] = true
		words = append(words, w)
	}
	return words, nil
}

func separates(r rune) bool {
	return !unicode.In(r, unicode.Letter, unicode.Number, unicode.Mark)
}
