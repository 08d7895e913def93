package bearer

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"

	"stile.example/stile/tokens"
)

// leeway is how far in our future a token may have been issued: the clocks of
// two servers differ. An expiry has none.
const leeway = time.Minute

// Verifier checks the tokens that are signed by keys of our own, and those of
// the outside issuers that it is told to trust. Its methods may be called at
// once from many goroutines.
type Verifier struct {
	keys        *Keys
	issuer      string
	audience    string
	maxLifetime time.Duration
	outside     external
	memory      tokenCache
}

// NewVerifier is a Verifier of tokens with exactly this issuer and audience,
// and of no token that claims to live longer than maxLifetime. That should be
// the longest lifetime that any setting allows, not today's: else a shorter
// setting would end the tokens that are out.
func NewVerifier(keys *Keys, issuer, audience string, maxLifetime time.Duration) (*Verifier, error) {
	if keys == nil || issuer == "" || audience == "" || maxLifetime <= 0 {
		return nil, errors.New("verifier: it needs keys, an issuer, an audience and a longest lifetime")
	}
	return &Verifier{keys: keys, issuer: issuer, audience: audience, maxLifetime: maxLifetime}, nil
}

// Verify returns the claims of a good token. A token that it has verified
// before, under the same keys, costs one hash. Whatever can be refused without
// looking at the signature is: so [ErrExpired] says of a token only that it
// would not be good even if it were genuine.
//
// It is for callers without a source; see [Verifier.VerifyFrom].
func (v *Verifier) Verify(token string, now time.Time) (Claims, error) {
	return v.VerifyFrom(token, Source{}, now)
}

// VerifyFrom is [Verifier.Verify] for a token that came from a source. The
// source decides only whether an issuer is asked about a token that is not a
// JWT. If it is not, the error is neither [ErrInvalid] nor [ErrExpired].
func (v *Verifier) VerifyFrom(token string, from Source, now time.Time) (Claims, error) {
	c, by, err := v.verify(token, from, now)
	if err == nil && by != nil && by.ForExchange {
		return Claims{}, invalid("good at the token endpoint only")
	}
	return c, err
}

// verify also says by which outside issuer the token is; nil is ourselves.
func (v *Verifier) verify(token string, from Source, now time.Time) (Claims, *Issuer, error) {
	if len(token) > MaxLength {
		return Claims{}, nil, invalid("longer than 4 KiB")
	}
	set, sum := v.keys.set.Load(), sha256.Sum256([]byte(token))
	if c, by, ok := v.recall(sum, set, now); ok {
		return c, by, nil
	}
	t, err := cut(token)
	if err == notThreeParts && v.outside.opaque != nil && strings.Count(token, ".") != 2 {
		c, err := v.outside.opaque.introspected(token, from, now, v.maxLifetime)
		return c, v.outside.opaque, err
	}
	if err != nil {
		return Claims{}, nil, err
	}
	if m, by := v.outside.issuerOf(t); by != nil {
		c, generation, err := by.verifyClaims(t, m, now, v.maxLifetime)
		if err == nil {
			v.memory.keep(sum, keyVersion{by.number, generation}, c)
		}
		return c, by, err
	}
	c, key, err := v.check(t, set, now)
	if err == nil && key.alive(c.Expires) { // else the key, not the token, says when it ends
		v.memory.keep(sum, keyVersion{0, set.generation}, c)
	}
	return c, nil, err
}

// recall is a token that was found good before, by the keys of today.
func (v *Verifier) recall(sum [sha256.Size]byte, set *keySet, now time.Time) (Claims, *Issuer, bool) {
	c, by, ok := v.memory.find(sum)
	switch {
	case !ok || !now.Before(c.Expires):
		return Claims{}, nil, false
	case by.source == 0:
		c.Issuer = v.issuer
		return c, nil, by.generation == set.generation
	}
	i := v.outside.list[by.source-1]
	keys, err := i.Keys.Keys(now)
	c.Issuer = i.Name
	return c, i, err == nil && keys.Generation == by.generation
}

// check asks the cheap questions first: a signature costs more than all else.
func (v *Verifier) check(t jws, set *keySet, now time.Time) (c Claims, k *key, err error) {
	if k, err = keyFor(t, set, now); err != nil {
		return c, nil, err
	}
	if c, err = v.readClaims(t.payload, now); err != nil {
		return Claims{}, nil, err
	}
	signature, err := decodePart(t.signature)
	if err != nil || k.method.Verify(t.signed, signature, k.public) != nil {
		return Claims{}, nil, invalid("wrong signature")
	}
	return c, k, nil
}

// keyFor is the one key that may have signed t.
func keyFor(t jws, set *keySet, now time.Time) (*key, error) {
	h, err := t.readHeader()
	if err != nil {
		return nil, err
	}
	if h.typ != "at+jwt" { // RFC 9068 §4: nothing else is an access token
		return nil, invalid("typ is not at+jwt")
	}
	k := set.find(h.kid, now)
	if k == nil {
		return nil, invalid("unknown key")
	}
	if h.alg != k.method.Alg() {
		return nil, invalid("not the key's algorithm")
	}
	return k, nil
}

func (v *Verifier) readClaims(payload string, now time.Time) (c Claims, err error) {
	m, err := readPart(payload)
	if err != nil {
		return c, invalid("claims are no JSON object, or have a name twice")
	}
	if c, err = m.claims(); err != nil {
		return c, err
	}
	if c.Issuer != v.issuer {
		return c, invalid("wrong issuer")
	}
	if !slices.Contains(m.audience(), v.audience) {
		return c, invalid("wrong audience")
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
		return invalid("lives longer than a token may")
	case !now.Before(c.Expires):
		return ErrExpired
	}
	return nil
}

// claims reads what RFC 9068 §2.2 requires of a token, its scope, and the number
// of its tenant.
func (m members) claims() (c Claims, err error) {
	for _, claim := range []struct {
		name string
		to   *string
	}{{"iss", &c.Issuer}, {"sub", &c.Subject}, {"client_id", &c.Client}, {"jti", &c.JTI}} {
		var ok bool
		if *claim.to, ok = m.text(claim.name); !ok || *claim.to == "" {
			return c, invalid("no iss, sub, client_id or jti, or not as text")
		}
	}
	var ok1, ok2, ok3 bool
	if c.Tenant, ok1 = m.number("tenant"); !ok1 {
		return c, invalid("tenant is not a tenant's number")
	}
	c.Scope, ok1 = m.text("scope")
	c.IssuedAt, ok2 = m.date("iat")
	c.Expires, ok3 = m.date("exp")
	if !ok1 || !ok2 || !ok3 || c.IssuedAt.IsZero() || c.Expires.IsZero() {
		return c, invalid("no iat or exp, or a claim of the wrong type")
	}
	c.ID = tokens.NewID(c.Issuer, c.JTI)
	c.Confirmation, err = m.confirmation()
	return c, err
}
