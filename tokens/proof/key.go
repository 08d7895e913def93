package proof

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"
	"slices"
	"strings"

	"stile.example/stile/tokens/jws"
)

// The signature algorithms of proofs (RFC 7518, RFC 8037). Browsers support both, and keep the
// private key where no script can read it. Ed25519 is the new name of EdDSA with that curve (RFC
// 9864 §2.2), and the one in WebCrypto.
const (
	es256      = "ES256"
	eddsa      = "EdDSA"
	ed25519Alg = "Ed25519"
)

// Algorithms lists the algorithms in the form that RFC 9449 §7.1 requires for clients.
const Algorithms = es256 + " " + eddsa + " " + ed25519Alg

// key is the public key in a proof's header, with the one algorithm that it may be used with.
type key struct {
	thumbprint Thumbprint
	header     string            // encoded, as it was read; a copy, not part of the request's text
	p256       *ecdsa.PublicKey  // of ES256, else nil
	ed25519    ed25519.PublicKey // of EdDSA, else nil
}

// readHeader parses the header of RFC 9449 §4.2. It does not check whether the token is bound to
// the key.
func readHeader(part string) (*key, error) {
	m, err := readPart(part)
	if err != nil {
		return nil, invalid("its header is not a JSON object, or has a duplicate name")
	}
	if m.text("typ") != "dpop+jwt" {
		return nil, invalid("typ is not dpop+jwt")
	}
	if m["crit"] != nil || m["b64"] != nil { // RFC 7515 §4.1.11; RFC 7797 changes what is signed
		return nil, invalid("its header requires an extension")
	}
	alg := m.text("alg")
	if alg == ed25519Alg {
		alg = eddsa
	}
	if alg != es256 && alg != eddsa {
		return nil, invalid("alg is neither ES256 nor EdDSA")
	}
	jwk, err := object(m["jwk"])
	if err != nil {
		return nil, invalid("jwk is missing, or not a JSON object")
	}
	k, err := jwk.key(alg)
	if err != nil {
		return nil, err
	}
	k.header = strings.Clone(part)
	return k, nil
}

// private lists the members of a JWK that are secrets (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037
// §2).
var private = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// key parses a public JWK for an algorithm.
func (m members) key(alg string) (*key, error) {
	if slices.ContainsFunc(private, func(name string) bool { return m[name] != nil }) {
		return nil, invalid("jwk has a private part")
	}
	switch kind := m.text("kty") + " " + m.text("crv"); {
	case alg == es256 && kind == "EC P-256":
		return m.p256()
	case alg == eddsa && kind == "OKP Ed25519":
		return m.edwards()
	}
	return nil, invalid("jwk is not a key of alg's kind")
}

func (m members) p256() (*key, error) {
	x, errX := jws.Decode(m.text("x"))
	y, errY := jws.Decode(m.text("y"))
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, invalid("x and y of jwk are not 32 bytes each")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, invalid("x and y of jwk are not a point of P-256")
	}
	return &key{p256: public, thumbprint: sha256.Sum256([]byte(
		`{"crv":"P-256","kty":"EC","x":"` + m.text("x") + `","y":"` + m.text("y") + `"}`))}, nil
}

func (m members) edwards() (*key, error) {
	x, err := jws.Decode(m.text("x"))
	if err != nil || len(x) != ed25519.PublicKeySize {
		return nil, invalid("x of jwk is not 32 bytes")
	}
	return &key{ed25519: x, thumbprint: sha256.Sum256([]byte(
		`{"crv":"Ed25519","kty":"OKP","x":"` + m.text("x") + `"}`))}, nil
}

// verify reports whether the key has signed t.
func (k *key) verify(t jws.Parts) bool {
	signature, err := jws.Decode(t.Signature)
	if err != nil || len(signature) != 64 { // of both algorithms: RFC 7518 §3.4, RFC 8032 §5.1.6
		return false
	}
	if k.p256 == nil {
		return ed25519.Verify(k.ed25519, []byte(t.Signed), signature)
	}
	digest := sha256.Sum256([]byte(t.Signed))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	return ecdsa.Verify(k.p256, digest[:], r, s)
}
