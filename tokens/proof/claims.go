package proof

import (
	"math"
	"strconv"
)

// claims are the claims of a proof.
type claims struct {
	jti, htm, htu, ath string
	sessionKey         string // with which the browser offers a session; "": none
	iat                int64  // Unix seconds
}

// readClaims parses the claims of RFC 9449 §4.2. All are required, even ath: here a proof always
// comes with a token. Other claims are ignored.
func readClaims(part string) (c claims, err error) {
	m, err := readPart(part)
	if err != nil {
		return c, invalid("its claims are not a JSON object, or have a duplicate name")
	}
	c = claims{jti: m.text("jti"), htm: m.text("htm"), htu: m.text("htu"), ath: m.text("ath"), sessionKey: m.text("session_key")}
	if c.jti == "" || c.htm == "" || c.htu == "" || c.ath == "" {
		return c, invalid("jti, htm, htu or ath is missing, or not a string")
	}
	if len(c.jti) > maxJTI {
		return c, invalid("jti is longer than 128 bytes")
	}
	var ok bool
	if c.iat, ok = date(m["iat"]); !ok {
		return c, invalid("iat is missing, or not a time")
	}
	return c, nil
}

// maxDate is 9999-12-31T23:59:59Z.
const maxDate = 253402300799

// date parses a NumericDate (RFC 7519 §2) in whole seconds.
func date(raw []byte) (unix int64, ok bool) {
	if len(raw) == 0 || raw[0] < '0' || raw[0] > '9' {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f > maxDate {
		return 0, false
	}
	return int64(math.Floor(f)), true
}
