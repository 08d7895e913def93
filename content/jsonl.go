package content

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// maxLine is the maximum length of a line of JSONL. It also bounds records of CSV, and Markdown
// files.
const maxLine = 1 << 20

// jsonLines reads JSONL: one JSON object per line. Empty lines are skipped.
func jsonLines(file string, r *bufio.Reader) iter.Seq[record] {
	return func(yield func(record) bool) {
		for n := 1; ; n++ {
			line, err := readLine(r)
			at := sourcePos{file, n}
			if long, ok := errors.AsType[longLine](err); ok {
				if !yield(bad(at, long)) {
					return
				}
				continue
			}
			if err != nil {
				if err != io.EOF {
					yield(bad(at, brokenError{fmt.Errorf("read %s: %w", file, err)}))
				}
				return
			}
			if len(bytes.TrimSpace(line)) > 0 && !yield(record{at, func() (Item, error) { return DecodeItem(line) }}) {
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
