package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestSitesOfTenant: a page that is not one of the tenant's sites is refused with its origin in the
// detail and the explanation. Adding the site admits it, without a restart, and removing
// it refuses it again. The other sites stay.
func TestSitesOfTenant(t *testing.T) {
	s := newServer(t, "trusted_proxies: [127.0.0.1/32]\n")
	s.command("tenant", "set", "acme", "--site", "https://acme.example")
	const phone, shop = "http://192.168.1.20:3000", "https://shop.acme.example"
	get := func(origin string) (code, detail, ref string) {
		t.Helper()
		_, body := s.raw("POST", "/v1/items/i1", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {origin}}, "client_id=acme&access_token="+s.tokens(1)[0])
		member := func(name string) string {
			_, rest, _ := strings.Cut(body, `"`+name+`":"`)
			value, _, _ := strings.Cut(rest, `"`)
			return value
		}
		return member("code"), member("detail"), member("ref")
	}
	for origin, flag := range map[string]string{phone: "--insecure-site", shop: "--add-site"} {
		code, detail, ref := get(origin)
		if code != "client_mismatch" || !strings.Contains(detail, origin) || strings.Contains(detail, "https://acme.example") {
			t.Errorf("%s: %s, %s", origin, code, detail)
		}
		s.within("the explanation of "+origin, func() bool { // nodes store refusals within a second
			out, _ := s.Command("explain", ref)
			return strings.Contains(out, "stile tenant set acme "+flag+" "+origin)
		})
		s.command("tenant", "set", "acme", flag, origin)
		for _, site := range []string{origin, "https://acme.example"} {
			if code, _, _ := get(site); code != "" {
				t.Errorf("%s after %s: %s", site, flag, code)
			}
		}
		s.command("tenant", "set", "acme", "--remove-site", origin)
		if code, _, _ := get(origin); code != "client_mismatch" {
			t.Errorf("%s, removed: %q", origin, code)
		}
	}
	if out, err := s.Command("tenant", "set", "acme", "--remove-site", "https://acme.example"); err == nil || !strings.Contains(out+err.Error(), "last site") {
		t.Errorf("the last site: %v %s", err, out)
	}
	s.command("tenant", "set", "acme", "--clear-sites")
	if code, _, _ := get("https://x.example"); code != "" {
		t.Errorf("without sites: %s", code)
	}
}
