package stiletest

import (
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

// Key is a key as a browser holds one, and makes proofs with (RFC 9449). One
// of P-256 or of Ed25519 is set.
type Key struct {
	P256    *ecdsa.PrivateKey
	Ed25519 ed25519.PrivateKey
}

// NewKey is a fresh key of P-256, as the widget layer makes it.
func NewKey() Key {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return Key{P256: k}
}

// NewEdwardsKey is a fresh key of Ed25519.
func NewEdwardsKey() Key {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return Key{Ed25519: k}
}

// JWK is the public key as RFC 7517 writes it.
func (k Key) JWK() map[string]any {
	if k.P256 == nil {
		return map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64url(k.Ed25519.Public().(ed25519.PublicKey))}
	}
	point, err := k.P256.PublicKey.Bytes() // 4, then x and y
	if err != nil {
		panic(err) // a key that we made is on its curve
	}
	return map[string]any{"kty": "EC", "crv": "P-256", "x": base64url(point[1:33]), "y": base64url(point[33:])}
}

// Thumbprint is RFC 7638's, in base64url.
func (k Key) Thumbprint() string {
	text, _ := json.Marshal(k.JWK()) // in the order of their names, as the RFC wants it
	sum := sha256.Sum256(text)
	return base64url(sum[:])
}

// Header is a proof's header.
func (k Key) Header() map[string]any {
	alg := "ES256"
	if k.P256 == nil {
		alg = "EdDSA"
	}
	return map[string]any{"typ": "dpop+jwt", "alg": alg, "jwk": k.JWK()}
}

// Claims are a proof's claims, with a jti of their own.
func Claims(method, url, token string, at time.Time) map[string]any {
	ath := sha256.Sum256([]byte(token))
	return map[string]any{"jti": rand.Text(), "htm": method, "htu": url, "iat": at.Unix(), "ath": base64url(ath[:])}
}

// Proof is a proof for one request, whose URL has no query.
func (k Key) Proof(method, url, token string, at time.Time) string {
	return k.Sign(k.Header(), Claims(method, url, token, at))
}

// Sign makes a JWT, whatever stands in it.
func (k Key) Sign(header, claims map[string]any) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	return k.SignText(string(h), string(c))
}

// SignText makes a JWT of any text, be it JSON or not.
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
