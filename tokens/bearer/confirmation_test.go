package bearer

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"
)

// TestConfirmation checks that a token may name the key of its holder, and nothing else.
func TestConfirmation(t *testing.T) {
	keys := testKeys(t)
	v, sum := testVerifier(t, keys), sha256.Sum256([]byte("a key"))
	jkt := base64.RawURLEncoding.EncodeToString(sum[:])
	verify := func(cnf any) (Claims, error) {
		return v.Verify(forge(t, keys.Set().Signing(), goodHeader(keys.Set().Signing()).String(), goodClaims().with("cnf", cnf).String()), noon)
	}
	for _, how := range []string{"verified", "remembered"} {
		if c, err := verify(fields{"jkt": jkt, "of_a_later_rfc": "x"}); err != nil || c.Confirmation != sum {
			t.Errorf("%s: %+v, %v", how, c, err)
		}
	}
	if c, err := verify(nil); err != nil || c.Confirmation != ([sha256.Size]byte{}) {
		t.Errorf("none: %+v, %v", c, err)
	}
	for _, cnf := range []any{fields{}, "x", []string{jkt}, fields{"jkt": jkt + "A"}, fields{"jkt": jkt[:42]}, fields{"jkt": 1}, fields{"jkt": jkt[:42] + "_"},
		fields{"jkt": jkt, "x5t#S256": jkt}, fields{"jkt": jkt, "kid": "k"}, fields{"of_a_later_rfc": "x"}, fields{"x5t#S256": jkt}, fields{"JKT": jkt}} {
		if c, err := verify(cnf); !errors.Is(err, ErrInvalid) {
			t.Errorf("cnf %v: %+v, %v", cnf, c, err)
		}
	}
}
