package e2e

import "testing"

// TestTenantAddedAgain: if a tenant is removed and immediately added again, its earlier tokens are
// dead. The test does so 10 times, with the real commands.
func TestTenantAddedAgain(t *testing.T) {
	s := newServer(t, "")
	for range 10 {
		used, unused := s.tokens(1)[0], s.tokens(1)[0]
		if a := s.mustGet("/v1/items", used, ""); a.code() != "" {
			t.Fatalf("before the removal: %s", a.code())
		}
		s.command("tenant", "remove", "acme", "--yes")
		var err error
		s.secret, err = s.Tenant("acme")
		s.must(err)
		for _, token := range []string{used, unused} {
			if a := s.mustGet("/v1/items", token, ""); a.code() != "token_revoked" {
				t.Errorf("a token from before the removal: %d %q", a.Status, a.code())
			}
			if v := s.show(token); v.Active || v.Reason != "token_revoked" {
				t.Errorf("token show: %+v", v)
			}
		}
		if a := s.mustGet("/v1/items", s.tokens(1)[0], ""); a.code() != "" {
			t.Errorf("the new tenant's token: %s", a.code())
		}
	}
}
