package bearer

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"

	"stile.example/stile/tokens/jwk"
	"stile.example/stile/tokens/signing"
)

// KeySet is a tenant's public keys, parsed from a JWK Set.
type KeySet struct{ keys []issuerKey }

// Bounds of a JWK Set: more than a tenant that rotates its keys needs.
const (
	maxKeySet     = 16 << 10 // bytes
	maxKeySetKeys = 16
)

// ParseKeySet parses a JWK Set. Keys that are not for signatures are omitted. Any other key that
// can't be used is an error that names it. So is a private key, which must have been published by
// mistake. A set without any remaining key is an error too.
func ParseKeySet(text string) (KeySet, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(text) > maxKeySet {
		return KeySet{}, fmt.Errorf("JWK Set: longer than %d bytes", maxKeySet)
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || len(doc.Keys) > maxKeySetKeys {
		return KeySet{}, fmt.Errorf(`JWK Set: want {"keys": [...]} with at most %d keys`, maxKeySetKeys)
	}
	var set KeySet
	for i, raw := range doc.Keys {
		k, signs, err := readJWK(raw)
		if err != nil {
			return KeySet{}, fmt.Errorf("JWK Set: key %d: %w", i+1, err)
		}
		if signs {
			set.keys = append(set.keys, k)
		}
	}
	if len(set.keys) == 0 {
		return KeySet{}, errors.New("JWK Set: contains no key for signatures")
	}
	return set, nil
}

// readJWK parses one key and reports whether it is for signatures.
func readJWK(raw []byte) (k issuerKey, signs bool, err error) {
	j, secret, err := readEntry(raw)
	if secret != "" {
		return k, false, fmt.Errorf("has the secret member %q; send the public key only, and replace this key", secret)
	}
	if err != nil {
		return k, false, err
	}
	if !j.Verifies() {
		return k, false, nil
	}
	if k.public, err = j.Public(); err != nil {
		return k, false, err
	}
	if public, isEC := k.public.(*ecdsa.PublicKey); !isEC || curveAlgorithms[public.Curve] == "" {
		if _, err = signing.MethodFor(k.public); err != nil { // bounds of the other kinds
			return k, false, err
		}
	}
	k.kid, k.alg = j.KID, known(j.Alg)
	if k.alg != "" && !k.fits(k.alg) {
		return k, false, fmt.Errorf("alg is %q, which is not an algorithm of this key", j.Alg)
	}
	return k, true, nil
}

// readEntry decodes an entry of a JWK Set, and returns the name of its secret member, if any.
func readEntry(raw []byte) (j jwk.Key, secret string, err error) {
	members, err := object(raw)
	if err != nil {
		return j, "", errors.New("not a JSON object, or with a duplicate name")
	}
	if json.Unmarshal(raw, &j) != nil {
		err = errors.New("a member has the wrong type")
	}
	return j, jwk.Secret(members), err
}
