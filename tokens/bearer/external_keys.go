package bearer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"stile.example/stile/tokens/jwk"
	"stile.example/stile/tokens/jws"
	"stile.example/stile/tokens/readable"
	"stile.example/stile/tokens/signing"
)

// ExternalAlgorithms lists the algorithms of external issuers: all asymmetric ones of RFC 7518 and
// RFC 8037.
func ExternalAlgorithms() []string {
	return strings.Fields("RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA")
}

// methods is the implementation of each of them. golang-jwt accepts PS signatures with a salt of
// any length; RFC 7518 §3.5 requires one length.
var methods = map[string]jwt.SigningMethod{
	signing.RS256: jwt.SigningMethodRS256, "RS384": jwt.SigningMethodRS384, "RS512": jwt.SigningMethodRS512,
	"PS256": wholeSalt(jwt.SigningMethodPS256), "PS384": wholeSalt(jwt.SigningMethodPS384), "PS512": wholeSalt(jwt.SigningMethodPS512),
	signing.ES256: jwt.SigningMethodES256, "ES384": jwt.SigningMethodES384, "ES512": jwt.SigningMethodES512,
	signing.EdDSA: jwt.SigningMethodEdDSA,
}

// known returns the name in methods of an algorithm. RFC 9864 names EdDSA with Ed25519 after the
// curve, and so do openid-client and jose.
func known(alg string) string {
	if alg == "Ed25519" {
		return signing.EdDSA
	}
	return alg
}

func wholeSalt(m *jwt.SigningMethodRSAPSS) jwt.SigningMethod {
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: m.SigningMethodRSA, Options: m.Options,
		VerifyOptions: &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}}
}

// IssuerKeys is the public keys of an external issuer at one time.
type IssuerKeys struct {
	Generation uint32   // differs for other keys; the keyring counts it
	Odd        []string // why entries of the set are left out that look as if they were for signatures
	keys       []issuerKey
}

type issuerKey struct {
	kid    string
	alg    string // the only one that it is for; "" for any that fits its kind
	public crypto.PublicKey
}

// Bounds of a set. Most issuers have two or three keys, the largest a few dozen.
const (
	maxIssuerKeys = 100
	maxSameKID    = 4 // keys that are tried for one token
)

// ParseIssuerKeys parses the JWK Set of an external issuer. It omits every entry that can't verify
// a signature, and says why if that is odd: one bad entry must not make all tokens invalid. So a
// secret key, which its issuer has published, is not used, and other keys are. A set without any
// remaining key is an error. Keys may have the same kid (RFC 7517 §4.5).
func ParseIssuerKeys(data []byte) (IssuerKeys, error) {
	var set IssuerKeys
	var list []json.RawMessage
	doc, err := object(data)
	if err != nil || json.Unmarshal(doc["keys"], &list) != nil {
		return set, errors.New(`no JWK Set: want {"keys": [...]}`)
	}
	if len(list) > maxIssuerKeys {
		return set, fmt.Errorf("%d keys in the JWK Set: the maximum is %d", len(list), maxIssuerKeys)
	}
	for n, raw := range list {
		k, usable, err := readIssuerKey(raw)
		if err != nil {
			set.Odd = append(set.Odd, fmt.Sprintf("entry %d: %v", n+1, err))
		} else if usable {
			set.keys = append(set.keys, k)
		}
	}
	if len(set.keys) == 0 {
		return IssuerKeys{}, errors.New(strings.Join(append([]string{"no key for signatures in the JWK Set"}, set.Odd...), "; "))
	}
	return set, nil
}

// readIssuerKey parses an entry of a JWK Set, and reports whether it is for signatures. The error
// says why an entry can't be used that may be meant for them.
func readIssuerKey(raw []byte) (k issuerKey, usable bool, err error) {
	j, secret, err := readEntry(raw)
	if err != nil {
		return k, false, err
	}
	if secret != "" {
		return k, false, fmt.Errorf("kid %s: has the secret member %s, so everybody can sign with it; its issuer must replace it", readable.Text(j.KID), secret)
	}
	if !j.Verifies() {
		return k, false, nil
	}
	if k, err = issuerKeyOf(j); err != nil {
		return issuerKey{}, false, fmt.Errorf("kid %s: %w", readable.Text(j.KID), err)
	}
	return k, true, nil
}

// issuerKeyOf returns the key of an external issuer, or why it can't be used.
func issuerKeyOf(j jwk.Key) (k issuerKey, err error) {
	public, err := j.Public()
	if err != nil {
		return k, err
	}
	if n, isRSA := public.(*rsa.PublicKey); isRSA && jwk.IsROCA(n.N) {
		return k, errors.New("the RSA key can be factored (ROCA, CVE-2017-15361)")
	}
	k = issuerKey{j.KID, known(j.Alg), public}
	switch {
	case k.kid != "" && !goodKID(k.kid):
		return k, errors.New("kid is not a valid name of a key")
	case !k.fitsAny():
		return k, fmt.Errorf("its size, or its alg %s, is not one that is supported", readable.Text(j.Alg))
	}
	return k, nil
}

// keysFor returns the keys that may have made a signature, by its header, and the generation of
// their set.
func (i *Issuer) keysFor(h header, issued, now time.Time) ([]crypto.PublicKey, uint32, error) {
	keys, err := i.Keys.Keys(now)
	if err != nil {
		return nil, 0, err
	}
	fitting, known := keys.find(h.kid, h.alg)
	if !known && h.kid != "" {
		if keys, err = i.Keys.Renewed(now, issued); err != nil {
			return nil, 0, err
		}
		fitting, known = keys.find(h.kid, h.alg)
	}
	switch {
	case !known && h.kid == "":
		return nil, 0, invalidf("no kid, and none of the issuer's %s is for alg %s", readable.Count(keys.Len(), "key"), h.alg)
	case !known:
		return nil, 0, invalidf("kid %s is unknown: it is not among the issuer's %s", readable.Text(h.kid), readable.Count(keys.Len(), "key"))
	case len(fitting) == 0:
		return nil, 0, invalidf("the key %s is not for alg %s", readable.Text(h.kid), h.alg)
	case h.kid == "" && len(fitting) > 1:
		return nil, 0, invalidf("no kid, and %d of the issuer's keys are for alg %s", len(fitting), h.alg)
	}
	return fitting, keys.Generation, nil
}

// find returns the keys of a name that an algorithm fits, and reports whether there is a key of
// that name. Several keys may have one name: of different kinds (RFC 7517 §4.5), or while an issuer
// changes them. Without a name, it returns all keys that fit.
func (s *IssuerKeys) find(kid, alg string) (fitting []crypto.PublicKey, known bool) {
	for _, k := range s.keys {
		if kid != "" && k.kid != kid {
			continue
		}
		fits := k.fits(alg)
		known = known || kid != "" || fits
		if fits && len(fitting) < maxSameKID {
			fitting = append(fitting, k.public)
		}
	}
	return fitting, known
}

// fits reports whether a key has the kind and size that an algorithm needs. Not all of the
// libraries check that.
func (k issuerKey) fits(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		return alg == signing.EdDSA && len(public) == ed25519.PublicKeySize
	case *ecdsa.PublicKey:
		return alg == curveAlgorithms[public.Curve]
	case *rsa.PublicKey:
		n := public.N.BitLen()
		return (alg[:2] == "RS" || alg[:2] == "PS") && n >= signing.MinRSA && n <= signing.MaxRSA
	}
	return false
}

func (k issuerKey) fitsAny() bool {
	for alg := range methods {
		if k.fits(alg) {
			return true
		}
	}
	return false
}

var curveAlgorithms = map[elliptic.Curve]string{elliptic.P256(): signing.ES256, elliptic.P384(): "ES384", elliptic.P521(): "ES512"}

// Same reports whether two sets have the same keys.
func (s *IssuerKeys) Same(o *IssuerKeys) bool {
	if len(s.keys) != len(o.keys) {
		return false
	}
	for n, k := range s.keys {
		public, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
		if !ok || k.kid != o.keys[n].kid || k.alg != o.keys[n].alg || !public.Equal(o.keys[n].public) {
			return false
		}
	}
	return true
}

// Names returns the names of the keys, "" for a key without one.
func (s *IssuerKeys) Names() (names []string) {
	for _, k := range s.keys {
		names = append(names, k.kid)
	}
	return names
}

// Len returns the number of keys.
func (s *IssuerKeys) Len() int { return len(s.keys) }

// goodKID reports whether kid is empty or a valid name of a key. Any other does not cause a fetch.
func goodKID(kid string) bool {
	for i := range len(kid) {
		if !jws.Character(kid[i]) && !strings.ContainsRune("+/=:~@|,", rune(kid[i])) {
			return false
		}
	}
	return len(kid) <= 256 && !strings.Contains(kid, "..")
}
