package bearer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"stile.example/stile/tokens"
	"stile.example/stile/tokens/jws"
	"stile.example/stile/tokens/readable"
)

// AssertionType is the client_assertion_type of RFC 7523 §2.2.
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Bounds of assertions. Each is made for one request, and is stored until it is no longer accepted.
// Libraries choose lifetimes from a minute to an hour (Authlib), but send each assertion right
// after they have signed it. So one with a long lifetime is accepted for as long as a short one.
const (
	maxAssertion    = time.Hour       // from its issue to its expiry
	assertionUsable = 5 * time.Minute // from its issue; to its expiry if it has no iat
)

// AssertionAlgorithms lists the algorithms that an assertion may be signed with, as far as one of
// the client's keys is for it.
func AssertionAlgorithms() []string { return ExternalAlgorithms() }

// Assertions checks client assertions, the private_key_jwt of OpenID Connect Core §9: RFC 7523 with
// signatures by the client's own key. Each assertion is accepted once: those that may have been
// used before this process started are refused. Its methods are safe for concurrent use.
type Assertions struct {
	// Shared spends assertions for all servers of an installation; nil: this process is alone. It
	// reports whether it gets an id for the first time, and stores it until the assertion expires. If
	// it has lost what was stored when an assertion may have been made, it reports false.
	Shared func(ctx context.Context, id tokens.ID, made, expires time.Time) (fresh bool, err error)

	since     time.Time
	audiences []string
	used      replayCache
}

// AssertionError is an [ErrInvalid] about an assertion. Its reason tells the sender nothing about
// clients that do not belong to the sender: what it says about the claims of an assertion, it says
// after the signature of a client's key was checked.
type AssertionError struct {
	Reason string
	Signed bool // by a key of the client that it names
}

func (e *AssertionError) Error() string { return "client assertion: " + e.Reason }

func (e *AssertionError) Is(target error) bool { return target == ErrInvalid }

// NewAssertions returns an Assertions for the audiences that an assertion may name: the issuer of
// this server and the URLs of its endpoints at which clients authenticate. Errors name the first
// two. The used assertions are known from the time since on; the zero Time means all of them. So
// none that was issued in the second of since is accepted.
//
// An assertion of a client whose clock is up to 60 s ahead has a later iat than its first use. For
// that long after since, such an assertion can be used twice.
func NewAssertions(since time.Time, audiences ...string) (*Assertions, error) {
	if len(audiences) == 0 || slices.Contains(audiences, "") {
		return nil, errors.New("client assertions: the audience is missing")
	}
	return &Assertions{since: since, audiences: audiences}, nil
}

// Verify returns the client that the assertion authenticates, and spends the assertion. keys
// returns the JWK Set of a client, or "". An error that is not an [AssertionError] is internal.
func (a *Assertions) Verify(ctx context.Context, assertion string, keys func(client string) string, now time.Time) (client string, err error) {
	t, err := cut(assertion)
	if err != nil {
		return "", &AssertionError{Reason: "not a JWT of at most 4 KiB"}
	}
	h, err := readHeader(t)
	if err != nil {
		return "", &AssertionError{Reason: "the header is not a JSON object of the right types, has a duplicate name, or requires an extension"}
	}
	m, err := readPart(t.Payload)
	if err != nil {
		return "", &AssertionError{Reason: "the claims are not a JSON object, or have a duplicate name"}
	}
	client, why := namedClient(h, m)
	if why != "" {
		return "", &AssertionError{Reason: why}
	}
	if !signedBy(t, h, keys(client)) {
		return "", &AssertionError{Reason: "not signed by a key of this client: unknown client, key or kid, or an alg that is not the key's"}
	}
	usable, why := a.checkClaims(m, now)
	if why != "" {
		return "", a.about(m, &AssertionError{why, true}, now)
	}
	if fresh, err := a.spend(ctx, assertionID(client, m, t.Signed), m, usable, now); err != nil {
		return "", err
	} else if !fresh {
		return "", &AssertionError{"used before: each request needs a new one, with a jti of its own", true}
	}
	return client, nil
}

// spend reports whether an assertion is used for the first time.
func (a *Assertions) spend(ctx context.Context, id tokens.ID, m members, usable, now time.Time) (fresh bool, err error) {
	fresh, err = a.used.spend(id, usable, now)
	if err != nil || !fresh || a.Shared == nil {
		return fresh, err
	}
	made, _ := issueOf(m)
	if made.IsZero() {
		made = usable.Add(-assertionUsable)
	}
	return a.Shared(ctx, id, made, usable.Add(leeway))
}

// about adds to an error how the claims of an assertion differ from what they must be.
func (a *Assertions) about(m members, err error, now time.Time) error {
	if !a.meantForUs(m.audience()) {
		return differs{err, Difference{Claim: "aud", Got: readable.List(m.audience(), ", "), Want: a.audiences[0]}}
	}
	issued, _ := issueOf(m)
	if expires, _ := m.date("exp"); issued.IsZero() {
		issued = expires
	}
	if ahead := issued.Sub(now); !issued.IsZero() && (ahead > leeway || ahead < -leeway) {
		return differs{err, Difference{Ahead: ahead}}
	}
	return err
}

// namedClient returns the client that an assertion names, or why it can't be an assertion.
func namedClient(h header, m members) (client, why string) {
	issuer, ok1 := m.text("iss")
	subject, ok2 := m.text("sub")
	switch {
	case !slices.Contains([]string{"", "jwt", "client-authentication+jwt"}, h.typ):
		return "", "typ must be JWT, client-authentication+jwt, or missing"
	case methods[known(h.alg)] == nil:
		return "", "alg must be one of " + strings.Join(AssertionAlgorithms(), ", ")
	case !ok1 || !ok2 || issuer == "" || issuer != subject:
		return "", "iss and sub must both be the client_id"
	}
	return issuer, ""
}

// assertionID returns the ID under which an assertion is spent. One without a jti, which RFC 7523
// does not require, is identified by what was signed; not by its text, which has many spellings.
func assertionID(client string, m members, signed string) tokens.ID {
	if jti, _ := m.text("jti"); jti != "" {
		return tokens.NewID(client, jti)
	}
	sum := sha256.Sum256([]byte(signed))
	return tokens.NewID(client, "\x00"+hex.EncodeToString(sum[:])) // a zero byte: see checkClaims
}

// signedBy reports whether one of the keys has signed t. A kid selects the key. If the key or the
// header has none, the signature decides.
func signedBy(t jws.Parts, h header, jwks string) bool {
	set, err := ParseKeySet(jwks)
	if err != nil {
		return false // there is no set: ParseKeySet was called before the set was stored
	}
	signature, err := jws.Decode(t.Signature)
	if err != nil {
		return false
	}
	alg := known(h.alg)
	if methods[alg] == nil {
		return false
	}
	for _, k := range set.keys {
		named := k.kid == h.kid || k.kid == "" || h.kid == ""
		if named && k.fits(alg) && methods[alg].Verify(t.Signed, signature, k.public) == nil {
			return true
		}
	}
	return false
}

// checkClaims returns until when an assertion is accepted, or why it is not.
func (a *Assertions) checkClaims(m members, now time.Time) (usable time.Time, why string) {
	if jti, ok := m.text("jti"); !ok || strings.ContainsFunc(jti, unicode.IsControl) {
		return usable, "jti is not a text, or contains a control character"
	}
	if !a.meantForUs(m.audience()) {
		return usable, "aud must be " + strings.Join(a.audiences[:min(len(a.audiences), 2)], " or ") + ", and nothing else"
	}
	if usable, why = assertionTimes(m, now); why == "" {
		why = a.madeBefore(m)
	}
	return usable, why
}

// madeBefore returns why an assertion with valid times may have been used before the used ones are
// known, or "". One without iat is new if its exp was too far ahead then. An iat is a whole second,
// and may be from before since if it is of the same one: the process before this one may have
// accepted it then.
func (a *Assertions) madeBefore(m members) (why string) {
	issued, _ := issueOf(m)
	expires, _ := m.date("exp")
	switch {
	case a.since.IsZero():
	case issued.IsZero() && !expires.After(a.since.Add(leeway+assertionUsable)):
		return "it has no iat, and may have been issued before the server started: sign a new one with iat"
	case !issued.IsZero() && issued.Before(a.since):
		return "it may have been issued before the server started: sign a new one for each request"
	}
	return ""
}

// issueOf returns when an assertion was issued, as its iat or else its nbf says. It is zero if it
// has neither. ok is false if one is not a time.
func issueOf(m members) (issued time.Time, ok bool) {
	issued, ok1 := m.date("iat")
	notBefore, ok2 := m.date("nbf")
	if issued.IsZero() {
		issued = notBefore
	}
	return issued, ok1 && ok2
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

// assertionTimes returns until when an assertion with these times is accepted, or why it is not.
func assertionTimes(m members, now time.Time) (usable time.Time, why string) {
	issued, ok1 := issueOf(m)
	notBefore, _ := m.date("nbf")
	expires, ok2 := m.date("exp")
	latest := now.Add(leeway)
	switch {
	case !ok1 || !ok2:
		return usable, "iat, nbf or exp is not a time in seconds since 1970"
	case expires.IsZero():
		return usable, "exp is missing"
	case issued.After(latest) || notBefore.After(latest):
		return usable, "iat or nbf is more than 60 s ahead of this server's clock"
	case !now.Before(expires):
		return usable, "expired"
	case issued.IsZero() && expires.After(latest.Add(assertionUsable)):
		return usable, "lives too long: without iat, exp must be at most 5 minutes ahead"
	case issued.IsZero():
		return expires, ""
	case expires.Sub(issued) > maxAssertion:
		return usable, "lives too long: exp must be at most an hour after iat"
	}
	if usable = issued.Add(assertionUsable); expires.Before(usable) {
		usable = expires
	}
	if !now.Before(usable) {
		return usable, "too old: iat must be less than 5 minutes ago; sign a new one for each request"
	}
	return usable, ""
}
