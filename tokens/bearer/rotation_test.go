package bearer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
	"stile.example/stile/tokens/signing"
)

// TestLawRotation checks that, whatever is rotated, waited for and restarted, every token is valid
// until it expires and not after, that the JWK Set has its key, and that the set has no key without
// valid tokens.
func TestLawRotation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "keys")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		now, file := noon, filepath.Join(dir, "keys.json")
		keys, err := signing.OpenKeys(file, now)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := NewVerifier(keys, issuer, issuer, lifetime)
		expires := map[string]time.Time{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"rotate", "wait", "sign", "restart"}).Draw(t, "step") {
			case "rotate":
				if _, err := keys.Rotate(now, rapid.SampledFrom([]string{signing.EdDSA, signing.ES256}).Draw(t, "alg"), lifetime); err != nil {
					t.Fatal(err)
				}
			case "wait":
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(13*time.Hour)).Draw(t, "for")))
			case "sign":
				until := now.Add(time.Duration(rapid.IntRange(1, int(lifetime/time.Second)).Draw(t, "life")) * time.Second)
				token, err := testSigner(keys).Sign(Claims{Subject: "s", Client: "acme", Expires: until}, now)
				if err != nil {
					t.Fatal(err)
				}
				expires[token] = until.Truncate(time.Second)
			case "restart":
				if keys, err = signing.OpenKeys(file, now); err != nil {
					t.Fatal(err)
				}
				v, _ = NewVerifier(keys, issuer, issuer, lifetime)
			}
			for token, until := range expires {
				if err := holds(v, keys, token, until, now); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func holds(v *Verifier, keys *signing.Keys, token string, until, now time.Time) error {
	_, err := v.Verify(token, now)
	if !now.Before(until) {
		if errors.Is(err, ErrExpired) || errors.Is(err, ErrInvalid) {
			return nil
		}
		return fmt.Errorf("good after its end: %v", err)
	}
	if err != nil {
		return fmt.Errorf("a live token: %w", err)
	}
	t, _ := cut(token)
	h, _ := readHeader(t)
	if !bytes.Contains(keys.JWKS(now), []byte(`"`+h.kid+`"`)) {
		return errors.New("the key of a live token is not in the JWK Set")
	}
	if bytes.Contains(keys.JWKS(now.Add(2*lifetime)), []byte(h.kid)) && keys.Set().Signing().KID() != h.kid {
		return errors.New("a key outlives its tokens")
	}
	return nil
}
