package bearer

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"stile.example/stile/tokens/signing"
)

const (
	issuer   = "https://api.example"
	lifetime = 24 * time.Hour
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func testKeys(t testing.TB) *signing.Keys {
	t.Helper()
	keys, err := signing.OpenKeys(filepath.Join(t.TempDir(), "keys.json"), noon)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func testVerifier(t testing.TB, keys *signing.Keys) *Verifier {
	t.Helper()
	v, err := NewVerifier(keys, issuer, issuer, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func testSigner(keys *signing.Keys) *Signer {
	return &Signer{Keys: keys, Issuer: issuer, Audience: issuer}
}

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

func goodHeader(k *signing.Key) fields {
	return fields{"typ": "at+jwt", "alg": k.Alg(), "kid": k.KID()}
}

func goodClaims() fields {
	return fields{"iss": issuer, "aud": issuer, "sub": "visitor", "client_id": "acme", "jti": "j1",
		"iat": noon.Unix(), "exp": noon.Add(time.Hour).Unix(), "scope": "read"}
}

// forge signs any header and payload.
func forge(t testing.TB, k *signing.Key, header, payload string) string {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	signed := enc([]byte(header)) + "." + enc([]byte(payload))
	sig, err := k.Sign(signed)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + enc(sig)
}

// allOf returns the keys of a set that verify at noon.
func allOf(keys *signing.Keys) (all []*signing.Key) {
	for _, info := range keys.List() {
		all = append(all, keys.Set().Find(info.KID, noon))
	}
	return all
}

// publicOf returns the first key of a JWK Set.
func publicOf(t testing.TB, jwks string) crypto.PublicKey {
	t.Helper()
	set, err := ParseKeySet(jwks)
	if err != nil {
		t.Fatal(err)
	}
	return set.keys[0].public
}
