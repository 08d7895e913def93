package content

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"stile.example/stile/corpus/words"
)

// csvRecords reads CSV (RFC 4180): a header with names, then one record for each item. Tags are
// separated by |. A column that is not a field is an attribute.
func csvRecords(file string, r io.Reader) iter.Seq[record] {
	return func(yield func(record) bool) {
		t := newTable(file, r)
		header, at, err := t.next()
		for i, name := range header {
			header[i] = words.Name(strings.TrimSpace(name))
		}
		if err == nil {
			err = checkHeader(header)
		}
		for err == nil {
			var cells []string
			if cells, at, err = t.next(); err == nil && !yield(record{at, func() (Item, error) { return row(header, cells) }}) {
				return
			}
		}
		if err != io.EOF { // after an invalid record, the start of the next one is unknown
			yield(bad(at, err))
		}
	}
}

func checkHeader(names []string) error {
	for i, name := range names {
		switch {
		case name == "":
			return fmt.Errorf("column %d has no name", i+1)
		case name == "attributes":
			return errors.New("column attributes is not allowed: each attribute is a column of its own")
		case !utf8.ValidString(name):
			return fmt.Errorf("the name of column %d: must be UTF-8", i+1)
		case slices.Contains(names[:i], name):
			return fmt.Errorf("column %s is repeated", quote(name))
		}
	}
	for _, need := range []string{"id", "title"} {
		if !slices.Contains(names, need) {
			return fmt.Errorf("column %s is missing: the first line must have the names of the columns, separated by commas, and is %s", need, quote(strings.Join(names, ",")))
		}
	}
	return nil
}

func row(header, cells []string) (it Item, err error) {
	if len(cells) != len(header) {
		return it, fmt.Errorf("must have %d fields, as the header has, not %d", len(header), len(cells))
	}
	for i, name := range header {
		known, err := set(&it, name, cells[i])
		switch {
		case err != nil:
			return it, err
		case known || cells[i] == "":
		case !utf8.ValidString(cells[i]):
			return it, fmt.Errorf("%s: must be UTF-8", name)
		case name == "tags":
			it.Tags = strings.Split(cells[i], "|")
		default:
			it.attribute(name, cells[i])
		}
	}
	return it, nil
}

func (it *Item) attribute(name string, v any) {
	if it.Attributes == nil {
		it.Attributes = map[string]any{}
	}
	it.Attributes[name] = v
}

// table reads records of at most maxLine bytes.
type table struct {
	file  string
	csv   *csv.Reader
	limit *limitReader
	line  int // where the next record begins, unless empty lines are in front of it
}

func newTable(file string, r io.Reader) *table {
	limit := &limitReader{r: r}
	t := &table{file, csv.NewReader(limit), limit, 1}
	t.csv.FieldsPerRecord = -1 // row counts them, with a better message
	return t
}

// next returns the next record and the line on which it begins.
func (t *table) next() ([]string, sourcePos, error) {
	t.limit.bytes, t.limit.commas = maxLine+4<<10, maxCommas // the reader reads 4 KiB ahead
	cells, err := t.csv.Read()
	at := sourcePos{t.file, t.line}
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, sourcePos{t.file, e.StartLine}, fmt.Errorf("invalid CSV: line %d, column %d: %w", e.Line, e.Column, e.Err)
	}
	if err != nil && err != io.EOF && err != errRecordTooLong {
		err = brokenError{fmt.Errorf("read %s: %w", t.file, err)}
	}
	if err != nil {
		return nil, at, err
	}
	at.line, _ = t.csv.FieldPos(0)
	last, _ := t.csv.FieldPos(len(cells) - 1)
	t.line = last + strings.Count(cells[len(cells)-1], "\n") + 1
	return cells, at, nil
}

// maxCommas bounds the fields of a record. Each takes 40 bytes, however short it is.
const maxCommas = 100_000

var errRecordTooLong = fmt.Errorf("record has more than %d bytes or %d commas; a closing quote may be missing", maxLine, maxCommas)

// limitReader returns a limited number of bytes and commas.
type limitReader struct {
	r             io.Reader
	bytes, commas int
}

func (a *limitReader) Read(p []byte) (int, error) {
	if a.bytes <= 0 || a.commas <= 0 {
		return 0, errRecordTooLong
	}
	n, err := a.r.Read(p[:min(len(p), a.bytes)])
	a.bytes -= n
	a.commas -= bytes.Count(p[:n], []byte(","))
	return n, err
}
