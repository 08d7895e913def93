package bearer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxLength is the longest text, in bytes, that is looked at as a token.
const MaxLength = 4 << 10

// maxDate is 9999-12-31T23:59:59Z: a number beyond it is no date, and would
// overflow where it is reckoned with.
const maxDate = 253402300799

// jws is a compact JWS (RFC 7515 §7.1) cut into its parts, none of them
// believed yet.
type jws struct{ signed, header, payload, signature string }

// cut takes a token apart. Its characters are checked first: base64 decoders
// skip line breaks, which would give one token many spellings.
func cut(token string) (t jws, err error) {
	if len(token) > MaxLength {
		return t, invalid("longer than 4 KiB")
	}
	for i := range len(token) {
		if !tokenChar(token[i]) {
			return t, invalid("a character that no token has")
		}
	}
	var ok1, ok2 bool
	t.header, t.payload, ok1 = strings.Cut(token, ".")
	t.payload, t.signature, ok2 = strings.Cut(t.payload, ".")
	if !ok1 || !ok2 || t.header == "" || t.payload == "" || t.signature == "" || strings.Contains(t.signature, ".") {
		return t, invalid("not three parts")
	}
	t.signed = token[:len(t.header)+1+len(t.payload)]
	return t, nil
}

func tokenChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// decodePart decodes base64url without padding, and refuses a last character
// with bits that mean nothing: they too would be other spellings.
func decodePart(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("line break")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

// header is what a JWS says of itself. Everything else in it (jwk, jku, x5u,
// x5c: where to find a key) is left unread.
type header struct{ typ, alg, kid string }

func (t jws) readHeader() (h header, err error) {
	m, err := readPart(t.header)
	if err != nil {
		return h, invalid("header is no JSON object, or has a name twice")
	}
	// RFC 7515 §4.1.11: what is critical and not understood must be refused.
	// b64 is RFC 7797's, and changes what was signed.
	if m["crit"] != nil || m["b64"] != nil {
		return h, invalid("header asks for an extension")
	}
	var ok1, ok2, ok3 bool
	h.typ, ok1 = m.text("typ")
	h.alg, ok2 = m.text("alg")
	h.kid, ok3 = m.text("kid")
	if !ok1 || !ok2 || !ok3 {
		return h, invalid("header with a value of the wrong type")
	}
	h.typ = strings.TrimPrefix(strings.ToLower(h.typ), "application/") // a media type: RFC 7515 §4.1.9
	return h, nil
}

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
