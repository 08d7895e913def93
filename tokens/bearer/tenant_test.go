package bearer

import (
	"errors"
	"testing"

	"stile.example/stile/tokens/signing"
)

// TestTenantNumber checks that a token has its tenant's number, both verified and cached. Without a
// number a token is valid; with another value it is not.
func TestTenantNumber(t *testing.T) {
	keys := testKeys(t)
	v := testVerifier(t, keys)
	for _, number := range []uint32{0, 1, 7, 1<<32 - 1} {
		token, err := testSigner(keys).Sign(Claims{Subject: "s", Client: "acme", Tenant: number, Expires: noon.Add(lifetime)}, noon)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if c, err := v.Verify(token, noon); err != nil || c.Tenant != number {
				t.Errorf("%d became %d (%v)", number, c.Tenant, err)
			}
		}
	}
	k := keys.Set().Signing()
	for _, wrong := range []any{0, -1, 1.5, 1 << 32, "7", true, []int{7}, fields{"number": 7}} {
		if _, err := v.Verify(forge(t, k, goodHeader(k).String(), goodClaims().with("tenant", wrong).String()), noon); !errors.Is(err, ErrInvalid) {
			t.Errorf("tenant %v: %v", wrong, err)
		}
	}
}

// TestTenantNumberIsOurs checks that an external issuer can't set the number of a tenant.
func TestTenantNumberIsOurs(t *testing.T) {
	for _, value := range []any{7, "acme-realm", nil} {
		o := newOutsider(t, idp, signing.EdDSA)
		v := trusting(t, o)
		c, err := v.Verify(o.sign(t, o.header(), o.claims().with("tenant", value)), noon)
		if err != nil || c.Tenant != 0 {
			t.Errorf("tenant %v: %d %v", value, c.Tenant, err)
		}
	}
}
