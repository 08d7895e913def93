// Package docs_test checks the language of the project: its words and the width of its lines.
package docs_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxColumns is the width of prose and comments. Tables, code and links may be wider.
const maxColumns = 100

var under = flag.String("under", "", "check only the files whose path begins with `PREFIX`")

// TestWords holds every sentence of the project against the word list in testdata/words.txt:
// Markdown, comments, pages, and string literals that contain a space.
//
// To check a part of the project, give the beginning of the path, from the root:
//
//	go test ./docs -run TestWords -args -under handlers
func TestWords(t *testing.T) {
	list := readWords(t, "testdata/words.txt")
	var found []finding
	for _, file := range sources(t, *under) {
		for _, p := range passagesOf(file) {
			found = append(found, list.check(file.name, p)...)
		}
	}
	report(t, found)
}

// TestWidth holds Markdown prose and comments to maxColumns. It takes the same -under flag as
// TestWords.
func TestWidth(t *testing.T) {
	var found []finding
	for _, file := range sources(t, *under) {
		found = append(found, tooWide(file)...)
	}
	report(t, found)
}

// A finding is a place in the project to be corrected, and how.
type finding struct {
	file   string
	line   int
	advice string
}

// report fails the test if anything was found. It ends with a count for each top-level directory.
func report(t *testing.T, found []finding) {
	t.Helper()
	slices.SortStableFunc(found, func(a, b finding) int {
		return cmp.Or(strings.Compare(a.file, b.file), a.line-b.line)
	})
	counts := map[string]int{}
	for _, f := range found {
		top, _, inDir := strings.Cut(f.file, "/")
		if !inDir {
			top = "(root)"
		}
		counts[top]++
		t.Errorf("%s:%d: %s", f.file, f.line, f.advice)
	}
	for _, top := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[top], top)
	}
	if len(found) > 0 {
		t.Logf("%6d in all", len(found))
	}
}

// A wordList is the content of words.txt.
type wordList struct {
	words   []word
	removed []pattern // ordinary English that the words would match
}

// A word is a pattern that must not occur, and what to write instead.
type word struct {
	pattern
	advice string
}

func readWords(t *testing.T, name string) wordList {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	list := parseWords(string(text))
	if len(list.words) == 0 {
		t.Fatalf("%s contains no words", name)
	}
	return list
}

// parseWords reads one pattern a line. Empty lines, and comments after #, are skipped.
func parseWords(text string) wordList {
	var list wordList
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		text, advice, isWord := strings.Cut(l, "=>")
		p := newPattern(strings.TrimSpace(text))
		if isWord {
			list.words = append(list.words, word{p, strings.TrimSpace(advice)})
		} else {
			list.removed = append(list.removed, p)
		}
	}
	return list
}

// codeSpan matches code in Markdown, and in the comments and strings that use its notation.
var codeSpan = newPattern("``.+?``|`[^`]+`")

// check returns what the list finds in a passage, without its code.
func (list wordList) check(file string, p passage) []finding {
	text := codeSpan.blank(p.text())
	for _, r := range list.removed {
		text = r.blank(text)
	}
	var found []finding
	lower := strings.ToLower(text)
	for _, w := range list.words {
		if !w.mayMatch(lower) {
			continue
		}
		for _, at := range w.re.FindAllStringIndex(text, -1) {
			hit := strings.TrimLeft(text[at[0]:at[1]], ".! ")
			line := p.lineAt(at[1] - len(hit))
			found = append(found, finding{file, line,
				fmt.Sprintf("%q (%s): write %s", shorten(hit), w.text, w.advice)})
		}
	}
	return found
}

// shorten returns the beginning of what was found, without the gaps that blank left.
func shorten(text string) string {
	text = collapse(text)
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}

var (
	directive = regexp.MustCompile(`^\s*//[a-z]+:[a-z]`)
	onlyLinks = regexp.MustCompile(`^[-*>\s]*(!?\[([^\[\]]|!\[[^\]]*\]\([^)]*\))*\]\([^)]*\)[\s,.;:·|—-]*)+$`)
	onlyWord  = regexp.MustCompile(`^\s*([-*>#]+\s+|\d+\.\s+|//\s*)?\S+$`)
)

// tooWide returns the lines of a file that are wider than maxColumns and could be wrapped.
func tooWide(file source) []finding {
	var found []finding
	lines := strings.Split(file.text, "\n")
	for number, isProse := range proseLines(file) {
		line := strings.TrimRight(lines[number-1], "\r ")
		width := utf8.RuneCountInString(line)
		if !isProse || width <= maxColumns || mayBeWide(line) {
			continue
		}
		found = append(found, finding{file.name, number,
			fmt.Sprintf("%d columns: wrap at %d", width, maxColumns)})
	}
	return found
}

// mayBeWide reports whether a line cannot be wrapped, or must not be.
func mayBeWide(line string) bool {
	isHeading := strings.HasPrefix(line, "#") && strings.Contains(line, "](")
	return isHeading || strings.Contains(line, "://") || directive.MatchString(line) ||
		onlyLinks.MatchString(line) || onlyWord.MatchString(line)
}

// proseLines returns the numbers of the lines whose width counts.
func proseLines(file source) map[int]bool {
	numbers := map[int]bool{}
	if file.kind == "html" {
		return nil
	}
	for _, p := range passagesOf(file) {
		if p.isString || p.isTable {
			continue
		}
		for _, l := range p.lines {
			numbers[l.number] = true
		}
	}
	return numbers
}
