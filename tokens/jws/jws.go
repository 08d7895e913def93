// Package jws splits the texts of tokens, assertions and proofs into their parts: they are JWS in
// compact serialization (RFC 7515 §7.1).
package jws

import (
	"encoding/base64"
	"errors"
	"strings"
)

// Parts are the parts of a JWS, none of them decoded or verified.
type Parts struct {
	Header, Payload, Signature string
	Signed                     string // what the signature is over: the header, a dot and the payload
}

// The errors of [Cut].
var (
	ErrCharacter = errors.New("a character that is not allowed in a JWS")
	ErrParts     = errors.New("not three parts")
)

// Cut splits a text into its three parts, of which none is empty. It checks the characters first,
// which gives [ErrCharacter]: base64 decoders skip line breaks, which would give one text many
// spellings. [ErrParts] means that only the number of parts is wrong.
func Cut(text string) (p Parts, err error) {
	for i := range len(text) {
		if !Character(text[i]) {
			return p, ErrCharacter
		}
	}
	var ok1, ok2 bool
	p.Header, p.Payload, ok1 = strings.Cut(text, ".")
	p.Payload, p.Signature, ok2 = strings.Cut(p.Payload, ".")
	if !ok1 || !ok2 || p.Header == "" || p.Payload == "" || p.Signature == "" || strings.Contains(p.Signature, ".") {
		return Parts{}, ErrParts
	}
	p.Signed = text[:len(p.Header)+1+len(p.Payload)]
	return p, nil
}

// Character reports whether a JWS may contain c: base64url's characters and the dot.
func Character(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// Decode decodes base64url without padding. It refuses whatever would be another spelling of the
// same bytes: line breaks, and a last character with unused bits set.
func Decode(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("line break")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}
