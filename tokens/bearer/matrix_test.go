package bearer

import (
	"encoding/json"
	"errors"
	"testing"

	"stile.example/stile/tokens/jws"
	"stile.example/stile/tokens/signing"
)

// TestS6_Matrix checks that a key verifies only what it signed, with its own algorithm, for its own
// server: of all the tokens, only those on the diagonal are valid.
func TestS6_Matrix(t *testing.T) {
	own, foreign := allKeys(t), allKeys(t)
	v := testVerifier(t, own)
	for _, signs := range append(allOf(own), allOf(foreign)...) {
		for _, named := range allOf(own) {
			for _, alg := range append(signing.Algorithms(), "PS256", "HS256", "none") {
				h := goodHeader(named).with("alg", alg)
				_, err := v.Verify(forge(t, signs, h.String(), goodClaims().String()), noon)
				if diagonal := signs == named && alg == named.Alg(); diagonal && err != nil {
					t.Errorf("%s: %v", alg, err)
				} else if !diagonal && !errors.Is(err, ErrInvalid) {
					t.Errorf("signed by %s, named %s, alg %s: %v", signs.Alg(), named.Alg(), alg, err)
				}
			}
		}
	}
}

// TestS6_Claims checks that a valid signature does not help with another server's claims.
func TestS6_Claims(t *testing.T) {
	keys := allKeys(t)
	v := testVerifier(t, keys)
	for _, k := range allOf(keys) {
		for _, bad := range []struct {
			name  string
			value any
		}{{"iss", "https://other.example"}, {"aud", "https://other.example"}, {"client_id", nil}} {
			token := forge(t, k, goodHeader(k).String(), goodClaims().with(bad.name, bad.value).String())
			if _, err := v.Verify(token, noon); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s with %s %v: %v", k.Alg(), bad.name, bad.value, err)
			}
		}
		token := forge(t, k, goodHeader(k).with("typ", "JWT").String(), goodClaims().String())
		if _, err := v.Verify(token, noon); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s with typ JWT: %v", k.Alg(), err)
		}
	}
}

// TestJWKS checks that the JWK Set is enough to verify tokens, and contains nothing of a private
// key.
func TestJWKS(t *testing.T) {
	keys := allKeys(t)
	set, err := ParseKeySet(string(keys.JWKS(noon)))
	if err != nil || len(set.keys) != len(signing.Algorithms()) {
		t.Fatalf("%d keys, %v", len(set.keys), err)
	}
	for i, k := range allOf(keys) {
		token, err := cut(forge(t, k, goodHeader(k).String(), goodClaims().String()))
		if err != nil {
			t.Fatal(err)
		}
		sig, _ := jws.Decode(token.Signature)
		if p := set.keys[i]; p.kid != k.KID() || methods[k.Alg()].Verify(token.Signed, sig, p.public) != nil {
			t.Errorf("%s: the published key does not verify", k.Alg())
		}
	}
	var doc struct{ Keys []map[string]string }
	if err := json.Unmarshal(keys.JWKS(noon), &doc); err != nil {
		t.Fatal(err)
	}
	for _, k := range doc.Keys {
		if k["use"] != "sig" || k["alg"] == "" || k["d"] != "" {
			t.Errorf("published: %v", k)
		}
	}
}

// allKeys returns a set with a key of each algorithm.
func allKeys(t *testing.T) *signing.Keys {
	t.Helper()
	keys := testKeys(t)
	for _, alg := range signing.Algorithms()[1:] {
		if _, err := keys.Rotate(noon, alg, lifetime); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}
