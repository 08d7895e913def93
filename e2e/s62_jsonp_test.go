package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestS62JSONPOfATenant: with `jsonp=no` a tenant's requests for scripts get 404
// as JSON, at once and without a restart; its forms, and other tenants' scripts,
// are answered. With `jsonp: no` for the server, that is so for every request
// whose tenant has no setting of its own, or that names none.
func TestS62JSONPOfATenant(t *testing.T) {
	s := newSite(t, "")
	script := func(query string) (status int, isScript bool) {
		t.Helper()
		res, err := s.client.Get(s.URL + "/v1/items/i1?callback=alert&" + query)
		s.must(err)
		defer res.Body.Close()
		return res.StatusCode, strings.HasPrefix(res.Header.Get("Content-Type"), "text/javascript")
	}
	check := func(when, query string, wantStatus int) {
		t.Helper()
		if status, isScript := script(query); status != wantStatus || isScript != (wantStatus == 200) {
			t.Errorf("%s: %s: %d, a script: %v; want %d", when, query, status, isScript, wantStatus)
		}
	}
	own := "client_id=acme&access_token=" + s.tokens(1)[0]
	_, err := s.Tenant("other")
	s.must(err)
	for _, query := range []string{own, "client_id=other", "client_id=nobody", ""} {
		check("by default", query, 200)
	}

	s.command("tenant", "set", "acme", "jsonp=no")
	check("a tenant without", own, 404)
	for _, query := range []string{"client_id=other", "client_id=nobody", ""} {
		check("a tenant without", query, 200)
	}
	status, body := s.raw("POST", "/v1/items/i1", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, own)
	if status != 200 || !strings.Contains(body, `"i1"`) {
		t.Errorf("its form: %d %s", status, body)
	}

	s.must(s.Stop())
	s.Settings = "jsonp: no\n"
	s.must(s.Start())
	s.command("tenant", "set", "other", "jsonp=yes")
	check("a server without", "client_id=other", 200)
	for _, query := range []string{own, "client_id=nobody", ""} {
		check("a server without", query, 404)
	}
}
