// Package failure says of which kind an operation's error is, so that each caller can respond in
// its own way: a command with its exit code, the admin API with a status. An error without a kind
// is a fault: stile or a dependency failed.
package failure

import (
	"errors"
	"fmt"
)

// Kind is a kind of error.
type Kind int

// The kinds.
const (
	Fault       Kind = iota // not the caller's doing
	Invalid                 // the input is wrong
	NotFound                // what the input names does not exist
	Conflict                // what exists does not allow it, such as a name that is taken
	Forbidden               // the caller's role does not allow it
	Unconfirmed             // the caller must confirm what it would end
	Stale                   // what the caller has seen was changed since
)

// Error is an error of a kind.
type Error struct {
	Kind Kind
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error without its kind.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of a kind, with a text as [fmt.Errorf] makes it.
func New(k Kind, format string, args ...any) error { return &Error{k, fmt.Errorf(format, args...)} }

// Of returns err as an error of a kind, and nil for nil. An error that has a kind keeps it.
func Of(k Kind, err error) error {
	if err == nil || KindOf(err) != Fault {
		return err
	}
	return &Error{k, err}
}

// KindOf returns the kind of an error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Fault
}
