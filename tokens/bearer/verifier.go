package bearer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stile.example/stile/slots"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/jws"
	"stile.example/stile/tokens/readable"
	"stile.example/stile/tokens/signing"
)

// leeway is how far in the future a token may have been issued, because the clocks of two servers
// differ. There is no leeway for the expiry.
const leeway = time.Minute

// Verifier verifies tokens signed by our own keys, and those of the external issuers that it
// trusts. Its methods are safe for concurrent use.
type Verifier struct {
	keys        *signing.Keys
	issuer      string
	audience    string
	maxLifetime time.Duration
	external    external
	cache       tokenCache
}

// NewVerifier returns a Verifier of tokens with exactly this issuer and audience, and with a
// lifetime of at most maxLifetime. That should be the maximum that any setting allows, not the
// current setting: otherwise a shorter setting would invalidate existing tokens.
func NewVerifier(keys *signing.Keys, issuer, audience string, maxLifetime time.Duration) (*Verifier, error) {
	if keys == nil || issuer == "" || audience == "" || maxLifetime <= 0 {
		return nil, errors.New("verifier: the keys, the issuer, the audience or the maximum lifetime is missing")
	}
	return &Verifier{keys: keys, issuer: issuer, audience: audience, maxLifetime: maxLifetime}, nil
}

// Verify returns the claims of a valid token. For a token that it has verified before, under the
// same keys, it only computes one hash. It refuses whatever it can without checking the signature.
// So [ErrExpired] only says that the token would be invalid even if the signature were valid.
//
// It is for callers without a source; see [Verifier.VerifyFrom].
func (v *Verifier) Verify(token string, now time.Time) (Claims, error) {
	return v.VerifyFrom(token, Source{}, now)
}

// VerifyFrom is [Verifier.Verify] for a token that came from a source. The source only decides
// whether an issuer is asked about a token that is not a JWT. If the issuer is not asked, the error
// is neither [ErrInvalid] nor [ErrExpired].
func (v *Verifier) VerifyFrom(token string, from Source, now time.Time) (Claims, error) {
	c, by, err := v.verify(token, from, now)
	if err == nil && by != nil && by.ForExchange {
		return Claims{}, about(by, invalid("valid at the token endpoint only: accept is exchange"))
	}
	return c, err
}

// verify also returns the external issuer of the token, nil for our own tokens.
func (v *Verifier) verify(token string, from Source, now time.Time) (Claims, *Issuer, error) {
	if len(token) > MaxLength {
		return Claims{}, nil, invalid("longer than 4 KiB")
	}
	set, key := v.keys.Set(), v.cache.key(token)
	if c, by, ok := v.recall(key, token, set, now); ok {
		return c, by, nil
	}
	at := moment{now, v.maxLifetime}
	t, err := cut(token)
	if err == notThreeParts && v.external.opaque != nil && strings.Count(token, ".") != 2 {
		by := v.external.opaque
		c, err := by.introspected(token, from, at)
		c.Person = v.personOf(c)
		return c, by, about(by, err)
	}
	if err != nil {
		return Claims{}, nil, err
	}
	if m, by := v.external.issuerOf(t); by != nil {
		c, generation, err := by.verifyClaims(t, m, at)
		if err == nil {
			c.Person = v.personOf(c)
			v.cache.put(key, token, by, keyVersion{by.number, generation}, c, now)
		}
		return c, by, about(by, err)
	}
	c, signer, err := v.check(t, set, now)
	if err == nil && signer.VerifiesAt(c.Expires) { // else the key expires before the token
		v.cache.put(key, token, nil, keyVersion{0, set.Generation}, c, now)
	}
	return c, nil, v.orUnknownIssuer(t, err)
}

// orUnknownIssuer returns the reason why a token is invalid that is not an external issuer's: above
// all, that its issuer is unknown.
func (v *Verifier) orUnknownIssuer(t jws.Parts, err error) error {
	if err == nil || !errors.Is(err, ErrInvalid) {
		return err
	}
	m, unreadable := readPart(t.Payload)
	if unreadable != nil {
		return err
	}
	name, ok := m.text("iss")
	switch {
	case !ok || name == "":
		return invalid("iss is missing, or not a text")
	case name == v.issuer:
		return err
	}
	for _, i := range v.external.list {
		if strings.TrimSuffix(name, "/") == strings.TrimSuffix(i.Name, "/") {
			return differs{foreignf("unknown issuer %s: the settings have %s, and the slash at the end counts", readable.Text(name), i.Name),
				Difference{Claim: "iss", Got: readable.Text(name), Want: i.Name}}
		}
	}
	return differs{foreignf("unknown issuer %s: it is neither public_url (%s) nor one of the issuers in the settings", readable.Text(name), v.issuer),
		Difference{Claim: "iss", Got: readable.Text(name), Want: v.issuer}}
}

func foreignf(format string, args ...any) error {
	return foreign{invalid(fmt.Sprintf(format, args...))}
}

// recall returns a cached token, if the current keys verified it.
func (v *Verifier) recall(key slots.Key, token string, set *signing.Set, now time.Time) (Claims, *Issuer, bool) {
	c, by, ok := v.cache.get(key, token, v.external.list)
	switch {
	case !ok || !now.Before(c.Expires):
		return Claims{}, nil, false
	case by.source == 0:
		c.Issuer = v.issuer
		return c, nil, by.generation == set.Generation
	}
	i := v.external.list[by.source-1]
	keys, err := i.Keys.Keys(now)
	c.Issuer = i.Name
	c.Person = v.personOf(c)
	return c, i, err == nil && keys.Generation == by.generation
}

// check checks what is cheap first: a signature costs more than everything else.
func (v *Verifier) check(t jws.Parts, set *signing.Set, now time.Time) (c Claims, k *signing.Key, err error) {
	if k, err = keyFor(t, set, now); err != nil {
		return c, nil, err
	}
	if c, err = v.readClaims(t.Payload, now); err != nil {
		return Claims{}, nil, err
	}
	if err = verifySignature(k, t); err != nil {
		return Claims{}, nil, err
	}
	return c, k, nil
}

// keyFor returns the one key that may have signed t.
func keyFor(t jws.Parts, set *signing.Set, now time.Time) (*signing.Key, error) {
	h, err := readHeader(t)
	if err != nil {
		return nil, err
	}
	if h.typ != "at+jwt" { // RFC 9068 §4: no other type is an access token
		return nil, invalidf("the header's typ is %s, want at+jwt", readable.Text(h.typ))
	}
	k := set.Find(h.kid, now)
	if k == nil {
		return nil, invalidf("kid is %s: this server has no such key", readable.Text(h.kid))
	}
	if h.alg != k.Alg() {
		return nil, invalidf("alg is %s, which is not for its key", readable.Text(h.alg))
	}
	return k, nil
}

func (v *Verifier) readClaims(payload string, now time.Time) (c Claims, err error) {
	m, err := readPart(payload)
	if err != nil {
		return c, invalid("claims are not a JSON object, or have a duplicate name")
	}
	if c, err = m.claims(); err != nil {
		return c, err
	}
	if c.Issuer != v.issuer {
		return c, invalidf("iss is %s, want %s", readable.Text(c.Issuer), v.issuer)
	}
	if !slices.Contains(m.audience(), v.audience) {
		got := readable.List(m.audience(), ", ")
		return c, differs{invalidf("aud is %s, want %s", got, v.audience), Difference{Claim: "aud", Got: got, Want: v.audience}}
	}
	return c, v.checkTimes(c, m, now)
}

func (v *Verifier) checkTimes(c Claims, m members, now time.Time) error {
	notBefore, ok := m.date("nbf")
	latest := now.Add(leeway)
	switch {
	case !ok || c.IssuedAt.After(latest) || notBefore.After(latest):
		return invalid("not yet valid")
	case !c.Expires.After(c.IssuedAt) || c.Expires.Sub(c.IssuedAt) > v.maxLifetime:
		return invalid("its lifetime is longer than allowed")
	case !now.Before(c.Expires):
		return expiredSince(c.Expires, now)
	}
	return nil
}

// claims reads the claims that RFC 9068 §2.2 requires of a token, its scope, and the number of its
// tenant.
func (m members) claims() (c Claims, err error) {
	for _, claim := range []struct {
		name string
		to   *string
	}{{"iss", &c.Issuer}, {"sub", &c.Subject}, {"client_id", &c.Client}, {"jti", &c.JTI}} {
		var ok bool
		if *claim.to, ok = m.text(claim.name); !ok || *claim.to == "" {
			return c, invalid("iss, sub, client_id or jti is missing or not a string")
		}
	}
	var ok1, ok2, ok3 bool
	if c.Tenant, ok1 = m.number("tenant"); !ok1 {
		return c, invalid("tenant is not the number of a tenant")
	}
	if c.MaxCalls, ok1 = m.number("calls"); !ok1 {
		return c, invalid("calls is not a number of calls")
	}
	c.Scope, ok1 = m.text("scope")
	c.IssuedAt, ok2 = m.date("iat")
	c.Expires, ok3 = m.date("exp")
	if !ok1 || !ok2 || !ok3 || c.IssuedAt.IsZero() || c.Expires.IsZero() {
		return c, invalid("iat or exp is missing, or a claim has the wrong type")
	}
	c.ID = tokens.NewID(c.Issuer, c.JTI)
	c.Confirmation, err = m.confirmation()
	return c, err
}
