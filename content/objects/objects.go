// Package objects splits a JSON text into the objects of a list, without holding more than one of
// them. The list is the whole text, or a member of an object around it; or the objects follow one
// another, as pretty-printers write them. Texts with one object a line are left to the caller.
package objects

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Object is one object of a text.
type Object struct {
	JSON   []byte // not validated, except that its brackets and quotes are closed
	Line   int    // where it begins
	Column int    // bytes in front of it on that line
	Number int    // from 1
	// Err is set instead of JSON. The text can't be read further if it is not a [TooLong].
	Err error
}

// TooLong is the error for an object of more than the maximum number of bytes.
type TooLong struct{ Length, Max int }

func (e TooLong) Error() string {
	return fmt.Sprintf("must be at most %d bytes, not %d", e.Max, e.Length)
}

// ErrRead wraps errors of the source, which are not errors in the text.
var ErrRead = errors.New("read")

// Split yields the objects of a text for which [OnePerLine] is false, each of at most maxLen bytes.
func Split(r *bufio.Reader, maxLen int) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		s := &splitter{scanner: scanner{r: r, line: 1}, maxLen: maxLen, yield: yield}
		err := s.text()
		if err != nil && err != errStopped {
			yield(Object{Line: s.line, Column: s.column, Err: err})
		}
	}
}

// errStopped says that the caller wants no more objects.
var errStopped = errors.New("stopped")

type splitter struct {
	scanner
	maxLen int
	number int
	yield  func(Object) bool
}

// text reads the whole text.
func (s *splitter) text() error {
	head, _ := s.r.Peek(headLen)
	inObject := hasList(head)
	for {
		switch c, err := s.peek(); {
		case err == io.EOF && s.number == 0:
			return errors.New("the list has no items")
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case inObject:
			return s.end(s.wrapper())
		case c == '[':
			return s.end(s.list())
		}
		if err := s.object(); err != nil {
			return err
		}
	}
}

// end returns the error of a list, or checks that nothing follows it.
func (s *splitter) end(err error) error {
	if err != nil {
		return err
	}
	switch _, err := s.peek(); {
	case err == nil:
		return errors.New("text follows the end of the list")
	case err != io.EOF:
		return err
	case s.number == 0:
		return errors.New("the list has no items")
	}
	return nil
}

// object yields the next object.
func (s *splitter) object() error {
	s.number++
	o := Object{Line: s.line, Column: s.column, Number: s.number}
	var length int
	var err error
	o.JSON, length, err = s.value(s.maxLen)
	if err != nil {
		return fmt.Errorf("item %d: %w", s.number, err)
	}
	if length > s.maxLen {
		o.JSON, o.Err = nil, TooLong{length, s.maxLen}
	}
	if !s.yield(o) {
		return errStopped
	}
	return nil
}

// list yields the objects of a list, up to its end.
func (s *splitter) list() error {
	_, _ = s.next() // the bracket, which has been peeked
	if c, err := s.peek(); err == nil && c == ']' {
		_, err = s.next()
		return err
	}
	for {
		switch c, err := s.peek(); {
		case err != nil:
			return unclosed(err, "the list has no ] at its end; the file may be cut off")
		case c == ',' || c == ']':
			return errors.New("an item is missing: there is a comma too many")
		}
		if err := s.object(); err != nil {
			return err
		}
		c, err := s.peek()
		if err != nil {
			return unclosed(err, "the list has no ] at its end; the file may be cut off")
		}
		if c != ',' && c != ']' {
			return fmt.Errorf("item %d: must be followed by a comma or ], not by %q", s.number, c)
		}
		if _, err = s.next(); err != nil || c == ']' {
			return err
		}
	}
}

// wrapper yields the objects of the list in an object, and skips the other members.
func (s *splitter) wrapper() error {
	_, _ = s.next() // the brace, which has been peeked
	found := false
	for {
		c, err := s.peek()
		if err != nil {
			return unclosed(err, "the object has no } at its end; the file may be cut off")
		}
		switch {
		case c == '}':
			_, err = s.next()
			return err
		case c == ',':
			_, _ = s.next()
			continue
		case c != '"':
			return fmt.Errorf("invalid JSON: must be the name of a member, not %q", c)
		}
		isList, err := s.member(found)
		if err != nil {
			return err
		}
		found = found || isList
	}
}

// member reads a member of the object around the list. It reports whether it was the list.
func (s *splitter) member(found bool) (isList bool, err error) {
	name, _, err := s.value(maxName)
	if err != nil {
		return false, err
	}
	if c, err := s.peek(); err != nil || c != ':' {
		return false, unclosed(err, fmt.Sprintf("invalid JSON: %s must be followed by a colon", name))
	}
	_, _ = s.next()
	c, err := s.peek()
	switch {
	case err != nil:
		return false, unclosed(err, "the object has no } at its end; the file may be cut off")
	case c == '[' && isListName(name) && found:
		return false, fmt.Errorf("member %s is a second list of items; import each from a file of its own", name)
	case c == '[' && isListName(name):
		return true, s.list()
	}
	_, _, err = s.value(0)
	return false, err
}
