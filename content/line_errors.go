package content

import (
	"fmt"
	"strings"
)

// LineError is what is wrong at a place of what is imported. Its text is
// FILE:LINE: and the problem, as compilers write it.
type LineError struct {
	File    string // as it was named, or the file in the folder that was
	Line    int    // from 1; 0 where there are no lines
	Problem string
}

func (e LineError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
}

// maxLineErrors is how many faults are looked for: enough to see a pattern.
const maxLineErrors = 20

// LineErrors are the first faults of an import, in the order of the source.
type LineErrors []LineError

func (f LineErrors) Error() string {
	var b strings.Builder
	for i, e := range f {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Error())
	}
	if len(f) == maxLineErrors {
		fmt.Fprintf(&b, "\nand maybe more: reading stopped after %d", maxLineErrors)
	}
	return b.String()
}

// Unwrap lets errors.As find the [LineError]s.
func (f LineErrors) Unwrap() []error {
	errs := make([]error, len(f))
	for i, e := range f {
		errs[i] = e
	}
	return errs
}
