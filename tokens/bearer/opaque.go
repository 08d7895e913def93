package bearer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Introspection is what an issuer responds about a token that is not a JWT.
type Introspection struct {
	Text  []byte    // a JSON object (RFC 7662 §2.2)
	Since time.Time // of the first response that called the token active, as far as it is known
}

// complete adds to an active response what many issuers leave out, since RFC 7662 requires only
// active. A member that is null counts as missing.
//
//   - jti: a name made from the token's text.
//   - iat: the time of the first response.
//   - aud: the issuer's first audience, unless RequireAudience is set. An empty list counts as
//     missing.
func (i *Issuer) complete(m members, token string, since time.Time) {
	for name, value := range m {
		if string(value) == "null" {
			delete(m, name)
		}
	}
	if m["jti"] == nil {
		m["jti"] = json.RawMessage(strconv.Quote(opaqueName(token)))
	}
	if m["iat"] == nil {
		m["iat"] = strconv.AppendInt(nil, since.Unix(), 10)
	}
	var list []json.RawMessage
	empty := m["aud"] == nil || json.Unmarshal(m["aud"], &list) == nil && len(list) == 0
	if empty && !i.RequireAudience {
		m["aud"], _ = json.Marshal(i.Audiences[0]) // a text has no error
	}
}

// opaqueName returns a name for a token without a jti. Some issuers accept several spellings of one
// token: the last character of base64 has unused bits, a database may ignore case, and a UUID may
// have hyphens or not. All of them get one name, so that another spelling is not a new token, which
// could be bound again. What that ignores of the random text still leaves no two tokens with one
// name.
func opaqueName(token string) string {
	kept := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' {
			return -1
		}
		return r
	}, strings.ToLower(token))
	parts := strings.Split(kept, ".")
	for n, p := range parts {
		parts[n] = p[:max(len(p)-1, 0)]
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, ".")))
	return "sha256:" + hex.EncodeToString(sum[:])
}
