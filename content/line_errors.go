package content

import (
	"fmt"
	"strings"
)

// LineError is an error at a line of an import. Its text is FILE:LINE: and the problem, as
// compilers write it.
type LineError struct {
	File    string // as the operator wrote it, or the file in that folder
	Line    int    // from 1; 0 if there are no lines
	Problem string
}

func (e LineError) Error() string { return e.Where() + ": " + e.Problem }

// Where returns the file, and the line if there is one.
func (e LineError) Where() string {
	if e.Line == 0 {
		return e.File
	}
	return fmt.Sprintf("%s:%d", e.File, e.Line)
}

// maxLineErrors is the maximum number of errors that are collected, enough to see a pattern.
const maxLineErrors = 20

// LineErrors are the first errors of an import, in the order of the source.
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
		fmt.Fprintf(&b, "\nstopped after %d errors; there may be more", maxLineErrors)
	}
	return b.String()
}

// Unwrap makes errors.As find the [LineError]s.
func (f LineErrors) Unwrap() []error {
	errs := make([]error, len(f))
	for i, e := range f {
		errs[i] = e
	}
	return errs
}

// CutOffError says that a source can't be read after a line, so that it is unknown what is lost.
// SkipInvalid does not omit that.
type CutOffError struct {
	LineErrors     // the first errors of the source, with the one that ends it
	After      int // the line of the last item that was read; 0 if it is unknown
}

func (e CutOffError) Unwrap() error { return e.LineErrors }

// restError is the error of a record after which the next one can't be found.
type restError struct{ error }

func (e restError) Unwrap() error { return e.error }
