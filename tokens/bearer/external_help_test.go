package bearer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// outsider is an external issuer with its signing key.
type outsider struct {
	Issuer
	alg     string
	private crypto.Signer
	ring    *fixedRing
}

// fixedRing is a Keyring whose keys a test sets.
type fixedRing struct {
	keys    *IssuerKeys
	fault   error
	renewed int
}

func (r *fixedRing) Keys(time.Time) (*IssuerKeys, error) { return r.keys, r.fault }

func (r *fixedRing) Renewed(_, _ time.Time) (*IssuerKeys, error) {
	r.renewed++
	return r.keys, r.fault
}

var errAway = errors.New("the issuer is away")

// madeKeys are generated once for all tests, because RSA keys are slow to generate.
var madeKeys sync.Map

func keyOf(t testing.TB, name, alg string) crypto.Signer {
	t.Helper()
	if k, ok := madeKeys.Load(name + alg); ok {
		return k.(crypto.Signer)
	}
	var k crypto.Signer
	var err error
	switch alg {
	case "ES256":
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		k, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		k, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, k, err = ed25519.GenerateKey(rand.Reader)
	default:
		k, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	madeKeys.Store(name+alg, k)
	return k
}

// jwkOf returns a public key as issuers publish it.
func jwkOf(public crypto.PublicKey, kid string) fields {
	enc := base64.RawURLEncoding.EncodeToString
	f := fields{"kid": kid, "use": "sig"}
	switch k := public.(type) {
	case ed25519.PublicKey:
		f["kty"], f["crv"], f["x"] = "OKP", "Ed25519", enc(k)
	case *ecdsa.PublicKey:
		point, _ := k.Bytes()
		size := (len(point) - 1) / 2
		f["kty"], f["crv"], f["x"], f["y"] = "EC", k.Curve.Params().Name, enc(point[1:1+size]), enc(point[1+size:])
	case *rsa.PublicKey:
		f["kty"], f["n"], f["e"] = "RSA", enc(k.N.Bytes()), "AQAB"
	}
	return f
}

func parsed(t testing.TB, jwks ...fields) *IssuerKeys {
	t.Helper()
	var texts []string
	for _, j := range jwks {
		texts = append(texts, j.String())
	}
	keys, err := ParseIssuerKeys([]byte(`{"keys":[` + strings.Join(texts, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	keys.Generation = 1
	return &keys
}

// newOutsider returns an issuer with one key, k1, that accepts every usual type of token.
func newOutsider(t testing.TB, name, alg string) *outsider {
	t.Helper()
	private := keyOf(t, name, alg)
	ring := &fixedRing{keys: parsed(t, jwkOf(private.Public(), "k1"))}
	return &outsider{Issuer: Issuer{Name: name, Audiences: []string{"stile"}, Algorithms: []string{alg}, Types: []string{"at+jwt", "jwt", ""},
		Clients: map[string]string{"app": "acme"}, Keys: ring}, alg: alg, private: private, ring: ring}
}

func (o *outsider) header() fields { return fields{"typ": "JWT", "alg": o.alg, "kid": "k1"} }

func (o *outsider) claims() fields {
	return fields{"iss": o.Name, "aud": "stile", "azp": "app", "sub": "u", "jti": "j", "iat": noon.Unix(), "exp": noon.Add(time.Hour).Unix()}
}

// sign signs any header and payload with the key's own algorithm.
func (o *outsider) sign(t testing.TB, header, claims fmt.Stringer) string {
	t.Helper()
	return signAs(t, o.alg, o.private, header, claims)
}

func signAs(t testing.TB, alg string, private crypto.Signer, header, claims fmt.Stringer) string {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	signed := enc([]byte(header.String())) + "." + enc([]byte(claims.String()))
	signature, err := jwt.GetSigningMethod(alg).Sign(signed, private)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + enc(signature)
}

// trusting returns a Verifier of its own tokens and of those of the given issuers.
func trusting(t testing.TB, outsiders ...*outsider) *Verifier {
	t.Helper()
	v := testVerifier(t, testKeys(t))
	var list []*Issuer
	for _, o := range outsiders {
		list = append(list, &o.Issuer)
	}
	if err := v.Trust(list); err != nil {
		t.Fatal(err)
	}
	return v
}
