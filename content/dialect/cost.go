// Package dialect prepares the text of a Markdown file for the parser of GitHub's dialect. It
// refuses texts that would take minutes or much memory, and replaces what other programs write into
// their pages and do not show, such as the comments of Obsidian.
package dialect

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
)

// Limits of what a parser may be given. Authors do not reach them.
const (
	maxBrackets = 20_000  // [ in a file
	maxTogether = 1000    // [ without a blank in between
	maxCells    = 200_000 // of tables, 10 bytes each in a body; the parser takes 300 bytes each
	maxEmphasis = 10_000  // runs of * _ ~ without an empty line in between, which take 0.1 s
)

// nested matches a line with quotes and lists 50 deep.
var nested = regexp.MustCompile(`(?m)^(?:[ \t]*(?:>|[-+*][ \t]|[0-9]{1,9}[.)][ \t])){50}`)

// TooCostly returns an error for a text that would take minutes or much memory, and that authors do
// not write: deep nesting, huge tables, and thousands of brackets or signs of emphasis. The line is
// that of the text, from 1, or 0 if the error is about all of it.
func TooCostly(text []byte) (line int, err error) {
	if at := nested.FindIndex(text); at != nil {
		return lineAt(text, at[0]), errors.New("quotes and lists: must be less than 50 deep")
	}
	bracket := []byte("[")
	if bytes.Count(text, bracket) > maxBrackets {
		return 0, fmt.Errorf("file: must have at most %d brackets", maxBrackets)
	}
	for word := range bytes.FieldsSeq(text) {
		if bytes.Count(word, bracket) > maxTogether {
			return 0, fmt.Errorf("brackets: must not be more than %d without a blank in between", maxTogether)
		}
	}
	return costlyBlock(text)
}

// costlyBlock checks the lines between empty ones. The parser's time grows with the square of the
// signs of emphasis in them. A table fills each row up to the columns of its second line, and any
// line may be such a one.
func costlyBlock(text []byte) (int, error) {
	var runs, columns, cells, n int
	for line := range bytes.Lines(text) {
		n++
		if len(bytes.TrimSpace(line)) == 0 {
			runs, columns = 0, 0
			continue
		}
		if runs += emphasis(line); runs > maxEmphasis {
			return n, fmt.Errorf("text: must have at most %d signs of emphasis (* _ ~) without an empty line in between", maxEmphasis)
		}
		if cells += columns; cells > maxCells {
			return n, fmt.Errorf("tables: must have at most %d cells, rows times columns", maxCells)
		}
		columns += columnsOf(line)
	}
	return 0, nil
}

// emphasis returns how many runs of the same sign a line has.
func emphasis(line []byte) (runs int) {
	before := byte(0)
	for _, b := range line {
		if b != before && (b == '*' || b == '_' || b == '~') {
			runs++
		}
		before = b
	}
	return runs
}

// columnsOf returns the number of columns that a line gives to a table, or 0 if it does not.
func columnsOf(line []byte) int {
	line = bytes.Trim(line, " \t\r\n>")
	if len(bytes.Trim(line, "-|: \t")) > 0 || !bytes.ContainsAny(line, "|:") {
		return 0
	}
	return 1 + bytes.Count(bytes.Trim(line, "|"), []byte("|"))
}

func lineAt(text []byte, offset int) int { return 1 + bytes.Count(text[:offset], []byte("\n")) }
