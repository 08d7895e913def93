package transport

import (
	"strings"
	"unicode/utf8"

	"stile.example/stile/handlers/codes"
)

// maxParams is the maximum of parameters of a request: twice what the largest sensible request
// needs.
const maxParams = 32

// Errors of a query, whatever its parameters mean.
var (
	errEncoding = codes.Malformed("a parameter has a percent sign that is not followed by two hexadecimal digits")
	errText     = codes.Malformed("a parameter is not UTF-8, or contains a zero byte")
	errMany     = codes.Malformed("there are more than 32 parameters")
)

// Param is one name=value pair, decoded. The name is that of the contract: see [plainName].
type Param struct{ Name, Value string }

// parseParams parses a query or a form in one pass, as the application/x-www-form-urlencoded parser
// of the URL standard does (a semicolon does not separate parameters), and appends the parameters
// to params. It continues after an error, because the same query decides the transport, and returns
// the first error. url.ParseQuery checks less and takes 1.1 µs more, 3 % of a call.
func parseParams(query string, params []Param) ([]Param, error) {
	var first error
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
		if first == nil {
			first = err
		}
		if err == nil || p.Name == "callback" {
			params = append(params, p)
		}
	}
	return params, first
}

func parsePair(pair string) (p Param, err error) {
	name, value, _ := strings.Cut(pair, "=")
	if p.Name, err = unescape(name); err != nil {
		return p, err
	}
	if p.Name, err = plainName(p.Name); err != nil {
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
