package objects

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// scanner reads bytes, and knows where it is.
type scanner struct {
	r      *bufio.Reader
	line   int
	column int // bytes read of the line
}

func (s *scanner) next() (byte, error) {
	c, err := s.r.ReadByte()
	if err != nil {
		return 0, s.fault(err)
	}
	if s.column++; c == '\n' {
		s.line, s.column = s.line+1, 0
	}
	return c, nil
}

func (s *scanner) fault(err error) error {
	if err == io.EOF {
		return err
	}
	return fmt.Errorf("%w: %w", ErrRead, err)
}

// peek skips blanks and returns the next byte, which it does not consume.
func (s *scanner) peek() (byte, error) {
	for {
		b, err := s.r.Peek(1)
		if err != nil {
			return 0, s.fault(err)
		}
		if !isBlank(b[0]) {
			return b[0], nil
		}
		if _, err := s.next(); err != nil {
			return 0, err
		}
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// value reads the value at which the scanner is, up to the end of its brackets or quotes. It
// returns at most keep bytes of it, and its length.
func (s *scanner) value(keep int) (text []byte, length int, err error) {
	line := s.line
	depth := 0
	for {
		b, err := s.r.Peek(1)
		if err != nil {
			if depth == 0 && length > 0 && err == io.EOF {
				return text, length, nil // a number or a word ends with the text
			}
			return nil, 0, unclosed(s.fault(err), fmt.Sprintf("the value that begins on line %d has no end; the file may be cut off", line))
		}
		c := b[0]
		if depth == 0 && length > 0 && (isBlank(c) || c == ',' || c == ']' || c == '}' || c == ':') {
			return text, length, nil
		}
		if _, err := s.next(); err != nil {
			return nil, 0, err
		}
		if length++; length <= keep {
			text = append(text, c)
		}
		switch c {
		case '"':
			if text, length, err = s.rest(text, length, keep); err != nil {
				return nil, 0, err
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			continue
		}
		if depth <= 0 {
			return text, length, nil
		}
	}
}

// rest reads the rest of a text in quotes.
func (s *scanner) rest(text []byte, length, keep int) ([]byte, int, error) {
	for escaped := false; ; {
		c, err := s.next()
		if err != nil {
			return nil, 0, unclosed(err, "a text has no closing quote; the file may be cut off")
		}
		if c == '\n' {
			return nil, 0, errors.New(`a text has a line break in it: its closing quote may be on the line before; a line break is written as \n`)
		}
		if length++; length <= keep {
			text = append(text, c)
		}
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			return text, length, nil
		}
	}
}

// unclosed returns an error with that message if a text ended too early, or the error of the
// source.
func unclosed(err error, message string) error {
	if err == nil || err == io.EOF {
		return errors.New(message)
	}
	return err
}
