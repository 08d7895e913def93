package handlers

import (
	"testing"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tenants"
)

// TestQuotaIsReleasedOnPanic checks that a call whose step panics leaves the tenant's quota as it
// was.
func TestQuotaIsReleasedOnPanic(t *testing.T) {
	s := newSite(t)
	s.change(func(t *tenants.Tenant) { t.CallsPerMonth = 2 })
	token := s.mint()
	if rec := s.get("/v1/items", token); rec.Code != 200 {
		t.Fatalf("the first call: %d %s", rec.Code, rec.Body)
	}
	s.tokens.bomb = "boom"
	if rec := s.get("/v1/items", token); rec.Code != infoOf(codes.Internal).Status {
		t.Fatalf("the call whose step panics: %d %s", rec.Code, rec.Body)
	}
	s.tokens.bomb = nil
	if rec := s.get("/v1/items", token); rec.Code != 200 {
		t.Errorf("the second call: %d %s", rec.Code, rec.Body)
	}
	if used := s.Meter.Used(1, s.now); used != 2 {
		t.Errorf("%d calls of the quota are used, want 2", used)
	}
}
