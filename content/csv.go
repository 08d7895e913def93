package content

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"stile.example/stile/content/table"
	"stile.example/stile/corpus/words"
)

// csvRecords reads a table: a header with names, then one record for each item. Tags are separated
// by |. A column that is not a field is an attribute.
func csvRecords(file string, r *bufio.Reader) iter.Seq[record] {
	return func(yield func(record) bool) {
		t := table.New(r, maxLine)
		names, line, err := t.Next()
		if err == io.EOF {
			err = errNoItems
		} else if err == nil {
			names = header(names)
			err = checkHeader(names, t.Separator)
		}
		rows := 0
		for ; err == nil; rows++ {
			var cells []string
			if cells, line, err = t.Next(); err == nil &&
				!yield(record{sourcePos{file: file, line: line}, func() (Item, error) { return row(names, cells) }}) {
				return
			}
		}
		if err != io.EOF || rows == 1 {
			yield(endOfTable(sourcePos{file: file, line: line}, err))
		}
	}
}

// endOfTable returns a record with the error that ends a table, or for io.EOF, with that of a table
// without rows.
func endOfTable(at sourcePos, err error) record {
	switch {
	case err == io.EOF:
		return bad(sourcePos{file: at.file, line: 1}, fmt.Errorf("%w, only the names of the columns", errNoItems))
	case errors.Is(err, table.ErrRead):
		return bad(at, brokenError{fmt.Errorf("read %s: %w", at.file, source(err))})
	}
	return bad(at, restError{err}) // the start of the next record is unknown
}

// source returns the error of the source alone.
func source(err error) error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return all.Unwrap()[1]
	}
	return err
}

// header returns the names of the columns as stile compares them. A field may be written with
// capitals and blanks, as in Published At.
func header(cells []string) []string {
	names := make([]string, len(cells))
	for i, cell := range cells {
		names[i] = words.Name(strings.TrimSpace(cell))
		field := strings.ReplaceAll(strings.ToLower(names[i]), " ", "_")
		if slices.Contains(members, field) {
			names[i] = field
		}
	}
	return names
}

func checkHeader(names []string, separator byte) error {
	for i, name := range names {
		switch {
		case name == "":
			return fmt.Errorf("column %d has no name", i+1)
		case name == "attributes":
			return errors.New("column attributes is not allowed: each attribute is a column of its own")
		case !utf8.ValidString(name):
			return fmt.Errorf("the name of column %d: %w", i+1, errCSVEncoding)
		case slices.Contains(names[:i], name):
			return fmt.Errorf("column %s is repeated: columns %d and %d have that name", quote(name), slices.Index(names, name)+1, i+1)
		}
	}
	var missing, rename []string
	for _, need := range []string{"id", "title"} {
		if !slices.Contains(names, need) {
			missing, rename = append(missing, "column "+need), append(rename, "one to "+need)
		}
	}
	if missing == nil {
		return nil
	}
	return fmt.Errorf("missing %s: rename %s in the first line, which must have the names of the columns, separated by commas, semicolons or tabs, and is %s",
		strings.Join(missing, " and "), strings.Join(rename, " and "), quote(strings.Join(names, string(separator))))
}

var errNoItems = errors.New("the file has no items")

var errCSVEncoding = errors.New(`must be UTF-8; in Excel, save the file as "CSV UTF-8"`)

// row makes an item of a row, which may be shorter than the header: the table has dropped blank
// cells at its end, and Excel leaves them out in some rows.
func row(header, cells []string) (it Item, err error) {
	if len(cells) > len(header) {
		return it, fmt.Errorf("must have at most %d fields, as the header has, not %d", len(header), len(cells))
	}
	for i, cell := range cells {
		name := header[i]
		if !utf8.ValidString(cell) {
			return it, fmt.Errorf("%s: %w", name, errCSVEncoding)
		}
		known, err := set(&it, name, cell)
		switch {
		case err != nil:
			return it, err
		case known || cell == "":
		case name == "tags":
			it.Tags = strings.Split(cell, "|")
		default:
			it.attribute(name, cell)
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
