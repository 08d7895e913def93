// Package printing prints what commands respond with: lines of JSON, tables and cards. Text from
// outside is made safe for a terminal.
package printing

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// JSON prints v as one line.
func JSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Table prints rows under a head, aligned. The cells may contain text from outside, so they are
// made safe: a cell with a line break is quoted too, or it would look like another row.
func Table(w io.Writer, head string, rows [][]string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.ReplaceAll(head, " ", "\t"))
	for _, row := range rows {
		for i := range row {
			if row[i] = Safe(row[i]); strings.Contains(row[i], "\n") {
				row[i] = strconv.Quote(row[i])
			}
		}
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	return tw.Flush()
}

// Card prints names and values, one pair a line.
func Card(w io.Writer, pairs ...string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(tw, "%s\t%s\n", pairs[i], Safe(pairs[i+1]))
	}
	return tw.Flush()
}

// Safe makes text from outside safe to print: a line that contains a control or formatting
// character is quoted, so that a terminal does not interpret it. Line breaks stay.
func Safe(text string) string {
	if strings.Contains(text, "\n") {
		lines := strings.Split(text, "\n")
		for i := range lines {
			lines[i] = Safe(lines[i])
		}
		return strings.Join(lines, "\n")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }) {
		return strconv.Quote(text)
	}
	return text
}

// OrDash returns text, or a dash if it is empty.
func OrDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// Time returns a time as text, or a dash for nil.
func Time(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.RFC3339)
}

// Number returns a number with a comma between thousands.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w any) bool {
	if c, ok := w.(*called); ok {
		w = c.to
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Short returns the first n characters of a text, with an ellipsis if there are more.
func Short(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
