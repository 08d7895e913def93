package bearer

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// KeySet is somebody else's public keys, read from a JWK Set.
type KeySet struct{ keys []publicKey }

type publicKey struct {
	kid    string
	public crypto.PublicKey
	method jwt.SigningMethod
}

// Bounds of a JWK Set: what a tenant that rotates its keys needs, and room.
const (
	maxKeySet     = 16 << 10 // bytes
	maxKeySetKeys = 16
)

// ParseKeySet reads a JWK Set. Keys that are not for signatures are left out.
// Any other key that cannot be used is an error that names it, and so is a
// private key: it was given away by mistake. A set with no key left is an
// error too.
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
		return KeySet{}, errors.New("JWK Set: no key for signatures in it")
	}
	return set, nil
}

// secretMembers are those that only a private or a symmetric key has (RFC 7518
// §6.2.2, §6.3.2, §6.4).
var secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// readJWK reads one key and says whether it is one for signatures.
func readJWK(raw []byte) (k publicKey, signs bool, err error) {
	members, err := object(raw)
	if err != nil {
		return k, false, errors.New("no JSON object, or a name twice in it")
	}
	for _, secret := range secretMembers {
		if members[secret] != nil {
			return k, false, fmt.Errorf("it has the secret member %q: give the public key, and make a new one", secret)
		}
	}
	var j jwk
	if json.Unmarshal(raw, &j) != nil {
		return k, false, errors.New("a member that must be text is none")
	}
	if !j.verifies() {
		return k, false, nil
	}
	if k.public, err = j.public(); err != nil {
		return k, false, err
	}
	if k.method, err = methodFor(k.public); err != nil {
		return k, false, err
	}
	if j.Alg != "" && known(j.Alg) != k.method.Alg() {
		return k, false, fmt.Errorf("alg is %q, but this key signs by %s only", j.Alg, k.method.Alg())
	}
	k.kid = j.KID
	return k, true, nil
}
