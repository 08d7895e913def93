package stiletest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// Key is a key that makes proofs (RFC 9449), like the one that a browser holds. Either P256 or
// Ed25519 is set.
type Key struct {
	P256    *ecdsa.PrivateKey
	Ed25519 ed25519.PrivateKey
}

// NewKey returns a new P-256 key, as the widget layer creates it.
func NewKey() Key {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return Key{P256: k}
}

// SameKey returns the same P-256 key each time. It is for tests of what depends on the thumbprint,
// such as the bit that stands for an address in a token's roaming.
func SameKey() Key {
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{2}, 32))
	if err != nil {
		panic(err) // the bytes are a valid key
	}
	return Key{P256: k}
}

// NewEdwardsKey returns a new Ed25519 key.
func NewEdwardsKey() Key {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return Key{Ed25519: k}
}

// JWK returns the public key in the form of RFC 7517.
func (k Key) JWK() map[string]any {
	if k.P256 == nil {
		return map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64url(k.Ed25519.Public().(ed25519.PublicKey))}
	}
	point, err := k.P256.PublicKey.Bytes() // 4, then x and y
	if err != nil {
		panic(err) // the point of a key is on its curve
	}
	return map[string]any{"kty": "EC", "crv": "P-256", "x": base64url(point[1:33]), "y": base64url(point[33:])}
}

// Thumbprint returns the thumbprint of RFC 7638, in base64url.
func (k Key) Thumbprint() string {
	text, _ := json.Marshal(k.JWK()) // sorted by name, as the RFC requires
	sum := sha256.Sum256(text)
	return base64url(sum[:])
}

// Header returns the header of a proof.
func (k Key) Header() map[string]any {
	alg := "ES256"
	if k.P256 == nil {
		alg = "EdDSA"
	}
	return map[string]any{"typ": "dpop+jwt", "alg": alg, "jwk": k.JWK()}
}

// Claims returns the claims of a proof, with a new jti.
func Claims(method, url, token string, at time.Time) map[string]any {
	ath := sha256.Sum256([]byte(token))
	return map[string]any{"jti": rand.Text(), "htm": method, "htu": url, "iat": at.Unix(), "ath": base64url(ath[:])}
}

// Proof returns a proof for one request. The url must not have a query.
func (k Key) Proof(method, url, token string, at time.Time) string {
	return k.Sign(k.Header(), Claims(method, url, token, at))
}

// Sign returns a JWT with any header and claims, valid or not.
func (k Key) Sign(header, claims map[string]any) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	return k.SignText(string(h), string(c))
}

// SignText returns a JWT of any text, which need not be JSON.
func (k Key) SignText(header, claims string) string {
	signed := base64url([]byte(header)) + "." + base64url([]byte(claims))
	if k.P256 == nil {
		return signed + "." + base64url(ed25519.Sign(k.Ed25519, []byte(signed)))
	}
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, k.P256, digest[:])
	if err != nil {
		panic(fmt.Errorf("sign: %w", err)) // crypto/rand never fails
	}
	return signed + "." + base64url(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func base64url(b []byte) string {
	return base64.RawURLEncoding.EncodeToString(b)
}
