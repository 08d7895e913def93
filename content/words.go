package content

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"stile.example/stile/corpus/words"
)

// The limits of a search (contract.md, Content API), in characters.
const (
	maxWordLen  = 64
	maxQueryLen = 512
)

// Words returns the different words of q as typed, in their order, split as texts are: see
// [words.Typed]. No word can be parsed as syntax. Words that differ in case only are one. The error
// is an [ErrQuery] for a word of more than 64 characters, more than 512 characters in all, or a q
// that is not UTF-8. A q without words has no words and no error.
func Words(q string) ([]string, error) {
	if !utf8.ValidString(q) {
		return nil, ErrQuery{"q", "must be UTF-8"}
	}
	if len(q) > maxQueryLen && utf8.RuneCountInString(q) > maxQueryLen {
		return nil, ErrQuery{"q", fmt.Sprintf("must have at most %d characters", maxQueryLen)}
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

// Usable returns what [Words] accepts of q, for requests that are sent while somebody types or
// pastes: its beginning, with everything cut that is longer than a word between blanks.
func Usable(q string) string {
	var b strings.Builder
	length, inWord := 0, 0
	for _, r := range strings.ToValidUTF8(q, " ") {
		if inWord++; unicode.IsSpace(r) {
			inWord = 0
		}
		if inWord > maxWordLen {
			continue
		}
		if length++; length > maxQueryLen {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Name returns the form in which names are compared: see [words.Name].
func Name(s string) string { return words.Name(s) }
