package bearer

import (
	"encoding/base64"
	"errors"
	"strings"
)

// MaxLength is the maximum length of a token's text, in bytes.
const MaxLength = 4 << 10

// jws is a compact JWS (RFC 7515 §7.1) split into its parts, none of them verified yet.
type jws struct{ signed, header, payload, signature string }

const notThreeParts = invalid("not three parts")

// cut splits a token. It checks the characters first: base64 decoders skip line breaks, which would
// give one token many spellings.
func cut(token string) (t jws, err error) {
	if len(token) > MaxLength {
		return t, invalid("longer than 4 KiB")
	}
	for i := range len(token) {
		if !tokenChar(token[i]) {
			return t, invalid("a character that is not allowed in a token")
		}
	}
	var ok1, ok2 bool
	t.header, t.payload, ok1 = strings.Cut(token, ".")
	t.payload, t.signature, ok2 = strings.Cut(t.payload, ".")
	if !ok1 || !ok2 || t.header == "" || t.payload == "" || t.signature == "" || strings.Contains(t.signature, ".") {
		return t, notThreeParts
	}
	t.signed = token[:len(t.header)+1+len(t.payload)]
	return t, nil
}

func tokenChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// decodePart decodes base64url without padding. It refuses a last character with unused bits set,
// which would be another spelling too.
func decodePart(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("line break")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

// header is the header of a JWS. Its other members (jwk, jku, x5u, x5c: where to find a key) are
// ignored.
type header struct{ typ, alg, kid string }

func (t jws) readHeader() (h header, err error) {
	m, err := readPart(t.header)
	if err != nil {
		return h, invalid("header is not a JSON object, or has a duplicate name")
	}
	// RFC 7515 §4.1.11 requires us to refuse critical members that are not understood. b64 is RFC
	// 7797's, and changes what was signed.
	if m["crit"] != nil || m["b64"] != nil {
		return h, invalid("header requires an extension")
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
