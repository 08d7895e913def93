package frontmatter

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// decodeJSON decodes the object that begins at start, and returns where it ends.
func decodeJSON(source []byte, start int) (fields []Field, end int, err error) {
	rest := source[start:min(len(source), start+MaxSize+1)]
	d := json.NewDecoder(bytes.NewReader(rest))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, 0, jsonError(source, start)
	}
	for d.More() {
		name, err := d.Token()
		f := Field{Line: lineAt(source, start+int(d.InputOffset()))}
		if err == nil {
			f.Name, _ = name.(string) // a member's name is a string
			err = d.Decode(&f.Value)
		}
		if err != nil {
			return nil, 0, jsonError(source, start)
		}
		f.Value = fromJSON(f.Value)
		fields = append(fields, f)
	}
	if _, err := d.Token(); err != nil {
		return nil, 0, jsonError(source, start)
	}
	return fields, start + int(d.InputOffset()), nil
}

// onlyJSON decodes a block that has nothing but an object.
func onlyJSON(source []byte) ([]Field, error) {
	start := len(source) - len(bytes.TrimLeft(source, " \t\r\n"))
	fields, end, err := decodeJSON(source, start)
	if err == nil && len(bytes.TrimSpace(source[end:])) > 0 {
		err = errorAt(lineAt(source, end), "front matter: has text after the closing }")
	}
	return fields, err
}

// jsonError returns what is wrong with an object. The error of a Decoder has no position in the
// file.
func jsonError(source []byte, start int) error {
	rest := source[start:]
	var raw json.RawMessage
	err := json.Unmarshal(rest, &raw)
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	switch {
	case len(rest) > MaxSize:
		return errorAt(lineAt(source, start), "front matter: must be a JSON object of at most %d bytes", MaxSize)
	case !ok || syntax.Error() == "unexpected end of JSON input":
		return errorAt(lineAt(source, start), "front matter: the JSON object is never closed: add a } after it")
	}
	return errorAt(lineAt(source, start+int(syntax.Offset)-1), "front matter: invalid JSON: %w", syntax)
}

func fromJSON(v any) any {
	switch v := v.(type) {
	case string:
		return Scalar{v, v}
	case bool:
		return Scalar{strconv.FormatBool(v), v}
	case json.Number:
		f, _ := v.Float64() // ±Inf if it is too large, which is kept as text
		return Scalar{v.String(), f}
	}
	return inside(v, fromJSON)
}
