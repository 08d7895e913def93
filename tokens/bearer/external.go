package bearer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Issuer is an outside authorization server whose tokens are taken. Its fields
// must not change once it is trusted.
type Issuer struct {
	Name        string            // the claim iss, compared exactly, slash and all
	Audiences   []string          // the claim aud must have one of them
	Algorithms  []string          // some of [ExternalAlgorithms]
	Types       []string          // the header's typ, in small letters: at+jwt, jwt, "" for none
	ClientClaim string            // the claim that names the client; "" for the usual ones
	Clients     map[string]string // the issuer's name of a client -> the tenant's client_id
	ForExchange bool              // its tokens are no good for calls: they are a tenant's credential at the token endpoint
	Keys        Keyring
	Opaque      Introspector // nil: of this issuer only JWTs are taken

	number uint32 // in the memory of good tokens, from 1
}

// Keyring has the keys of an outside issuer. An error is a fault, and never a
// word about a token. Its methods may be called at once from many goroutines.
type Keyring interface {
	// Keys are those that verify at now. It is asked at each call, so it must
	// be cheap; it may wait only while there have never been any.
	Keys(now time.Time) (*IssuerKeys, error)
	// Renewed are the keys, asked for again if that may be: a token that was
	// issued at that time names one that is not among them. It is an error
	// where they may have changed and could not be had.
	Renewed(now, issued time.Time) (*IssuerKeys, error)
}

// Source is who sent a token. Questions about made-up tokens are counted for
// it. The zero Source is the operator's own commands.
type Source struct {
	Address netip.Addr // normalised; of a caller without credentials
	Client  string     // of a tenant's server that has authenticated, else ""
}

// Introspector asks an outside issuer about a token that is no JWT.
type Introspector interface {
	// Introspect returns the issuer's answer (RFC 7662 §2.2), a JSON object. An
	// active one is at most 1 minute old, an inactive one at most 10. An error
	// says nothing about the token.
	Introspect(token string, from Source, now time.Time) ([]byte, error)
}

// external is the issuers that a Verifier trusts. The zero outside is none.
type external struct {
	list   []*Issuer
	byName map[string]*Issuer
	opaque *Issuer // the one that is asked about tokens that are no JWT; nil: nobody
}

// Trust makes v take the tokens of these issuers too. It is called once,
// before the first token is verified.
func (v *Verifier) Trust(issuers []*Issuer) error {
	o := external{list: issuers, byName: map[string]*Issuer{}}
	for n, i := range issuers {
		switch {
		case i.Name == v.issuer:
			return fmt.Errorf("issuer %s: is this server itself", i.Name)
		case o.byName[i.Name] != nil:
			return fmt.Errorf("issuer %s: is named twice", i.Name)
		case i.Name == "" || len(i.Audiences) == 0 || len(i.Algorithms) == 0 || i.Keys == nil:
			return fmt.Errorf("issuer %s: it needs a name, an audience, an algorithm and keys", i.Name)
		case i.Opaque != nil && o.opaque != nil:
			return errors.New("only one issuer can be asked about tokens that are no JWT: nothing in them says whose they are")
		}
		if i.Opaque != nil {
			o.opaque = i
		}
		i.number, o.byName[i.Name] = uint32(n+1), i
	}
	v.outside = o
	return nil
}

// VerifySubject returns the claims of a good token of an outside issuer, to be
// exchanged for tokens of our own. It says whether the token alone proves who
// asks: an issuer's tokens are either for that or for calls. Else a visitor
// who was given a token could make many of it.
func (v *Verifier) VerifySubject(token string, from Source, now time.Time) (c Claims, alone bool, err error) {
	c, by, err := v.verify(token, from, now)
	switch {
	case err != nil:
		return Claims{}, false, err
	case by == nil:
		return Claims{}, false, invalid("a token of our own is not exchanged")
	case c.Confirmation != [sha256.Size]byte{}:
		return Claims{}, false, invalid("bound to a key by its issuer: to exchange it would unbind it")
	}
	return c, by.ForExchange, nil
}

// issuerOf is the outside issuer that t claims to be by, with what else t
// claims, or nil. Nothing of it is believed yet.
func (o *external) issuerOf(t jws) (members, *Issuer) {
	if len(o.list) == 0 {
		return nil, nil
	}
	m, err := readPart(t.payload)
	if err != nil {
		return nil, nil // our own check says what is wrong
	}
	name, _ := m.text("iss")
	return m, o.byName[name]
}

// verifyClaims asks the cheap questions first, and for keys only when a token has the
// right answers to all of them.
func (i *Issuer) verifyClaims(t jws, m members, now time.Time, longest time.Duration) (c Claims, generation uint32, err error) {
	h, err := t.readHeader()
	if err != nil {
		return c, 0, err
	}
	if err := i.checkHeader(&h); err != nil {
		return c, 0, err
	}
	c, err = i.readClaims(m, t.signed, now, longest)
	if err != nil {
		return Claims{}, 0, err
	}
	k, generation, err := i.keyFor(h, c.IssuedAt, now)
	if err != nil {
		return Claims{}, 0, err
	}
	signature, err := decodePart(t.signature)
	if err != nil || methods[h.alg].Verify(t.signed, signature, k) != nil {
		return Claims{}, 0, invalid("wrong signature")
	}
	return c, generation, nil
}

func (i *Issuer) checkHeader(h *header) error {
	if h.alg == "Ed25519" { // RFC 9864's name of the same
		h.alg = EdDSA
	}
	switch {
	case !slices.Contains(i.Algorithms, h.alg) || methods[h.alg] == nil:
		return invalid("not an algorithm of its issuer's")
	case !slices.Contains(i.Types, h.typ):
		return invalid("typ is not one of its issuer's")
	case !goodKID(h.kid):
		return invalid("kid is no name of a key")
	}
	return nil
}

// introspected is a token that is no JWT, as its issuer sees it.
func (i *Issuer) introspected(token string, from Source, now time.Time, longest time.Duration) (Claims, error) {
	answer, err := i.Opaque.Introspect(token, from, now)
	if err != nil {
		return Claims{}, err
	}
	m, err := object(answer)
	if err != nil {
		return Claims{}, fmt.Errorf("introspection: the answer is %w", err)
	}
	if string(m["active"]) != "true" {
		return Claims{}, invalid("not active, says its issuer")
	}
	if name, ok := m.text("iss"); !ok || name != "" && name != i.Name {
		return Claims{}, invalid("wrong issuer")
	}
	return i.readClaims(m, "", now, longest)
}
