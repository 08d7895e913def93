package bearer

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	strict "stile.example/stile/tokens/object"
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

// object reads one JSON object and nothing after it, no name twice.
func object(data []byte) (members, error) {
	m, err := strict.Read(data)
	return m, err
}

// text is the string of that name, "" where there is none. It is not ok where
// there is something else.
func (m members) text(name string) (s string, ok bool) {
	raw, there := m[name]
	if !there {
		return "", true
	}
	return strict.Text(raw)
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

// number returns the whole number of that name, from 1 on, and 0 where there is
// none. It is not ok where there is something else.
func (m members) number(name string) (n uint32, ok bool) {
	raw, there := m[name]
	if !there {
		return 0, true
	}
	v, err := strconv.ParseUint(string(raw), 10, 32)
	return uint32(v), err == nil && v > 0
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
