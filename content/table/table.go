// Package table reads tables as text: CSV (RFC 4180), and what spreadsheets write under that name.
// It recognises the separator, leaves out rows and columns without content, and keeps the lines of
// the file.
package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Table is a table that is read row by row. The size of a row is limited.
type Table struct {
	Separator byte // , or ; or a tab

	csv     *csv.Reader
	limit   *limitReader
	maxRow  int
	skipped int // lines in front of what csv reads
	line    int // where the next row begins, unless empty lines are in front of it
}

// maxCells bounds the cells of a row. Each takes 40 bytes, however short it is.
const maxCells = 100_000

// ErrRead wraps errors of the source, which are not errors in the table.
var ErrRead = errors.New("read")

// New returns the table in r, which must be UTF-8 without a byte order mark. No row may have more
// than maxRow bytes.
func New(r *bufio.Reader, maxRow int) *Table {
	t := &Table{maxRow: maxRow, line: 1}
	head, _ := r.Peek(64 << 10) // or fewer
	if named, length := separatorLine(head); named != 0 {
		t.Separator, t.skipped = named, 1
		_, _ = r.Discard(length) // Peek has read it
		head = head[length:]
	} else {
		t.Separator = separator(firstRow(head))
	}
	var source io.Reader = r
	if oldMac(head) {
		source = newlines{r}
	}
	t.limit = &limitReader{r: source, separator: t.Separator, tooLong: fmt.Errorf(
		"record has more than %d bytes or %d separators; a closing quote may be missing", maxRow, maxCells)}
	t.csv = csv.NewReader(t.limit)
	t.csv.Comma = rune(t.Separator)
	t.csv.FieldsPerRecord = -1 // rows may be shorter
	return t
}

// Next returns the next row that is not blank, without blank cells at its end, and the line on
// which it begins. The error is io.EOF at the end. After any error, the table can't be read
// further.
func (t *Table) Next() (cells []string, line int, err error) {
	for {
		if cells, line, err = t.next(); err != nil {
			return nil, line, err
		}
		end := len(cells)
		for end > 0 && strings.TrimSpace(cells[end-1]) == "" {
			end--
		}
		if end > 0 {
			return cells[:end], line, nil
		}
	}
}

func (t *Table) next() ([]string, int, error) {
	t.limit.bytes, t.limit.separators = t.maxRow+4<<10, maxCells // the reader reads 4 KiB ahead
	cells, err := t.csv.Read()
	line := t.line + t.skipped
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		line = e.StartLine + t.skipped
		return nil, line, fmt.Errorf("invalid CSV: line %d, column %d: %w", e.Line+t.skipped, e.Column, e.Err)
	}
	if err != nil && err != io.EOF && err != t.limit.tooLong {
		err = fmt.Errorf("%w: %w", ErrRead, err)
	}
	if err != nil {
		return nil, line, err
	}
	first, _ := t.csv.FieldPos(0)
	last, _ := t.csv.FieldPos(len(cells) - 1)
	t.line = last + strings.Count(cells[len(cells)-1], "\n") + 1
	return cells, first + t.skipped, nil
}

// separatorLine returns the separator that Excel's first line, such as sep=; names, and the length
// of that line. It returns 0 if there is no such line.
func separatorLine(head []byte) (byte, int) {
	end := bytes.IndexAny(head, "\r\n")
	if end < 0 {
		return 0, 0
	}
	line := strings.ToLower(strings.Trim(string(head[:end]), `" `))
	if name, found := strings.CutPrefix(line, "sep="); found && len(name) == 1 && strings.Contains(",;\t", name) {
		length := end + 1
		if bytes.HasPrefix(head[end:], []byte("\r\n")) {
			length++
		}
		return name[0], length
	}
	return 0, 0
}

// firstRow returns the first row that is not empty, without the contents of quotes.
func firstRow(head []byte) []byte {
	var row []byte
	quoted := false
	for _, c := range head {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c != '\r' && c != '\n':
			row = append(row, c)
		case len(row) > 0:
			return row
		}
	}
	return row
}

// separator returns the separator that a header has most often.
func separator(header []byte) byte {
	best := byte(',')
	for _, c := range []byte(";\t") {
		if bytes.Count(header, []byte{c}) > bytes.Count(header, []byte{best}) {
			best = c
		}
	}
	return best
}

// oldMac reports whether lines end with a carriage return alone.
func oldMac(head []byte) bool {
	i := bytes.IndexAny(head, "\r\n")
	return i >= 0 && i+1 < len(head) && head[i] == '\r' && head[i+1] != '\n'
}

// newlines makes a line break of each carriage return, in place.
type newlines struct{ r io.Reader }

func (n newlines) Read(p []byte) (int, error) {
	length, err := n.r.Read(p)
	for i := range p[:length] {
		if p[i] == '\r' {
			p[i] = '\n'
		}
	}
	return length, err
}

// limitReader returns a limited number of bytes and separators.
type limitReader struct {
	r                 io.Reader
	separator         byte
	bytes, separators int
	tooLong           error
}

func (a *limitReader) Read(p []byte) (int, error) {
	if a.bytes <= 0 || a.separators <= 0 {
		return 0, a.tooLong
	}
	n, err := a.r.Read(p[:min(len(p), a.bytes)])
	a.bytes -= n
	a.separators -= bytes.Count(p[:n], []byte{a.separator})
	return n, err
}
