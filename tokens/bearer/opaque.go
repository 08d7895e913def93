package bearer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"stile.example/stile/tokens/readable"
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
//   - iat: the time of the first response; if the token had expired by then, a time before exp.
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
		if exp, ok := m.date("exp"); ok && exp.Unix() > 0 && !exp.After(since) {
			since = exp.Add(-time.Second)
		}
		m["iat"] = strconv.AppendInt(nil, since.Unix(), 10)
	}
	var list []json.RawMessage
	empty := m["aud"] == nil || json.Unmarshal(m["aud"], &list) == nil && len(list) == 0
	if empty && !i.RequireAudience {
		m["aud"], _ = json.Marshal(i.Audiences[0]) // a text has no error
	}
}

// isAccessToken refuses a token that the response calls something other than an access token. RFC
// 7662 §2.2 has token_type for the types of RFC 6749 §5.1: bearer, DPoP and the like. Some issuers
// write the kind of token there.
func (m members) isAccessToken() error {
	typ, ok := m.text("token_type")
	switch {
	case !ok:
		return invalid("the response to its introspection has a token_type that is not a text")
	case typ != "" && !slices.Contains([]string{"bearer", "dpop", "access_token"}, strings.ToLower(typ)):
		return invalidf("the response to its introspection has the token_type %s, want Bearer or DPoP", readable.Text(typ))
	}
	return nil
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
