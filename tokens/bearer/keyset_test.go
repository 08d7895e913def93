package bearer

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"stile.example/stile/tokens/jwk"
	"stile.example/stile/tokens/signing"
)

func TestParseKeySet(t *testing.T) {
	r, ec, ed := clientJWK(t, signing.RS256), clientJWK(t, signing.ES256), clientJWK(t, signing.EdDSA)
	t.Setenv("GODEBUG", "rsa1024min=0") // otherwise Go generates no such key
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string][]any{
		"all kinds":           {r, ec, ed},
		"no alg, no use":      {ed.with("alg", nil).with("use", nil).with("kid", nil)},
		"RFC 9864's name":     {ed.with("alg", "Ed25519")},
		"one is for secrets":  {ed, r.with("use", "enc")},
		"RS512, PS256":        {r.with("alg", "RS512"), r.with("alg", "PS256")},
		"key_ops with verify": {ed.with("key_ops", []string{"verify"})},
	} {
		if _, err := ParseKeySet(fields{"keys": set}.String()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, key := range map[string]any{
		"no object":              7,
		"no kty":                 ed.with("kty", nil),
		"symmetric":              fields{"kty": "oct", "k": "AAAA"},
		"private":                ed.with("d", "AAAA"),
		"for encryption only":    ed.with("use", "enc"),
		"key_ops without verify": ed.with("key_ops", []string{"encrypt", "sign"}),
		"an algorithm not its":   ed.with("alg", signing.ES256),
		"Ed25519 of P-256":       ec.with("alg", "Ed25519"),
		"ES256 of an RSA key":    r.with("alg", "ES256"),
		"RSA of 1,024 bits":      asFields(t, jwk.Of(&weak.PublicKey)),
		"RSA of 9,000 bits":      r.with("n", base64.RawURLEncoding.EncodeToString(append([]byte{1}, make([]byte, 9000/8)...))),
		"RSA without n":          r.with("n", nil),
		"an even exponent":       r.with("e", "AQ"),
		"a huge exponent":        r.with("e", "AQAAAAE"),
		"P-224":                  ec.with("crv", "P-224"),
		"a point on no curve":    ec.with("x", ec["y"]),
		"a short coordinate":     ec.with("x", "AQ"),
		"Ed448":                  ed.with("crv", "Ed448"),
		"a short Ed25519 key":    ed.with("x", "AAAA"),
		"line breaks in x":       ed.with("x", ed["x"].(string)+"\n"),
		"a kid that is a number": ed.with("kid", 1),
	} {
		if _, err := ParseKeySet(fields{"keys": []any{key}}.String()); err == nil || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"nothing":      "",
		"no keys":      "{}",
		"an empty set": `{"keys":[]}`,
		"a key twice":  fmt.Sprintf(`{"keys":[%s]}`, strings.Replace(ed.String(), "{", `{"kty":"RSA",`, 1)),
		"17 keys":      `{"keys":[` + strings.Repeat(ed.String()+",", maxKeySetKeys) + ed.String() + `]}`,
		"too long":     fields{"keys": []any{ed}}.String() + strings.Repeat(" ", maxKeySet),
	} {
		if _, err := ParseKeySet(text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// clientJWK returns a public key of an algorithm.
func clientJWK(t *testing.T, alg string) fields {
	t.Helper()
	_, jwks := clientKey(t, alg)
	var set struct{ Keys []jwk.Key }
	if err := json.Unmarshal([]byte(jwks), &set); err != nil {
		t.Fatal(err)
	}
	return asFields(t, set.Keys[0])
}

func asFields(t *testing.T, j jwk.Key) (f fields) {
	t.Helper()
	b, err := json.Marshal(j)
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}
