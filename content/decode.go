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
)

// DecodeItem reads an item from a JSON object: what an author wrote, or what
// [EncodeItem] made. It takes every member at most once and by its exact name;
// null is as good as nothing. The item is neither cleaned nor checked.
func DecodeItem(object []byte) (it Item, err error) {
	if err := checkJSON(object); err != nil {
		return Item{}, err
	}
	object = bytes.TrimSpace(object)
	if object[0] != '{' {
		return Item{}, fmt.Errorf("is %s, where an object is wanted: {\"id\": …, \"title\": …}", kind(object))
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

// checkJSON says where JSON is not good, by the column in bytes.
func checkJSON(b []byte) error {
	if !utf8.Valid(b) {
		return errors.New("text is not UTF-8")
	}
	if json.Valid(b) {
		return nil
	}
	var raw json.RawMessage
	err := json.Unmarshal(b, &raw)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("is no JSON: column %d: %w", e.Offset, e)
	}
	return fmt.Errorf("is no JSON: %w", err)
}

// jsonMembers walks the members of an object that is known to be good JSON.
// encoding/json would take Title for title, and the last of two.
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

// valueLen is the length of the good JSON value with which b begins.
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
				return i // a number or a word before the end
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

// unquote is the text of a good JSON string.
func unquote(b []byte) (s string) {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b[1 : len(b)-1])
	}
	_ = json.Unmarshal(b, &s) // it is good
	return s
}

func setJSON(it *Item, name string, value []byte) error {
	switch name {
	case "tags":
		if err := json.Unmarshal(value, &it.Tags); err != nil {
			return errors.New("tags must be a list of texts")
		}
		return nil
	case "attributes":
		return setAttributes(it, value)
	}
	if !slices.Contains(members, name) {
		return fmt.Errorf("member %s is unknown: put it into attributes (the others are %s)", quote(name), strings.Join(members, ", "))
	}
	switch value[0] {
	case 'n':
		return nil
	case '"':
		_, err := set(it, name, unquote(value))
		return err
	}
	return fmt.Errorf("%s must be text, and is %s", name, kind(value))
}

// setAttributes looks at the size first: in memory, many small values take
// fifty times their bytes.
func setAttributes(it *Item, value []byte) error {
	if len(value) > maxValues {
		return fmt.Errorf("attributes have %d bytes as JSON, and may have %d", len(value), maxValues)
	}
	err := json.Unmarshal(value, &it.Attributes)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && strings.HasPrefix(e.Value, "number") && kind(value) == "an object" {
		return fmt.Errorf("attributes have a %s, which is too large", e.Value)
	}
	if err != nil {
		return fmt.Errorf("attributes must be an object, and are %s", kind(value))
	}
	return nil
}

// kind is what sort of JSON value v is, in words.
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
