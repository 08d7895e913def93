package bearer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"stile.example/stile/tokens/jws"
	"stile.example/stile/tokens/readable"
)

// Issuer is an external authorization server whose tokens are accepted. Its fields must not change
// after [Verifier.Trust].
type Issuer struct {
	Name        string            // the claim iss, compared exactly, including any slash at its end
	Audiences   []string          // the claim aud must contain one of them
	Algorithms  []string          // some of [ExternalAlgorithms]
	Types       []string          // the header's typ, in lower case: at+jwt, jwt, "" for none
	ClientClaim string            // the claim that names the client; "" for the usual ones
	IDClaim     string            // the claim that distinguishes its tokens; "" for jti
	Clients     map[string]string // the issuer's name of a client -> the tenant's client_id
	ForExchange bool              // its tokens authenticate tenants, and make no calls
	Keys        Keyring
	Opaque      Introspector // nil: only JWTs are accepted from this issuer

	// RequireAudience refuses opaque tokens whose introspection does not name an audience.
	RequireAudience bool

	number uint32 // in the token cache, from 1
}

// Keyring returns the keys of an external issuer. An error is a fault, and says nothing about a
// token. Its methods must be safe for concurrent use.
type Keyring interface {
	// Keys returns the keys that verify at now. It is called for each call, so it must be cheap. It
	// may wait only if there are none: never fetched, or too old.
	Keys(now time.Time) (*IssuerKeys, error)
	// Renewed returns the keys, fetched again if that is allowed, because a token that was issued
	// at that time names a key that is not among them. It returns an error if the keys may have
	// changed and could not be fetched.
	Renewed(now, issued time.Time) (*IssuerKeys, error)
}

// Source says where a token came from. Introspection of invented tokens is counted for it. The zero
// Source is that of the operator's own commands.
type Source struct {
	Address netip.Addr // canonical; of a caller without credentials
	Client  string     // of a tenant's server that has authenticated, else ""
}

// Introspector asks an external issuer about a token that is not a JWT.
type Introspector interface {
	// Introspect returns the issuer's response. If it is active, it is at most 1 minute old,
	// otherwise at most 10 minutes. An error says nothing about the token.
	Introspect(token string, from Source, now time.Time) (Introspection, error)
}

// external is the external issuers that a Verifier trusts. The zero external trusts no issuer.
type external struct {
	list   []*Issuer
	byName map[string]*Issuer
	opaque *Issuer // the one with introspection; nil: there is none
}

// Trust makes v accept the tokens of these issuers too. It must be called at most once, before the
// first token is verified.
func (v *Verifier) Trust(issuers []*Issuer) error {
	o := external{list: issuers, byName: map[string]*Issuer{}}
	for n, i := range issuers {
		switch {
		case i.Name == v.issuer:
			return fmt.Errorf("issuer %s: must not be this server itself", i.Name)
		case o.byName[i.Name] != nil:
			return fmt.Errorf("issuer %s: must not be listed twice", i.Name)
		case i.Name == "" || len(i.Audiences) == 0 || len(i.Algorithms) == 0 || i.Keys == nil:
			return fmt.Errorf("issuer %s: the name, the audience, the algorithms or the keys are missing", i.Name)
		case i.Opaque != nil && o.opaque != nil:
			return errors.New("only one issuer can have introspection: tokens that are not JWTs do not name their issuer")
		}
		if i.Opaque != nil {
			o.opaque = i
		}
		i.number, o.byName[i.Name] = uint32(n+1), i
	}
	v.external = o
	return nil
}

// VerifySubject returns the claims of a valid token of an external issuer, to be exchanged for
// stile tokens. It reports whether the token alone authenticates the caller: an issuer's tokens are
// either for that or for calls. Otherwise a visitor could exchange a token for many.
func (v *Verifier) VerifySubject(token string, from Source, now time.Time) (c Claims, alone bool, err error) {
	c, by, err := v.verify(token, from, now)
	switch {
	case err != nil:
		return Claims{}, false, err
	case by == nil:
		return Claims{}, false, invalid("a stile token can't be exchanged")
	case c.Confirmation != [sha256.Size]byte{}:
		return Claims{}, false, invalid("its issuer has bound it to a key, and an exchange would unbind it")
	}
	return c, by.ForExchange, nil
}

// issuerOf returns the external issuer that t names, and the claims of t, or nil. Nothing of it has
// been verified yet.
func (o *external) issuerOf(t jws.Parts) (members, *Issuer) {
	if len(o.list) == 0 {
		return nil, nil
	}
	m, err := readPart(t.Payload)
	if err != nil {
		return nil, nil // the check of our own tokens returns the reason
	}
	name, _ := m.text("iss")
	return m, o.byName[name]
}

// verifyClaims checks what is cheap first. It fetches keys and checks the signature only if
// everything else is valid.
func (i *Issuer) verifyClaims(t jws.Parts, m members, at moment) (c Claims, generation uint32, err error) {
	h, err := readHeader(t)
	if err != nil {
		return c, 0, err
	}
	if err := i.checkHeader(&h); err != nil {
		return c, 0, err
	}
	if c, err = i.readClaims(m, at); err != nil {
		return Claims{}, 0, err
	}
	if err = i.identify(&c, t, h.alg); err != nil {
		return Claims{}, 0, err
	}
	if generation, err = i.checkSignature(t, h, c.IssuedAt, at.now); err != nil {
		return Claims{}, 0, err
	}
	c.signedIn = m.hasAuthTime() && i.isPerson(m)
	return c, generation, nil
}

// checkSignature checks the signature of a token that was issued at a time, by each key that may
// have made it. It returns the generation of the keys.
func (i *Issuer) checkSignature(t jws.Parts, h header, issued, now time.Time) (generation uint32, err error) {
	keys, generation, err := i.keysFor(h, issued, now)
	if err != nil {
		return 0, err
	}
	signature, err := jws.Decode(t.Signature)
	if err != nil {
		return 0, invalid("the signature is not base64url")
	}
	for _, k := range keys {
		if methods[h.alg].Verify(t.Signed, signature, k) == nil {
			return generation, nil
		}
	}
	return 0, invalid("wrong signature: none of the issuer's keys of that kid and alg made it")
}

func (i *Issuer) checkHeader(h *header) error {
	h.alg = known(h.alg)
	switch {
	case !slices.Contains(i.Algorithms, h.alg) || methods[h.alg] == nil:
		return invalidf("alg is %s, want %s", readable.Text(h.alg), strings.Join(i.Algorithms, ", "))
	case !slices.Contains(i.Types, h.typ):
		return invalidf("the header's typ is %s, want %s", readable.Allowed([]string{h.typ}), readable.Allowed(i.Types))
	case !goodKID(h.kid):
		return invalid("kid is not a valid name of a key")
	}
	return nil
}

// introspected returns the claims that the issuer has for a token that is not a JWT.
func (i *Issuer) introspected(token string, from Source, at moment) (Claims, error) {
	answer, err := i.Opaque.Introspect(token, from, at.now)
	if err != nil {
		return Claims{}, err
	}
	m, err := object(answer.Text)
	if err != nil {
		return Claims{}, fmt.Errorf("introspection: the response is %w", err)
	}
	if string(m["active"]) != "true" {
		return Claims{}, invalid("not active, according to its issuer")
	}
	i.complete(m, token, answer.Since)
	if err := m.isAccessToken(); err != nil {
		return Claims{}, err
	}
	if name, ok := m.text("iss"); !ok || name != "" && name != i.Name {
		return Claims{}, invalidf("the response to its introspection names another issuer, %s", readable.Text(name))
	}
	c, err := i.readClaims(m, at)
	c.signedIn = (m.hasAuthTime() || i.hasUsername(m)) && i.isPerson(m)
	if err == nil && c.JTI == "" {
		return Claims{}, invalidf("the response to its introspection has no %s", i.idClaim())
	}
	return c, err
}
