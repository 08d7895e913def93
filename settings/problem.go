package settings

import (
	"fmt"
	"strings"
)

// Problem is one invalid setting, and where it is.
type Problem struct {
	Where   string `json:"where"` // FILE:LINE, an environment variable or a flag
	Key     string `json:"key"`   // dotted name, or ""
	Problem string `json:"problem"`
	Allowed string `json:"allowed,omitempty"`
}

// Error returns "WHERE: key: problem; allowed: …".
func (f Problem) Error() string {
	var b strings.Builder
	for _, part := range []string{f.Where, f.Key} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	b.WriteString(f.Problem)
	if f.Allowed != "" {
		b.WriteString("; allowed: " + f.Allowed)
	}
	return b.String()
}

// Problems lists every problem of the settings, in the order of the sources.
type Problems []Problem

func (fs Problems) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// unknown returns the problem of a name that does not exist.
func unknown(where, name string) Problem {
	f := Problem{Where: where, Key: name, Problem: "unknown setting"}
	if section(name) {
		f.Problem = "is a section: its settings must be below it"
	} else if near := nearest(name); near != "" {
		f.Problem += fmt.Sprintf("; did you mean %s?", near)
	} else {
		f.Problem += "; `stile help settings` lists all settings"
	}
	return f
}

// nearest returns the key that name is probably a misspelling of, or "".
func nearest(name string) (best string) {
	least := 1 + max(2, len(name)/5)
	for _, k := range table {
		last := k.Name[strings.LastIndexByte(k.Name, '.')+1:]
		d := distance(name, k.Name)
		if last == name { // the right name in the wrong section
			d = 1
		}
		if d < least {
			best, least = k.Name, d
		}
	}
	return best
}

// distance returns the number of letters to insert, delete or replace (Levenshtein). A name longer
// than any key is far from all of them.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal, row[j+1] = row[j+1], min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
