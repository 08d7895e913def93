package bearer

import (
	"crypto/hmac"
	"crypto/sha256"
	"io"
	"slices"
	"strings"
)

// personOf returns the name of the person of an external issuer's token, zero if the token does not
// show a sign-in. The key keeps those who read the names from finding out which subject one stands
// for.
func (v *Verifier) personOf(c Claims) (name [16]byte) {
	if !c.signedIn {
		return name
	}
	mac := hmac.New(sha256.New, v.keys.SecretKey())
	io.WriteString(mac, "person\x00"+c.Issuer+"\x00"+c.Subject)
	copy(name[:], mac.Sum(nil))
	return name
}

// isPerson reports whether the subject of a token that shows a sign-in can be a person. All tokens
// of a person count once at an address, so unknown means no: a tenant's server with one subject
// would hand out tokens to all its visitors that count as one.
func (i *Issuer) isPerson(m members) bool {
	subject, ok := m.text("sub")
	return ok && subject != "" && !m.isMachine() && !i.namesClient(m, subject)
}

// hasAuthTime reports whether a token says when a person signed in. auth_time is the claim of RFC
// 9068 §2.2.1 and OpenID Connect; Keycloak and Okta put it into access tokens. Keycloak gives
// service accounts sid, session_state and acr too, so these show nothing.
func (m members) hasAuthTime() bool {
	at, ok := m.date("auth_time")
	return ok && at.Unix() > 0
}

// hasUsername reports whether the response to an introspection names the human who authorized the
// token (RFC 7662 §2.2), and not the client. In a JWT, username shows nothing.
func (i *Issuer) hasUsername(m members) bool {
	name, ok := m.text("username")
	return ok && name != "" && !i.namesClient(m, name)
}

// isMachine reports whether a token says that a client got it for itself: Keycloak by the name of
// the service account or where it called from, Auth0 by gty, Entra ID by idtyp.
func (m members) isMachine() bool {
	if m["clientHost"] != nil || m["clientAddress"] != nil {
		return true
	}
	return m.saysOf(func(s string) bool { return strings.HasPrefix(s, "service-account-") }, "preferred_username", "username") ||
		m.saysOf(func(s string) bool { return s == "client-credentials" || s == "client_credentials" }, "gty", "grant_type") ||
		m.saysOf(func(s string) bool { return s == "app" }, "idtyp")
}

// saysOf reports whether one of the claims is such a text, in lower case, or is not a text.
func (m members) saysOf(such func(string) bool, claims ...string) bool {
	return slices.ContainsFunc(claims, func(name string) bool {
		s, ok := m.text(name)
		return !ok || such(strings.ToLower(s))
	})
}

// namesClient reports whether a subject is a client: that of the token, or one of the issuer's. In
// Auth0's tokens @clients follows its name.
func (i *Issuer) namesClient(m members, subject string) bool {
	if strings.HasSuffix(strings.ToLower(subject), "@clients") {
		return true
	}
	for name := range i.Clients {
		if strings.EqualFold(name, subject) {
			return true
		}
	}
	claims := append(slices.Clone(clientClaims), i.clientClaims()...)
	return m.saysOf(func(s string) bool { return s == strings.ToLower(subject) }, claims...)
}
