package bearer

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"stile.example/stile/tokens"
)

// clientClaims are the names of the claim that names the client: RFC 9068; OpenID Connect, Keycloak
// and Auth0; Okta; older Keycloaks.
var clientClaims = []string{"client_id", "azp", "cid", "clientId"}

// readClaims reads the claims of an external issuer's token. A token without a jti is identified by
// signed, its header and payload; never by its complete text, which has many spellings that verify.
// If there is no signed text, jti is required.
func (i *Issuer) readClaims(m members, signed string, now time.Time, longest time.Duration) (c Claims, err error) {
	if !slices.ContainsFunc(m.audience(), func(aud string) bool { return slices.Contains(i.Audiences, aud) }) {
		return c, invalid("wrong audience")
	}
	if err := m.isForCalls(); err != nil {
		return c, err
	}
	client, err := i.clientIn(m)
	if err != nil {
		return c, err
	}
	var ok1, ok2 bool
	c = Claims{Issuer: i.Name, Client: i.Clients[client]}
	c.Subject, ok1 = m.text("sub")
	c.JTI, ok2 = m.text("jti")
	if !ok1 || !ok2 || c.JTI == "" && (m["jti"] != nil || signed == "") {
		return Claims{}, invalid("sub or jti is missing or not a string")
	}
	if c.Confirmation, err = m.confirmation(); err != nil {
		return Claims{}, err
	}
	c.Scope, _ = m.text("scope") // some issuers send a list; the scope decides nothing
	c.ID = tokens.NewID(i.Name, c.JTI)
	if c.JTI == "" {
		sum := sha256.Sum256([]byte(signed))
		c.ID = tokens.NewID(i.Name, "\x00"+hex.EncodeToString(sum[:])) // no jti contains a zero byte
	}
	return c, m.externalTimes(&c, now, longest)
}

// isForCalls refuses tokens that an issuer signs with the same keys and for the same audience, but
// not for an API: ID tokens (OpenID Connect Core §3.1.3.6), logout tokens, Keycloak's refresh
// tokens, Cognito's ID tokens.
func (m members) isForCalls() error {
	for _, name := range []string{"at_hash", "c_hash", "events"} {
		if m[name] != nil {
			return invalid("not an access token")
		}
	}
	typ, ok1 := m.text("typ")
	use, ok2 := m.text("token_use")
	if !ok1 || !ok2 || typ != "" && !strings.EqualFold(typ, "Bearer") || !slices.Contains([]string{"", "access", "access_token"}, use) {
		return invalid("not an access token")
	}
	return nil
}

// clientIn returns the issuer's own name of the client. If several claims name it, they must agree.
func (i *Issuer) clientIn(m members) (client string, err error) {
	names := clientClaims
	if i.ClientClaim != "" {
		names = []string{i.ClientClaim}
	}
	for _, name := range names {
		s, ok := m.text(name)
		if !ok || s != "" && client != "" && s != client {
			return "", invalid("its claims name two clients, or one that is not a string")
		}
		if s != "" {
			client = s
		}
	}
	if client == "" {
		return "", invalid("no claim names the client")
	}
	return client, nil
}

// externalTimes reads the times of a token. A token with a longer lifetime than our own may have is
// valid for that long only. Its state is not stored for longer, and a token whose state was deleted
// must not start again.
func (m members) externalTimes(c *Claims, now time.Time, longest time.Duration) error {
	notBefore, ok1 := m.date("nbf")
	issued, ok2 := m.date("iat")
	expires, ok3 := m.date("exp")
	latest := now.Add(leeway)
	if !ok1 || !ok2 || !ok3 || issued.IsZero() || expires.IsZero() {
		return invalid("iat or exp is missing, or a time is invalid")
	}
	if issued.After(latest) || notBefore.After(latest) || !expires.After(issued) {
		return invalid("not yet valid, or never")
	}
	if end := issued.Add(longest); expires.After(end) {
		expires = end
	}
	if !now.Before(expires) {
		return ErrExpired
	}
	c.IssuedAt, c.Expires = issued, expires
	return nil
}
