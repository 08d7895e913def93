package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestS62JSONPByTenant: after `tenant set acme jsonp=no`, requests for scripts of that tenant get
// 404 as JSON, without a restart. Its forms and other tenants' scripts are still served. With
// `jsonp: no` for the server, that applies to every request, except those of tenants with a setting
// of their own.
func TestS62JSONPByTenant(t *testing.T) {
	s := newServer(t, "")
	get := func(query string) (status int, isScript bool) {
		t.Helper()
		res, err := s.client.Get(s.URL + "/v1/items/i1?callback=alert&" + query)
		s.must(err)
		defer res.Body.Close()
		return res.StatusCode, strings.HasPrefix(res.Header.Get("Content-Type"), "text/javascript")
	}
	check := func(when, query string, wantStatus int) {
		t.Helper()
		if status, isScript := get(query); status != wantStatus || isScript != (wantStatus == 200) {
			t.Errorf("%s: %s: status %d, is a script: %v; want %d", when, query, status, isScript, wantStatus)
		}
	}
	own := "client_id=acme&access_token=" + s.tokens(1)[0]
	_, err := s.Tenant("other")
	s.must(err)
	for _, query := range []string{own, "client_id=other", "client_id=nobody", ""} {
		check("by default", query, 200)
	}

	s.command("tenant", "set", "acme", "jsonp=no")
	check("jsonp=no for the tenant", own, 404)
	for _, query := range []string{"client_id=other", "client_id=nobody", ""} {
		check("jsonp=no for the tenant", query, 200)
	}
	status, body := s.raw("POST", "/v1/items/i1", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, own)
	if status != 200 || !strings.Contains(body, `"i1"`) {
		t.Errorf("a form of the tenant: %d %s", status, body)
	}

	s.must(s.Stop())
	s.Settings = "jsonp: no\n"
	s.must(s.Start())
	s.command("tenant", "set", "other", "jsonp=yes")
	check("jsonp: no for the server", "client_id=other", 200)
	for _, query := range []string{own, "client_id=nobody", ""} {
		check("jsonp: no for the server", query, 404)
	}
}
