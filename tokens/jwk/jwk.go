// Package jwk reads and writes public keys in the form of JSON Web Keys (RFC 7517, 7518, 8037). It
// says what a key is; package bearer decides which keys may verify which tokens.
package jwk

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Key is a public key in the form of RFC 7517, 7518 (EC, RSA) and 8037 (OKP).
type Key struct {
	Kty string `json:"kty"`
	KID string `json:"kid,omitempty"`
	Use string `json:"use,omitempty"`
	Alg string `json:"alg,omitempty"`
	Crv string `json:"crv,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`

	Ops []string `json:"key_ops,omitempty"`
}

// Verifies reports whether the key is intended for signatures (RFC 7517 §4.2, §4.3).
func (j Key) Verifies() bool {
	return (j.Use == "" || j.Use == "sig") && (len(j.Ops) == 0 || slices.Contains(j.Ops, "verify"))
}

// Public returns the key itself, or what is wrong with its members.
func (j Key) Public() (crypto.PublicKey, error) {
	switch {
	case j.Kty == "OKP" && j.Crv == "Ed25519":
		x, err := number(j.X)
		return ed25519.PublicKey(x), err
	case j.Kty == "EC" && curves[j.Crv] != nil:
		return j.ec(curves[j.Crv])
	case j.Kty == "RSA":
		return j.rsa()
	}
	return nil, fmt.Errorf("kty %q with crv %q: must be OKP with Ed25519, EC with P-256, P-384 or P-521, or RSA", j.Kty, j.Crv)
}

// curves are those of RFC 7518 §6.2.1.1.
var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

func (j Key) ec(curve elliptic.Curve) (crypto.PublicKey, error) {
	x, errX := number(j.X)
	y, errY := number(j.Y)
	if err := errors.Join(errX, errY); err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, fmt.Errorf("x and y are not a point of %s", j.Crv)
	}
	return key, nil
}

func (j Key) rsa() (crypto.PublicKey, error) {
	n, errN := number(j.N)
	e, errE := number(j.E)
	if err := errors.Join(errN, errE); err != nil {
		return nil, err
	}
	exp := new(big.Int).SetBytes(e)
	if exp.BitLen() > 31 || exp.Int64() < 3 || exp.Bit(0) == 0 {
		return nil, errors.New("e must be odd and from 3 to 2147483647")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exp.Int64())}, nil
}

// number decodes a member of a key.
func number(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) == 0 || strings.ContainsAny(s, "\r\n") { // the decoder skips line breaks
		return nil, errors.New("a number of the key is missing or not base64url")
	}
	return b, nil
}

// Of encodes a key: Ed25519, ECDSA on P-256, or RSA.
func Of(public crypto.PublicKey) Key {
	enc := base64.RawURLEncoding.EncodeToString
	switch k := public.(type) {
	case ed25519.PublicKey:
		return Key{Kty: "OKP", Crv: "Ed25519", X: enc(k)}
	case *ecdsa.PublicKey:
		point, err := k.Bytes() // 4, then x and y, 32 bytes each
		if err != nil {
			panic(err) // impossible: the key was generated or parsed, so it is on its curve
		}
		return Key{Kty: "EC", Crv: "P-256", X: enc(point[1:33]), Y: enc(point[33:])}
	case *rsa.PublicKey:
		return Key{Kty: "RSA", N: enc(k.N.Bytes()), E: enc(big.NewInt(int64(k.E)).Bytes())}
	}
	panic("jwk: a kind of key that Of does not know")
}

// Secret returns the name of a member that only private or symmetric keys have (RFC 7518 §6.2.2,
// §6.3.2, §6.4), or "".
func Secret(members map[string]json.RawMessage) string {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if members[name] != nil {
			return name
		}
	}
	return ""
}
