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

// Words returns the different words of q as typed, in their order: runs of letters, digits and the
// marks on them. All other characters separate words, so no word can be parsed as syntax. Words
// that differ in case only are one. The error is an [ErrQuery] for more than 8 words, a word of
// more than 64 characters, or a q that is not UTF-8. A q without words has no words and no error.
func Words(q string) ([]string, error) {
	if !utf8.ValidString(q) {
		return nil, ErrQuery{"q", "must be UTF-8"}
	}
	var words []string
	seen := map[string]bool{}
	for w := range strings.FieldsFuncSeq(q, separates) {
		if utf8.RuneCountInString(w) > maxWordLen {
			return nil, ErrQuery{"q", fmt.Sprintf("must not have a word of more than %d characters", maxWordLen)}
		}
		key := strings.ToLower(w)
		if seen[key] {
			continue
		}
		if len(words) == maxWords {
			return nil, ErrQuery{"q", fmt.Sprintf("must have at most %d different words", maxWords)}
		}
		seen[key] = true
		words = append(words, w)
	}
	return words, nil
}

func separates(r rune) bool {
	return !unicode.In(r, unicode.Letter, unicode.Number, unicode.Mark)
}
