package bearer

import (
	"errors"
	"slices"
	"time"

	"stile.example/stile/tokens"
)

// AssertionType is the client_assertion_type of RFC 7523 §2.2.
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxAssertion is how far ahead an assertion may expire. It is made for one request, and each one
// is stored until it has expired.
const maxAssertion = 5 * time.Minute

// Assertions checks client assertions, the private_key_jwt of OpenID Connect Core §9: RFC 7523 with
// signatures by the client's own key. Each assertion is accepted once. Its methods are safe for
// concurrent use.
type Assertions struct {
	audiences []string
	used      replayCache
}

// NewAssertions returns an Assertions for the audiences that an assertion may name: the issuer of
// this server and the URL of its token endpoint.
func NewAssertions(audiences ...string) (*Assertions, error) {
	if len(audiences) == 0 || slices.Contains(audiences, "") {
		return nil, errors.New("client assertions: the audience is missing")
	}
	return &Assertions{audiences: audiences}, nil
}

// Verify returns the client that the assertion authenticates, and spends the assertion. keys
// returns the JWK Set of a client, or "". An error that is neither [ErrInvalid] nor [ErrExpired] is
// internal.
func (a *Assertions) Verify(assertion string, keys func(client string) string, now time.Time) (client string, err error) {
	t, err := cut(assertion)
	if err != nil {
		return "", err
	}
	h, err := t.readHeader()
	if err != nil {
		return "", err
	}
	if !slices.Contains([]string{"", "jwt", "client-authentication+jwt"}, h.typ) {
		return "", invalid("typ is not a client assertion's")
	}
	c, err := a.readClaims(t.payload, now)
	if err != nil {
		return "", err
	}
	if !signedBy(t, h, keys(c.Client)) {
		return "", invalid("not signed by a key of this client")
	}
	if err := a.used.spend(tokens.NewID(c.Client, c.JTI), c.Expires, now); err != nil {
		return "", err
	}
	return c.Client, nil
}

// signedBy reports whether one of the keys has signed t. A kid selects the key. If the key or the
// header has none, the signature decides.
func signedBy(t jws, h header, jwks string) bool {
	set, err := ParseKeySet(jwks)
	if err != nil {
		return false // there is no set: ParseKeySet was called before the set was stored
	}
	signature, err := decodePart(t.signature)
	if err != nil {
		return false
	}
	for _, k := range set.keys {
		named := k.kid == h.kid || k.kid == "" || h.kid == ""
		if named && known(h.alg) == k.method.Alg() && k.method.Verify(t.signed, signature, k.public) == nil {
			return true
		}
	}
	return false
}

func (a *Assertions) readClaims(payload string, now time.Time) (c Claims, err error) {
	m, err := readPart(payload)
	if err != nil {
		return c, invalid("claims are not a JSON object, or have a duplicate name")
	}
	issuer, ok1 := m.text("iss")
	subject, ok2 := m.text("sub")
	jti, ok3 := m.text("jti")
	if !ok1 || !ok2 || !ok3 || issuer == "" || issuer != subject || jti == "" {
		return c, invalid("iss and sub must both be the client_id, and jti must not be missing")
	}
	if !a.meantForUs(m.audience()) {
		return c, invalid("wrong audience")
	}
	c = Claims{Client: issuer, JTI: jti}
	c.Expires, err = assertionTimes(m, now)
	return c, err
}

// meantForUs reports whether the audience is this server alone. Another server that got the same
// assertion could forward it to us.
func (a *Assertions) meantForUs(audience []string) bool {
	for _, aud := range audience {
		if !slices.Contains(a.audiences, aud) {
			return false
		}
	}
	return len(audience) > 0
}

func assertionTimes(m members, now time.Time) (expires time.Time, err error) {
	issued, ok1 := m.date("iat")
	notBefore, ok2 := m.date("nbf")
	expires, ok3 := m.date("exp")
	latest := now.Add(leeway)
	switch {
	case !ok1 || !ok2 || !ok3 || expires.IsZero():
		return expires, invalid("exp is missing, or a time is invalid")
	case issued.After(latest) || notBefore.After(latest):
		return expires, invalid("not yet valid")
	case expires.After(latest.Add(maxAssertion)):
		return expires, invalid("expires more than 5 minutes from now")
	case !now.Before(expires):
		return expires, ErrExpired
	}
	return expires, nil
}
