package bearer

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// maxDate is 9999-12-31T23:59:59Z: a number beyond it is no date, and would
// overflow where it is reckoned with.
const maxDate = 253402300799

// members is a JSON object whose names are compared exactly. (encoding/json
// would take EXP for exp.)
type members map[string]json.RawMessage

func readPart(part string) (members, error) {
	data, err := decodePart(part)
	if err != nil {
		return nil, err
	}
	return object(data)
}

// object reads one JSON object and nothing after it. A name that comes twice
// is an error: two readers could read two things. What is JSON is for
// encoding/json to say; here its members are only cut apart.
func object(data []byte) (members, error) {
	data = bytes.TrimSpace(data)
	if !utf8.Valid(data) || !json.Valid(data) || data[0] != '{' {
		return nil, errors.New("not a JSON object")
	}
	m := members{}
	for rest := data[1:]; ; {
		var quoted, value []byte
		if quoted, rest = element(rest); len(quoted) == 0 {
			return m, nil
		}
		value, rest = element(rest)
		name, _ := unquote(quoted) // JSON: it is a string
		if _, twice := m[name]; twice {
			return nil, errors.New("a name twice")
		}
		m[name] = value
	}
}

// element cuts the first value, and the comma or colon after it, off the inside
// of an object that is known to be JSON. At the object's end it is empty.
func element(data []byte) (value, rest []byte) {
	depth := 0
	for i := 0; ; i++ {
		switch c := data[i]; {
		case c == '"':
			i = closingQuote(data, i)
		case c == '{' || c == '[':
			depth++
		case depth > 0 && (c == '}' || c == ']'):
			depth--
		case depth == 0 && c == '}':
			return bytes.TrimSpace(data[:i]), data[i:]
		case depth == 0 && (c == ',' || c == ':'):
			return bytes.TrimSpace(data[:i]), data[i+1:]
		}
	}
}

func closingQuote(data []byte, i int) int {
	for i++; data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

// unquote reads a JSON value that must be a string.
func unquote(raw []byte) (s string, ok bool) {
	if raw[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	ok = json.Unmarshal(raw, &s) == nil
	return s, ok
}

// text is the string of that name, "" where there is none. It is not ok where
// there is something else.
func (m members) text(name string) (s string, ok bool) {
	raw, there := m[name]
	if !there {
		return "", true
	}
	return unquote(raw)
}

// date is the NumericDate (RFC 7519 §2) of that name, in whole seconds, and
// the zero Time where there is none. It is not ok where there is something
// else, or a number out of range.
func (m members) date(name string) (t time.Time, ok bool) {
	raw, there := m[name]
	if !there {
		return t, true
	}
	if raw[0] < '0' || raw[0] > '9' {
		return t, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f > maxDate {
		return t, false
	}
	return time.Unix(int64(math.Floor(f)), 0).UTC(), true
}

// audience is the aud claim: one string or a list of them (RFC 7519 §4.1.3),
// none of them empty. It is nil where that is not so.
func (m members) audience() (list []string) {
	if one, ok := m.text("aud"); ok {
		list = []string{one}
	} else if json.Unmarshal(m["aud"], &list) != nil {
		return nil
	}
	if slices.Contains(list, "") {
		return nil
	}
	return list
}
