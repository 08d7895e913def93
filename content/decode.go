package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	d := json.NewDecoder(bytes.NewReader(object))
	if t, _ := d.Token(); t != json.Delim('{') {
		return Item{}, fmt.Errorf("is %s, where an object is wanted: {\"id\": …, \"title\": …}", kind(bytes.TrimSpace(object)))
	}
	had := make([]string, 0, len(members))
	for d.More() {
		t, _ := d.Token() // a name: the JSON is good
		name := t.(string)
		if slices.Contains(had, name) {
			return Item{}, fmt.Errorf("member %s is repeated", quote(name))
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return Item{}, err
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

func setJSON(it *Item, name string, value json.RawMessage) error {
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
	var s *string
	if err := json.Unmarshal(value, &s); err != nil {
		return fmt.Errorf("%s must be text, and is %s", name, kind(value))
	}
	if s == nil {
		return nil
	}
	_, err := set(it, name, *s)
	return err
}

// setAttributes looks at the size first: in memory, many small values take
// fifty times their bytes.
func setAttributes(it *Item, value json.RawMessage) error {
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
	if len(v) == 0 {
		return "nothing"
	}
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
