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
)

// ExternalAlgorithms lists the algorithms of external issuers: all asymmetric ones of RFC 7518 and
// RFC 8037.
func ExternalAlgorithms() []string {
	return strings.Fields("RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA")
}

// methods is the implementation of each of them. golang-jwt accepts PS signatures with a salt of
// any length; RFC 7518 §3.5 requires one length.
var methods = map[string]jwt.SigningMethod{
	RS256: jwt.SigningMethodRS256, "RS384": jwt.SigningMethodRS384, "RS512": jwt.SigningMethodRS512,
	"PS256": wholeSalt(jwt.SigningMethodPS256), "PS384": wholeSalt(jwt.SigningMethodPS384), "PS512": wholeSalt(jwt.SigningMethodPS512),
	ES256: jwt.SigningMethodES256, "ES384": jwt.SigningMethodES384, "ES512": jwt.SigningMethodES512,
	EdDSA: jwt.SigningMethodEdDSA,
}

func wholeSalt(m *jwt.SigningMethodRSAPSS) jwt.SigningMethod {
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: m.SigningMethodRSA, Options: m.Options,
		VerifyOptions: &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}}
}

// IssuerKeys is the public keys of an external issuer at one time.
type IssuerKeys struct {
	Generation uint32 // differs for other keys; the keyring counts it
	keys       []issuerKey
}

type issuerKey struct {
	kid    string
	alg    string // the only one that it is for; "" for any that fits its kind
	public crypto.PublicKey
}

// maxIssuerKeys bounds a set. Most issuers have two or three keys, the largest a few dozen.
const maxIssuerKeys = 100

// ParseIssuerKeys parses the JWK Set of an external issuer. It omits keys that are not for
// signatures or of an unknown kind, because a set can serve other purposes too. A set without any
// remaining key is an error. So is a set with a secret key, which is no longer secret, or with two
// keys of the same name.
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
	names := map[string]bool{}
	for _, raw := range list {
		k, usable, err := readIssuerKey(raw)
		if err != nil {
			return IssuerKeys{}, err
		}
		if !usable {
			continue
		}
		if k.kid != "" && names[k.kid] {
			return IssuerKeys{}, errors.New("two keys with the same kid in the JWK Set")
		}
		names[k.kid] = true
		set.keys = append(set.keys, k)
	}
	if len(set.keys) == 0 {
		return set, errors.New("no key for signatures in the JWK Set")
	}
	return set, nil
}

func readIssuerKey(raw []byte) (k issuerKey, usable bool, err error) {
	members, err := object(raw)
	if err != nil {
		return k, false, nil
	}
	for _, secret := range secretMembers {
		if members[secret] != nil {
			return k, false, errors.New("a secret key in the JWK Set: the issuer has published it")
		}
	}
	var j jwk
	if json.Unmarshal(raw, &j) != nil || !j.verifies() {
		return k, false, nil
	}
	public, err := j.public()
	if err != nil {
		return k, false, nil
	}
	if n, isRSA := public.(*rsa.PublicKey); isRSA && isROCA(n.N) {
		return k, false, nil
	}
	k = issuerKey{j.KID, j.Alg, public}
	if k.alg == "Ed25519" {
		k.alg = EdDSA
	}
	return k, (k.kid == "" || goodKID(k.kid)) && k.fitsAny(), nil
}

// keyFor returns the key that a header names, and the generation of its set.
func (i *Issuer) keyFor(h header, issued, now time.Time) (crypto.PublicKey, uint32, error) {
	keys, err := i.Keys.Keys(now)
	if err != nil {
		return nil, 0, err
	}
	k, known := keys.find(h.kid, h.alg)
	if !known && h.kid != "" {
		if keys, err = i.Keys.Renewed(now, issued); err != nil {
			return nil, 0, err
		}
		k, known = keys.find(h.kid, h.alg)
	}
	switch {
	case !known:
		return nil, 0, invalid("unknown key")
	case k == nil:
		return nil, 0, invalid("not the key's algorithm")
	}
	return k, keys.Generation, nil
}

// find returns the key of that name, or nil if the algorithm does not fit it. It may be unnamed if
// only one key fits.
func (s *IssuerKeys) find(kid, alg string) (found crypto.PublicKey, known bool) {
	for _, k := range s.keys {
		switch {
		case kid != "" && k.kid == kid && k.fits(alg):
			return k.public, true
		case kid != "" && k.kid == kid:
			return nil, true
		case kid == "" && k.fits(alg) && known:
			return nil, false
		case kid == "" && k.fits(alg):
			found, known = k.public, true
		}
	}
	return found, known
}

// fits reports whether a key has the kind and size that an algorithm needs. Not all of the
// libraries check that.
func (k issuerKey) fits(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		return alg == EdDSA && len(public) == ed25519.PublicKeySize
	case *ecdsa.PublicKey:
		return alg == curveAlgorithms[public.Curve]
	case *rsa.PublicKey:
		n := public.N.BitLen()
		return (alg[:2] == "RS" || alg[:2] == "PS") && n >= minRSA && n <= maxRSA
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

var curveAlgorithms = map[elliptic.Curve]string{elliptic.P256(): ES256, elliptic.P384(): "ES384", elliptic.P521(): "ES512"}

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
		if !tokenChar(kid[i]) && !strings.ContainsRune("+/=:~@|,", rune(kid[i])) {
			return false
		}
	}
	return len(kid) <= 256 && !strings.Contains(kid, "..")
}
