package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"stile.example/stile/content/objects"
)

// DecodeItem decodes an item from a JSON object that an author or [EncodeItem] wrote. Each member
// may appear at most once, with its exact name. A null member counts as missing. The item is
// neither cleaned nor checked.
func DecodeItem(object []byte) (it Item, err error) {
	if err := checkJSON(object); err != nil {
		return Item{}, err
	}
	object = bytes.TrimSpace(object)
	if object[0] != '{' {
		return Item{}, fmt.Errorf("must be an object, {\"id\": …, \"title\": …}, not %s", kind(object))
	}
	had := make([]string, 0, len(members))
	for name, value := range jsonMembers(object) {
		if slices.Contains(had, name) {
			return Item{}, fmt.Errorf("member %s is repeated", quote(name))
		}
		if err := setJSON(&it, name, value); err != nil {
			return Item{}, err
		}
		had = append(had, name)
	}
	return it, nil
}

// syntaxError is an error in the text of JSON.
type syntaxError struct {
	column int // in bytes, from 1
	cause  error
}

func (e syntaxError) Error() string {
	return fmt.Sprintf("invalid JSON: column %d: %v", e.column, e.cause)
}

func (e syntaxError) Unwrap() error { return e.cause }

// checkJSON returns an error with the column where JSON is invalid.
func checkJSON(b []byte) error {
	if !utf8.Valid(b) {
		return errors.New("text: must be UTF-8")
	}
	if json.Valid(b) {
		return nil
	}
	var raw json.RawMessage
	err := json.Unmarshal(b, &raw)
	e, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return fmt.Errorf("invalid JSON: %w", err)
	}
	at := max(int(e.Offset)-1, 0)
	for _, word := range []string{"NaN", "Infinity"} { // as Python and JavaScript programs write them
		if at < len(b) && bytes.HasPrefix(b[at:], []byte(word)) {
			return syntaxError{int(e.Offset), fmt.Errorf("JSON has no number %s; write null, or leave the member out", word)}
		}
	}
	return syntaxError{int(e.Offset), e}
}

// jsonMembers iterates over the members of a valid JSON object. encoding/json would accept Title
// for title, and take the last of two.
func jsonMembers(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		rest := bytes.TrimLeft(object[1:], jsonSpace)
		for rest[0] != '}' {
			name := rest[:valueLen(rest)]
			rest = bytes.TrimLeft(rest[len(name):], jsonSpace+":")
			value := rest[:valueLen(rest)]
			rest = bytes.TrimLeft(rest[len(value):], jsonSpace+",")
			if !yield(unquote(name), bytes.TrimRight(value, jsonSpace)) {
				return
			}
		}
	}
}

const jsonSpace = " \t\r\n"

// valueLen returns the length of the JSON value at the start of b, which must be valid.
func valueLen(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of a number or a word
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// unquote returns the text of a valid JSON string.
func unquote(b []byte) (s string) {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b[1 : len(b)-1])
	}
	_ = json.Unmarshal(b, &s) // it is valid
	return s
}

func setJSON(it *Item, name string, value []byte) error {
	switch name {
	case "tags":
		if err := json.Unmarshal(value, &it.Tags); err != nil {
			return errors.New("tags: must be a list of strings")
		}
		return nil
	case "attributes":
		return setAttributes(it, value)
	}
	if !slices.Contains(members, name) {
		if isList(value) && !slices.Contains(objects.ListNames, name) {
			return fmt.Errorf("member %s is unknown: if it is the list of the items, name it items; if it belongs to an item, put it into attributes", quote(name))
		}
		return fmt.Errorf("member %s is unknown: put it into attributes (known members: %s)", quote(name), strings.Join(members, ", "))
	}
	switch value[0] {
	case 'n':
		return nil
	case '"':
		_, err := set(it, name, unquote(value))
		return err
	}
	return fmt.Errorf("%s: must be a string, not %s", name, kind(value))
}

// isList reports whether a value is a list of objects.
func isList(value []byte) bool {
	return value[0] == '[' && bytes.HasPrefix(bytes.TrimLeft(value[1:], jsonSpace), []byte("{"))
}

// setAttributes checks the size first, because many small values take 50 times as much memory.
func setAttributes(it *Item, value []byte) error {
	if len(value) > maxValues {
		return fmt.Errorf("attributes: must be at most %d bytes as JSON, not %d", maxValues, len(value))
	}
	err := json.Unmarshal(value, &it.Attributes)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && strings.HasPrefix(e.Value, "number") && kind(value) == "an object" {
		return fmt.Errorf("attributes: the %s is too large", e.Value)
	}
	if err != nil {
		return fmt.Errorf("attributes: must be an object, not %s", kind(value))
	}
	return nil
}

// kind describes the type of a JSON value in words.
func kind(v []byte) string {
	switch v[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
