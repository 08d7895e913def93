package proof

import (
	"encoding/base64"
	"strings"
)

// jws is a compact JWS (RFC 7515 §7.1) split into its parts, none of them verified yet.
type jws struct{ signed, header, payload, signature string }

// cut splits a proof. It checks the characters first, because base64 decoders skip line breaks.
func cut(text string) (t jws, err error) {
	if len(text) > maxLength {
		return t, invalid("it is longer than 2 KiB")
	}
	for i := range len(text) {
		if !jwsChar(text[i]) {
			return t, invalid("it has a character that is not allowed in a JWT")
		}
	}
	var ok1, ok2 bool
	t.header, t.payload, ok1 = strings.Cut(text, ".")
	t.payload, t.signature, ok2 = strings.Cut(t.payload, ".")
	if !ok1 || !ok2 || t.header == "" || t.payload == "" || t.signature == "" || strings.Contains(t.signature, ".") {
		return t, invalid("it is not a JWT of three parts")
	}
	t.signed = text[:len(t.header)+1+len(t.payload)]
	return t, nil
}

func jwsChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// decode decodes base64url without padding, and refuses a last character with unused bits set.
func decode(part string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(part) }

func readPart(part string) (members, error) {
	data, err := decode(part)
	if err != nil {
		return nil, err
	}
	return object(data)
}
