package transport

import (
	"strings"
	"unicode/utf8"

	"stile.example/stile/handlers/codes"
)

// maxParams is how many parameters a request may have: twice what the
// largest sensible one needs.
const maxParams = 32

// What can be wrong with a query before anybody asks what it means.
var (
	errEncoding = codes.Malformed("a parameter has a percent sign that is not followed by two hexadecimal digits")
	errText     = codes.Malformed("a parameter is not UTF-8, or has a zero byte in it")
	errMany     = codes.Malformed("there are more than 32 parameters")
)

// param is one name=value, decoded.
type Param struct{ Name, Value string }

// parseParams takes a query or a form apart in one pass, as the URL standard's
// application/x-www-form-urlencoded parser does (a semicolon is no
// separator), and appends what it finds to params. It goes on after a fault,
// because how to answer stands in the same query, and returns the first one.
// url.ParseQuery would cost as much as all of a token's checks.
func parseParams(query string, params []Param) ([]Param, error) {
	var fault error
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		p, err := parsePair(pair)
		if err == nil && len(params) >= maxParams && p.Name != "callback" {
			err = errMany
		}
		if fault == nil {
			fault = err
		}
		if err == nil || p.Name == "callback" {
			params = append(params, p)
		}
	}
	return params, fault
}

func parsePair(pair string) (p Param, err error) {
	name, value, _ := strings.Cut(pair, "=")
	if p.Name, err = unescape(name); err != nil {
		return p, err
	}
	p.Value, err = unescape(value)
	return p, err
}

// unescape decodes %XX and +. A string without them is returned as it is.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') >= 0 || strings.IndexByte(s, '+') >= 0 {
		decoded, ok := decode(s)
		if !ok {
			return "", errEncoding
		}
		s = decoded
	}
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return "", errText
	}
	return s, nil
}

func decode(s string) (string, bool) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return "", false
			}
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out), true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
