package content

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"stile.example/stile/content/objects"
)

// maxLine is the maximum length of a line of JSONL, an object in a list, and a record of CSV.
const maxLine = 1 << 20

// jsonRecords reads JSON: one object on each line, or a list of objects.
func jsonRecords(file string, r *bufio.Reader) iter.Seq[record] {
	if objects.OnePerLine(r) {
		return jsonLines(file, r)
	}
	return func(yield func(record) bool) {
		for o := range objects.Split(r, maxLine) {
			if !yield(objectRecord(file, o)) {
				return
			}
		}
	}
}

func objectRecord(file string, o objects.Object) record {
	at := sourcePos{file, o.Line, o.Number}
	if errors.Is(o.Err, objects.ErrRead) {
		return bad(at, brokenError{fmt.Errorf("read %s: %w", file, source(o.Err))})
	}
	if _, tooLong := errors.AsType[objects.TooLong](o.Err); tooLong {
		return bad(at, o.Err)
	}
	if o.Err != nil {
		return bad(at, restError{o.Err})
	}
	return record{at, func() (Item, error) {
		it, err := DecodeItem(o.JSON)
		if e, ok := errors.AsType[syntaxError](err); ok {
			err = e.inFile(o)
		}
		return it, err
	}}
}

// inFile returns the error with the line and the column of the file.
func (e syntaxError) inFile(o objects.Object) error {
	before := o.JSON[:min(max(e.column-1, 0), len(o.JSON))]
	line := o.Line + bytes.Count(before, []byte("\n"))
	if i := bytes.LastIndexByte(before, '\n'); i >= 0 {
		e.column -= i + 1
	} else {
		e.column += o.Column
	}
	return atLine{line, e}
}

// jsonLines reads JSONL: one JSON object per line. Empty lines are skipped.
func jsonLines(file string, r *bufio.Reader) iter.Seq[record] {
	return func(yield func(record) bool) {
		empty := true
		for n := 1; ; n++ {
			line, err := readLine(r)
			at := sourcePos{file: file, line: n}
			if long, ok := errors.AsType[longLine](err); ok {
				empty = false
				if !yield(bad(at, long)) {
					return
				}
				continue
			}
			switch {
			case err == io.EOF && empty:
				yield(bad(sourcePos{file: file, line: 1}, errNoItems))
				return
			case err == io.EOF:
				return
			case err != nil:
				yield(bad(at, brokenError{fmt.Errorf("read %s: %w", file, err)}))
				return
			case len(bytes.TrimSpace(line)) == 0:
				continue
			}
			empty = false
			if !yield(record{at, func() (Item, error) { return DecodeItem(line) }}) {
				return
			}
		}
	}
}

// bad returns a record that could not be read.
func bad(at sourcePos, err error) record {
	return record{at, func() (Item, error) { return Item{}, err }}
}

type longLine int64

func (n longLine) Error() string {
	return fmt.Sprintf("line: must be at most %[2]d bytes, not %[1]d; write one item per line", int64(n), maxLine)
}

// readLine returns the next line, with its end if it has one. It never holds more than the maximum:
// it reads and drops the rest of a longer line.
func readLine(r *bufio.Reader) (line []byte, err error) {
	var length int64
	for {
		part, err := r.ReadSlice('\n')
		if length += int64(len(part)); length <= maxLine {
			line = append(line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err != nil && (err != io.EOF || length == 0):
			return nil, err
		case length > maxLine:
			return nil, longLine(length)
		}
		return line, nil
	}
}
