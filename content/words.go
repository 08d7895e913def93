package content

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"stile.example/stile/corpus/words"
)

// The limits of a search (contract.md, Content API).
const (
	maxWords   = 8
	maxWordLen = 64 // characters
)

// Words returns the different words of q as typed, in their order, split as texts are: see
// [words.Typed]. No word can be parsed as syntax. Words
// that differ in case only are one. The error is an [ErrQuery] for more than 8 words, a word of
// more than 64 characters, or a q that is not UTF-8. A q without words has no words and no error.
func Words(q string) ([]string, error) {
	if !utf8.ValidString(q) {
		return nil, ErrQuery{"q", "must be UTF-8"}
	}
	var typed []string
	seen := map[string]bool{}
	for w := range words.Typed(q) {
		if utf8.RuneCountInString(w) > maxWordLen {
			return nil, ErrQuery{"q", fmt.Sprintf("must not have a word of more than %d characters", maxWordLen)}
		}
		key := strings.ToLower(w)
		if seen[key] {
			continue
		}
		if len(typed) == maxWords {
			return nil, ErrQuery{"q", fmt.Sprintf("must have at most %d different words", maxWords)}
		}
		seen[key] = true
		typed = append(typed, w)
	}
	return typed, nil
}

// maxSigns is how many signs of a query are used.
const maxSigns = 8

// Signs returns the different signs of q, as [words.Signs] defines them. A q that is not empty has
// words or signs.
func Signs(q string) []string {
	if !utf8.ValidString(q) {
		return nil // Words reports it
	}
	return words.Signs(maxSigns, q)
}

// Name returns the form in which names are compared: see [words.Name].
func Name(s string) string { return words.Name(s) }
