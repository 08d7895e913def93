package bearer

import (
	"errors"
	"strings"
	"testing"

	"stile.example/stile/tokens/signing"
)

// FuzzVerify checks that Verify neither panics nor returns an internal error, and accepts only what
// our key has signed, unchanged.
func FuzzVerify(f *testing.F) {
	keys := testKeys(f)
	v := testVerifier(f, keys)
	k := keys.Set().Signing()
	good := forge(f, k, goodHeader(k).String(), goodClaims().String())
	for _, seed := range []string{good, good + "\n", "..", "e30.e30.AA", swapPayload(good, "{}")} {
		f.Add(seed, goodHeader(k).String(), goodClaims().String())
	}
	f.Add("", `{"typ":"at+jwt","alg":"none","kid":""}`, `{"exp":1e999,"exp":"\ud800"}`)
	f.Fuzz(func(t *testing.T, token, header, payload string) {
		if _, err := v.Verify(token, noon); err == nil && token != good {
			t.Errorf("accepted %q", token)
		} else if err != nil && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrExpired) {
			t.Errorf("%q is our fault: %v", token, err)
		}
		// Even with a valid signature, the claims must be complete.
		c, err := v.Verify(forge(t, k, header, payload), noon)
		if err == nil && (c.Issuer != issuer || c.Client == "" || c.JTI == "" || c.Subject == "" ||
			!noon.Before(c.Expires) || c.Expires.Sub(c.IssuedAt) > lifetime || c.IssuedAt.After(noon.Add(leeway))) {
			t.Errorf("accepted %s %s as %+v", header, payload, c)
		}
	})
}

// FuzzAssertion checks the same for assertions.
func FuzzAssertion(f *testing.F) {
	k, jwks := clientKey(f, signing.EdDSA)
	h := goodHeader(k).with("typ", "JWT")
	f.Add("", h.String(), goodAssertion().String())
	f.Add("e30.e30.AA", `{"alg":"EdDSA"}`, `{"iss":"acme","sub":"acme","aud":[]}`)
	f.Fuzz(func(t *testing.T, token, header, payload string) {
		a := testAssertions(t)
		if _, err := a.Verify(t.Context(), token, only("acme", jwks), noon); err == nil {
			t.Errorf("accepted %q", token)
		}
		token = forge(t, k, header, payload)
		client, err := a.Verify(t.Context(), token, only("acme", jwks), noon)
		if err != nil {
			return
		}
		if client != "acme" || !strings.Contains(payload, "aud") {
			t.Errorf("accepted %s %s as %q", header, payload, client)
		}
		if _, err := a.Verify(t.Context(), token, only("acme", jwks), noon); err == nil {
			t.Errorf("accepted twice: %s %s", header, payload)
		}
	})
}

// FuzzParseKeySet checks that no text causes a panic, and that accepted keys can verify.
func FuzzParseKeySet(f *testing.F) {
	for _, alg := range signing.Algorithms() {
		_, jwks := clientKey(f, alg)
		f.Add(jwks)
	}
	f.Add(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := ParseKeySet(text)
		for _, k := range set.keys {
			for alg, method := range methods {
				if err != nil || !k.fitsAny() || k.fits(alg) && method.Verify("x", make([]byte, 64), k.public) == nil {
					t.Errorf("%q: %v, or it verifies nothing at all", text, err)
				}
			}
		}
	})
}
