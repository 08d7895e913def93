package handlers

import (
	"strings"
	"testing"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// TestTokensOfARemovedTenant checks that a tenant that is removed and added again within the same
// second is another tenant, and that tokens of the earlier one are revoked. Tokens without a
// tenant's number are compared by time, to the second.
func TestTokensOfARemovedTenant(t *testing.T) {
	s := newSite(t)
	issued := s.oauthToken("acme", s.secret)
	acme, _ := s.Tenants.Find("acme")
	bare := s.mint()
	if rec := s.get(itemsPath, issued); rec.Code != 200 {
		t.Fatalf("before: %d %s", rec.Code, rec.Body)
	}
	s.must(s.Tenants.Remove(t.Context(), "acme"))
	again, err := s.Tenants.Add(t.Context(), tenants.Tenant{ClientID: "acme", Name: "a", Status: tenants.Active, CreatedAt: s.now})
	s.must(err)
	if again.Number == acme.Number {
		t.Fatal("a tenant's number was used again")
	}
	if rec := s.get(itemsPath, issued); !strings.Contains(rec.Body.String(), string(codes.TokenRevoked)) {
		t.Errorf("the earlier tenant's token: %d %s", rec.Code, rec.Body)
	}
	unused := s.mint(func(c *bearer.Claims) { c.Tenant = acme.Number })
	if rec := s.get(itemsPath, unused); !strings.Contains(rec.Body.String(), string(codes.TokenRevoked)) {
		t.Errorf("the earlier tenant's token at its first call: %d %s", rec.Code, rec.Body)
	}
	if rec := s.get(itemsPath, bare); rec.Code != 200 {
		t.Errorf("a token without a number, of the same second: %d %s", rec.Code, rec.Body)
	}
	if rec := s.get(itemsPath, s.mint(func(c *bearer.Claims) { c.Tenant = again.Number })); rec.Code != 200 {
		t.Errorf("the new tenant's token: %d %s", rec.Code, rec.Body)
	}
}

// oauthToken gets a token from the token endpoint.
func (s *site) oauthToken(clientID, secret string) string {
	s.Helper()
	rec := s.do(ask{method: "POST", path: "/oauth/token", body: query("grant_type", "client_credentials", "client_id", clientID, "client_secret", secret)})
	_, rest, ok := strings.Cut(rec.Body.String(), `"access_token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	if !ok {
		s.Fatalf("no token: %d %s", rec.Code, rec.Body)
	}
	return token
}
