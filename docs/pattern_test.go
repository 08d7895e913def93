package docs_test

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
)

// A pattern is a regular expression that ignores case. Few passages contain what it requires, and
// the expression is tried on these only: with the race detector, it takes long.
type pattern struct {
	text     string
	re       *regexp.Regexp
	required []string // every match contains one of these in lower case; nil: not known
}

func newPattern(text string) pattern {
	re := regexp.MustCompile("(?i)" + text)
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		panic(err)
	}
	return pattern{text, re, required(parsed)}
}

// required returns texts in lower case of which every match contains one, or nil.
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{strings.ToLower(string(re.Rune))}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			texts := required(sub)
			if texts == nil {
				return nil
			}
			all = append(all, texts...)
		}
		return all
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if texts := required(sub); texts != nil && (best == nil || shortest(texts) > shortest(best)) {
				best = texts
			}
		}
		return best
	}
	return nil
}

// shortest returns the length of the shortest text.
func shortest(texts []string) int {
	n := len(texts[0])
	for _, text := range texts {
		n = min(n, len(text))
	}
	return n
}

// mayMatch reports whether a text in lower case has what the pattern requires.
func (p pattern) mayMatch(lower string) bool {
	return p.required == nil ||
		slices.ContainsFunc(p.required, func(text string) bool { return strings.Contains(lower, text) })
}

// blank replaces each match by as many spaces, so that offsets into the text remain valid.
func (p pattern) blank(text string) string {
	if !p.mayMatch(strings.ToLower(text)) {
		return text
	}
	return p.re.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat(" ", len(s)) })
}

// TestRequired checks what patterns require.
func TestRequired(t *testing.T) {
	for text, want := range map[string][]string{
		`\banew\b`:                   {"anew"},
		`\bdear(er|est)?\b`:          {"dear"},
		`one( two)? three|four`:      {" three", "four"},
		`(has|have) leave`:           {" leave"},
		`the (foo|ba[rz])`:           {"the "},
		`(^|[.!] )(?-i:Who) [^?]*\.`: {"who "},
		`a|b*`:                       nil,
		"``.+?``|`[^`]+`":            {"`"},
	} {
		if got := newPattern(text).required; !slices.Equal(got, want) {
			t.Errorf("%s requires %q, want %q", text, got, want)
		}
	}
}
