package bearer

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/tokens"
	"stile.example/stile/tokens/signing"
)

func TestSignAndVerify(t *testing.T) {
	keys := testKeys(t)
	v := testVerifier(t, keys)
	want := Claims{JTI: NewJTI(), Issuer: issuer, Subject: "visitor 7 \"<&>\" ü", Client: "acme", Scope: "read write",
		IssuedAt: noon, Expires: noon.Add(lifetime)}
	token, err := testSigner(keys).Sign(want, noon)
	if err != nil {
		t.Fatal(err)
	}
	want.ID = tokens.NewID(issuer, want.JTI)
	for _, how := range []string{"verified", "remembered"} {
		if got, err := v.Verify(token, noon); err != nil || got != want {
			t.Errorf("%s: %+v, %v", how, got, err)
		}
	}
	parts, err := cut(token)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := readHeader(parts); err != nil || h != (header{"at+jwt", signing.EdDSA, keys.List()[0].KID}) {
		t.Errorf("header %+v, %v", h, err)
	}
}

func TestSignDrawsWhatIsMissing(t *testing.T) {
	keys := testKeys(t)
	v := testVerifier(t, keys)
	seen := map[string]bool{}
	for range 100 {
		token, err := testSigner(keys).Sign(Claims{Subject: "s", Client: "acme", Expires: noon.Add(time.Hour)}, noon)
		if err != nil {
			t.Fatal(err)
		}
		c, err := v.Verify(token, noon)
		if err != nil || len(c.JTI) != 22 || seen[c.JTI] || !c.IssuedAt.Equal(noon) {
			t.Fatalf("%+v, %v", c, err)
		}
		seen[c.JTI] = true
	}
}

func TestSignRefuses(t *testing.T) {
	keys := testKeys(t)
	good := Claims{Subject: "s", Client: "acme", Expires: noon.Add(time.Hour)}
	for name, change := range map[string]func(*Signer, *Claims){
		"no issuer":   func(s *Signer, _ *Claims) { s.Issuer = "" },
		"no audience": func(s *Signer, _ *Claims) { s.Audience = "" },
		"no subject":  func(_ *Signer, c *Claims) { c.Subject = "" },
		"no client":   func(_ *Signer, c *Claims) { c.Client = "" },
		"no lifetime": func(_ *Signer, c *Claims) { c.Expires = noon },
		"too long":    func(_ *Signer, c *Claims) { c.Scope = strings.Repeat("x", MaxLength) },
	} {
		s, c := testSigner(keys), good
		change(s, &c)
		if token, err := s.Sign(c, noon); err == nil {
			t.Errorf("%s: %d bytes of token", name, len(token))
		}
	}
}

// TestExpires checks the expiry to the second, for cached and other tokens.
func TestExpires(t *testing.T) {
	keys := testKeys(t)
	token, err := testSigner(keys).Sign(Claims{Subject: "s", Client: "acme", Expires: noon.Add(time.Hour)}, noon)
	if err != nil {
		t.Fatal(err)
	}
	warm := testVerifier(t, keys)
	for _, v := range []*Verifier{warm, testVerifier(t, keys)} {
		if _, err := v.Verify(token, noon.Add(time.Hour-1)); err != nil {
			t.Errorf("a moment before: %v", err)
		}
	}
	for _, v := range []*Verifier{warm, testVerifier(t, keys)} {
		if _, err := v.Verify(token, noon.Add(time.Hour)); !errors.Is(err, ErrExpired) {
			t.Errorf("at its end: %v", err)
		}
	}
}

// TestOldKeyEnds checks that a cached token is refused once its key has ended.
func TestOldKeyEnds(t *testing.T) {
	keys := testKeys(t)
	v := testVerifier(t, keys)
	token, err := testSigner(keys).Sign(Claims{Subject: "s", Client: "acme", Expires: noon.Add(lifetime)}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(token, noon); err != nil {
		t.Fatal(err)
	}
	// An hour is shorter than the real lifetime.
	if _, err := keys.Rotate(noon, signing.EdDSA, time.Hour); err != nil {
		t.Fatal(err)
	}
	at := keys.List()[1].VerifiesUntil
	if _, err := v.Verify(token, at.Add(-1)); err != nil {
		t.Errorf("while the key verifies: %v", err)
	}
	if _, err := v.Verify(token, at); !errors.Is(err, ErrInvalid) {
		t.Errorf("after the key's end: %v", err)
	}
}

// TestS27_MalformedTokensLeaveNoTrace checks that only valid tokens are cached.
func TestS27_MalformedTokensLeaveNoTrace(t *testing.T) {
	keys := testKeys(t)
	v := testVerifier(t, keys)
	k := keys.Set().Signing()
	good := forge(t, k, goodHeader(k).String(), goodClaims().String())
	for i := range 1000 {
		if _, err := v.Verify(swapPayload(good, goodClaims().with("jti", fmt.Sprint(i)).String()), noon); err == nil {
			t.Fatal("a wrong signature passed")
		}
	}
	if n := v.cache.size(); n != 0 {
		t.Errorf("%d tokens remembered", n)
	}
}

// size returns how many tokens are cached.
func (m *tokenCache) size() (n int) {
	for i := range m.shards {
		if s := &m.shards[i]; s.valid != nil {
			n += s.valid.Len()
		}
	}
	return n + m.odd.valid.Len()
}

// TestTogether verifies tokens and rotates keys simultaneously: no token is refused.
func TestTogether(t *testing.T) {
	keys := testKeys(t)
	v, s := testVerifier(t, keys), testSigner(keys)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				token, err := s.Sign(Claims{Subject: "s", Client: "acme", Expires: noon.Add(lifetime)}, noon)
				if err != nil {
					t.Error(err)
				}
				for range 3 {
					if _, err := v.Verify(token, noon); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 15 { // as many old keys as there may be
		if _, err := keys.Rotate(noon, signing.EdDSA, lifetime); err != nil {
			t.Error(err)
		}
		keys.List()
		keys.JWKS(noon)
	}
	wg.Wait()
}
