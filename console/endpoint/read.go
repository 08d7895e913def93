package endpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// Input returns the input of the operation as JSON: the parts of the path by their names, the
// query, and the body, which is nil if there is none. All errors are [failure.Invalid], say where
// the request is wrong, and quote no value.
func (e Endpoint) Input(path map[string]string, query url.Values, body []byte) (json.RawMessage, error) {
	in := map[string]json.RawMessage{}
	for _, f := range e.Path {
		value, err := encode(f, []string{path[f.Name]})
		if err != nil {
			return nil, err
		}
		in[f.Name] = value
	}
	if err := e.readQuery(query, in); err != nil {
		return nil, err
	}
	if e.HasBody() {
		if err := e.readBody(body, in); err != nil {
			return nil, err
		}
	}
	return json.Marshal(in)
}

func (e Endpoint) readQuery(query url.Values, in map[string]json.RawMessage) error {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		i := slices.IndexFunc(e.Query, func(f Field) bool { return f.Name == name })
		if i < 0 {
			return failure.New(failure.Invalid, "parameter %.40q: unknown; %s", name, known("parameters", e.parameters()))
		}
		value, err := encode(e.Query[i], query[name])
		if err == nil {
			err = e.checkPage(name, value)
		} else if len(query[name]) == 1 {
			err = cmp.Or(e.checkPage(name, nil), err)
		}
		if err != nil {
			return err
		}
		in[name] = value
	}
	return missing("parameter", e.Query, in)
}

// parameters returns all that a query may have.
func (e Endpoint) parameters() []Field {
	if e.Stream == operations.ItemsIn || e.IsPage() && !e.HasOwnFormat() {
		return append(slices.Clip(e.Query), Field{Name: "format"})
	}
	return e.Query
}

// checkPage checks the parameters about pages. A value that can't be read is nil.
func (e Endpoint) checkPage(name string, value json.RawMessage) error {
	switch most, _ := e.Limits(); name {
	case "limit":
		var n int
		if value == nil || json.Unmarshal(value, &n) != nil || n < 1 || n > most {
			return failure.New(failure.Invalid, "parameter limit: must be from 1 to %d", most)
		}
	case "after":
		if value == nil || strings.HasPrefix(string(value), "-") {
			return ErrAfter
		}
	}
	return nil
}

// ErrAfter says that a cursor is damaged.
var ErrAfter = failure.New(failure.Invalid, "parameter after: must be the next of an earlier page")

// readBody adds the fields of a JSON object. An empty body is an object without fields.
func (e Endpoint) readBody(body []byte, in map[string]json.RawMessage) error {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if !utf8.Valid(body) {
		return failure.New(failure.Invalid, "the body is not UTF-8")
	}
	if err := check(body, e.Body, "the body"); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return failure.New(failure.Invalid, "the body is not JSON: %w", err)
	}
	maps.Copy(in, fields)
	return missing("field", e.Body, in)
}

func missing(what string, fields []Field, in map[string]json.RawMessage) error {
	for _, f := range fields {
		if _, given := in[f.Name]; f.Required && !given {
			return failure.New(failure.Invalid, "%s %s: missing", what, f.Name)
		}
	}
	return nil
}

// known lists the names of fields, for a message.
func known(what string, fields []Field) string {
	if len(fields) == 0 {
		return "there are no " + what
	}
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return "the " + what + " are " + strings.Join(names, ", ")
}

// encode returns the JSON of a value in a path or a query. A slice is given as several values, and
// an object as JSON.
func encode(f Field, values []string) (json.RawMessage, error) {
	for _, v := range values {
		if !utf8.ValidString(v) {
			return nil, failure.New(failure.Invalid, "parameter %s: must be UTF-8", f.Name)
		}
	}
	if f.Type.Kind() == reflect.Slice && KindOf(f.Type) == Array {
		list := make([]json.RawMessage, len(values))
		for i, v := range values {
			var err error
			if list[i], err = encodeOne(f, f.Type.Elem(), v); err != nil {
				return nil, err
			}
		}
		return json.Marshal(list)
	}
	if len(values) != 1 {
		return nil, failure.New(failure.Invalid, "parameter %s: must be given once", f.Name)
	}
	return encodeOne(f, f.Type, values[0])
}

func encodeOne(f Field, t reflect.Type, value string) (json.RawMessage, error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch kind := KindOf(t); kind {
	case Text:
		raw, err := json.Marshal(value)
		if err == nil {
			err = checkText(t, value, "parameter "+f.Name)
		}
		return raw, err
	case Integer, Number, Bool:
		raw := json.RawMessage(value)
		return raw, checkScalar(raw, t, "parameter "+f.Name)
	default:
		raw := json.RawMessage(value)
		if kind == Object {
			return raw, check(raw, FieldsOf(t), "parameter "+f.Name)
		}
		if !json.Valid(raw) {
			return nil, failure.New(failure.Invalid, "parameter %s: must be JSON", f.Name)
		}
		return raw, nil
	}
}

// check reads a JSON object strictly: the names are exactly those of the fields, none is repeated,
// and no value is null or of another type. encoding/json accepts all of that.
func check(raw json.RawMessage, fields []Field, where string) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if !json.Valid(raw) {
		var v any
		return failure.New(failure.Invalid, "%s: is not JSON: %w", where, json.Unmarshal(raw, &v))
	}
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return failure.New(failure.Invalid, "%s: must be a JSON object", where)
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return failure.New(failure.Invalid, "%s: %w", where, err)
		}
		name := token.(string) // in an object, every other token is a name
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
		switch {
		case i < 0:
			return failure.New(failure.Invalid, "%s: field %.40q: unknown; %s", where, name, known("fields", fields))
		case seen[name]:
			return failure.New(failure.Invalid, "%s: field %s: must be given once", where, name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return failure.New(failure.Invalid, "%s: field %s: %w", where, name, err)
		}
		if err := checkValue(value, fields[i].Type, "field "+name); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil && err != io.EOF {
		return failure.New(failure.Invalid, "%s: %w", where, err)
	}
	return nil
}

// checkValue checks that a JSON value has the form of a type.
func checkValue(raw json.RawMessage, t reflect.Type, where string) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if raw = bytes.TrimSpace(raw); string(raw) == "null" {
		return failure.New(failure.Invalid, "%s: must not be null; leave it out", where)
	}
	switch KindOf(t) {
	case Text:
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return failure.New(failure.Invalid, "%s: must be a string", where)
		}
		return checkText(t, text, where)
	case Integer, Number, Bool:
		return checkScalar(raw, t, where)
	case Array:
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return failure.New(failure.Invalid, "%s: must be an array", where)
		}
		for i, v := range list {
			if err := checkValue(v, t.Elem(), fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
	case Map:
		var values map[string]json.RawMessage
		if json.Unmarshal(raw, &values) != nil {
			return failure.New(failure.Invalid, "%s: must be an object", where)
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if err := checkValue(values[name], t.Elem(), fmt.Sprintf("%s.%.40s", where, name)); err != nil {
				return err
			}
		}
	case Object:
		return check(raw, FieldsOf(t), where)
	}
	return nil
}

// checkText checks a string that is read as another type, such as a time.
func checkText(t reflect.Type, text, where string) error {
	raw, err := json.Marshal(text)
	if err != nil {
		return failure.New(failure.Invalid, "%s: must be a string", where)
	}
	if json.Unmarshal(raw, reflect.New(t).Interface()) == nil {
		return nil
	}
	example := "a duration such as 90s, 24h or 7d"
	if IsTime(t) {
		example = "a time such as " + time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
	}
	return failure.New(failure.Invalid, "%s: must be %s", where, example)
}

// checkScalar checks a number or true or false.
func checkScalar(raw json.RawMessage, t reflect.Type, where string) error {
	isNull := string(bytes.TrimSpace(raw)) == "null" // which json.Unmarshal ignores
	if !isNull && json.Unmarshal(raw, reflect.New(t).Interface()) == nil {
		return nil
	}
	switch KindOf(t) {
	case Bool:
		return failure.New(failure.Invalid, "%s: must be true or false", where)
	case Number:
		return failure.New(failure.Invalid, "%s: must be a number", where)
	}
	least, most := Bounds(t)
	return failure.New(failure.Invalid, "%s: must be an integer from %s to %s", where, least, most)
}

// Bounds returns the least and the largest value of an integer type.
func Bounds(t reflect.Type) (least, most string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	bits := t.Bits()
	if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
		return "0", strconv.FormatUint(1<<bits-1, 10)
	}
	return strconv.FormatInt(-1<<(bits-1), 10), strconv.FormatInt(1<<(bits-1)-1, 10)
}
