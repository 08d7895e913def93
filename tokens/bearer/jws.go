package bearer

import (
	"strings"

	"stile.example/stile/tokens/jws"
)

// MaxLength is the maximum length of a token's text, in bytes.
const MaxLength = 4 << 10

const notThreeParts = invalid("not three parts")

// cut splits a token.
func cut(token string) (jws.Parts, error) {
	if len(token) > MaxLength {
		return jws.Parts{}, invalid("longer than 4 KiB")
	}
	t, err := jws.Cut(token)
	switch err {
	case nil:
		return t, nil
	case jws.ErrParts:
		return t, notThreeParts
	}
	return t, invalid("a character that is not allowed in a token")
}

// header is the header of a JWS. Its other members (jwk, jku, x5u, x5c: where to find a key) are
// ignored.
type header struct{ typ, alg, kid string }

func readHeader(t jws.Parts) (h header, err error) {
	m, err := readPart(t.Header)
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
