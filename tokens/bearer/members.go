package bearer

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"stile.example/stile/tokens/jws"
	strict "stile.example/stile/tokens/object"
)

// maxDate is 9999-12-31T23:59:59Z. A larger number is not a date, and would overflow in
// computations.
const maxDate = 253402300799

// members is a JSON object whose names are compared exactly. (encoding/json would accept EXP for
// exp.)
type members map[string]json.RawMessage

func readPart(part string) (members, error) {
	data, err := jws.Decode(part)
	if err != nil {
		return nil, err
	}
	return object(data)
}

// object parses one JSON object without duplicate names, with nothing after it.
func object(data []byte) (members, error) {
	m, err := strict.Read(data)
	return m, err
}

// text returns the string of that name, "" if it is missing. ok is false if the value is not a
// string.
func (m members) text(name string) (s string, ok bool) {
	raw, there := m[name]
	if !there {
		return "", true
	}
	return strict.Text(raw)
}

// date returns the NumericDate (RFC 7519 §2) of that name in whole seconds, the zero Time if it is
// missing. ok is false if the value is something else, or a number out of range.
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

// number returns the whole number of that name, from 1, or 0 if it is missing. ok is false if the
// value is something else.
func (m members) number(name string) (n uint32, ok bool) {
	raw, there := m[name]
	if !there {
		return 0, true
	}
	v, err := strconv.ParseUint(string(raw), 10, 32)
	return uint32(v), err == nil && v > 0
}

// audience returns the aud claim: one string or a list of strings (RFC 7519 §4.1.3), none of them
// empty. It is nil if the claim is missing or invalid.
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
