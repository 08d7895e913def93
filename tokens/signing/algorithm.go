package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"stile.example/stile/tokens/jwk"
)

// The signature algorithms that stile supports for its own keys (RFC 7518, RFC 8037). All are
// asymmetric: there is no shared secret that a public key could be mistaken for.
const (
	EdDSA = "EdDSA" // Ed25519: the default, the fastest to sign
	ES256 = "ES256" // ECDSA with P-256
	RS256 = "RS256" // RSA, PKCS #1 v1.5; slow to sign, for verifiers that support nothing else
)

// Algorithms lists the algorithms for signing. The first is the default.
func Algorithms() []string { return []string{EdDSA, ES256, RS256} }

// Bounds of RSA keys in bits, of the server's and of others. Shorter ones can be broken (NIST SP
// 800-131A). Longer ones would let the sender of a token use our processor time.
const (
	MinRSA = 2048
	MaxRSA = 8192
)

// MethodFor returns the one algorithm that a key may be used with. The key decides, not the token's
// header, so no token can choose how it is checked.
func MethodFor(public crypto.PublicKey) (jwt.SigningMethod, error) {
	switch k := public.(type) {
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return jwt.SigningMethodEdDSA, nil
		}
		return nil, errors.New("an Ed25519 key must have 32 bytes")
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return jwt.SigningMethodES256, nil
		}
		return nil, errors.New("an ECDSA key must be on P-256")
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < MinRSA || n > MaxRSA {
			return nil, fmt.Errorf("an RSA key must have %d to %d bits, not %d", MinRSA, MaxRSA, n)
		}
		if jwk.IsROCA(k.N) {
			return nil, errors.New("the RSA key can be factored (ROCA, CVE-2017-15361)")
		}
		return jwt.SigningMethodRS256, nil
	}
	return nil, errors.New("the key must be Ed25519, ECDSA or RSA")
}

// generate makes a key for an algorithm.
func generate(alg string) (crypto.Signer, error) {
	switch alg {
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		return rsa.GenerateKey(rand.Reader, MinRSA)
	}
	return nil, fmt.Errorf("algorithm %q: must be one of %v", alg, Algorithms())
}
