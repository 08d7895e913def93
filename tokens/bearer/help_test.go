package bearer

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	issuer   = "https://api.example"
	lifetime = 24 * time.Hour
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func testKeys(t testing.TB) *Keys {
	t.Helper()
	keys, err := OpenKeys(filepath.Join(t.TempDir(), "keys.json"), noon)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func testVerifier(t testing.TB, keys *Keys) *Verifier {
	t.Helper()
	v, err := NewVerifier(keys, issuer, issuer, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func testSigner(keys *Keys) *Signer { return &Signer{Keys: keys, Issuer: issuer, Audience: issuer} }

// fields is a JSON object in which a test changes one thing.
type fields map[string]any

// with returns a copy of f with another value; nil removes the name.
func (f fields) with(name string, value any) fields {
	f = maps.Clone(f)
	if value == nil {
		delete(f, name)
	} else {
		f[name] = value
	}
	return f
}

func (f fields) String() string {
	b, err := json.Marshal(map[string]any(f))
	if err != nil {
		panic(err)
	}
	return string(b)
}

func goodHeader(k *key) fields {
	return fields{"typ": "at+jwt", "alg": k.method.Alg(), "kid": k.kid}
}

func goodClaims() fields {
	return fields{"iss": issuer, "aud": issuer, "sub": "visitor", "client_id": "acme", "jti": "j1",
		"iat": noon.Unix(), "exp": noon.Add(time.Hour).Unix(), "scope": "read"}
}

// forge signs any header and payload.
func forge(t testing.TB, k *key, header, payload string) string {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	signed := enc([]byte(header)) + "." + enc([]byte(payload))
	sig, err := k.method.Sign(signed, k.private)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + enc(sig)
}

// signing returns the key that signs.
func (k *Keys) signing() *key { return k.set.Load().keys[0] }

// mustMethod returns the implementation of an algorithm, whatever the key.
func mustMethod(t testing.TB, alg string) jwt.SigningMethod {
	t.Helper()
	m := jwt.GetSigningMethod(alg)
	if m == nil {
		t.Fatalf("no algorithm %s", alg)
	}
	return m
}
