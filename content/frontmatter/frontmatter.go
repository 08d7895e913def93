// Package frontmatter reads the names and values at the start of a Markdown file: YAML, TOML and
// JSON, as Hugo, Jekyll, Docusaurus and Obsidian write them. It finds where they end, decodes them
// with their lines, and translates their names to the fields of an item.
//
// Text is never taken for front matter, nor front matter for text: a file that looks like one and
// is not is refused. Another package checks the fields of an item.
package frontmatter

import (
	"bytes"
	"errors"
	"fmt"
)

// Field is a name with its value. Value is nil, a [Scalar], or a list ([]any) or an object
// (map[string]any) of these.
type Field struct {
	Name  string
	Value any
	Line  int // in the file, from 1
}

// Scalar is a single value. Value is a string, a bool, a float64 or a [time.Time].
type Scalar struct {
	Text  string // as the file has it: 1.10 and 007 are texts where a text is wanted
	Value any
}

// Error is an error on a line of the file.
type Error struct {
	Line int
	Err  error
}

func (e Error) Error() string { return e.Err.Error() }

// Unwrap returns the error without its line.
func (e Error) Unwrap() error { return e.Err }

func errorAt(line int, format string, args ...any) error {
	return Error{line, fmt.Errorf(format, args...)}
}

// MaxSize is the maximum size of front matter in bytes, with its fences.
const MaxSize = 128 << 10

// Read returns the fields and the text after them. A source without front matter is all text.
// Errors are of type [Error]. The source must be UTF-8 with line breaks as in Unix, without a byte
// order mark.
func Read(source []byte) (fields []Field, text []byte, err error) {
	b, err := find(source)
	if err != nil || b == nil {
		return nil, source, err
	}
	if len(b.source) > MaxSize {
		return nil, nil, errorAt(b.line, "front matter: must be at most %d bytes", MaxSize)
	}
	if fields, err = b.decode(); err != nil {
		if _, hasLine := errors.AsType[Error](err); !hasLine {
			err = Error{b.line, err}
		}
		return nil, nil, err
	}
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.Name] {
			return nil, nil, errorAt(f.Line, "front matter: %s is repeated", quote(f.Name))
		}
		seen[f.Name] = true
	}
	return fields, b.text, nil
}

// lineAt returns the line of an offset in the source.
func lineAt(source []byte, offset int) int {
	return 1 + bytes.Count(source[:min(max(offset, 0), len(source))], []byte("\n"))
}

// quote returns a text from a file for a message: shortened, and with characters escaped that could
// move a terminal's cursor.
func quote(s string) string {
	if r := []rune(s[:min(len(s), 400)]); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
