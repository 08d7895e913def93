package handlers

import (
	"strings"
	"testing"

	"stile.example/stile/tenants"
)

// TestS62NoJSONP checks that a request for a script that names a tenant without JSONP gets 404 as
// JSON, on every path, and that neither the token nor the content is read.
func TestS62NoJSONP(t *testing.T) {
	s := newSite(t)
	s.tenant("quiet")
	server := JSONPYes
	s.API.PolicyOf = func(of *tenants.Tenant) Policy {
		p := s.policy
		p.Callbacks = []string{"angular.callbacks"}
		switch {
		case of == nil:
			p.JSONP = server
		case of.ClientID == "quiet":
			p.JSONP = "no"
		}
		return p
	}
	paths := []string{"/v1/items", "/v1/items/one", "/v1/suggest", "/v1/token", "/v1/challenges/x/answer", "/v1/challenges/x/reload", "/", "/nowhere", "/v2/items", "/oauth/token"}
	refused := func(name, path string) {
		t.Helper()
		rec := s.do(ask{path: path})
		body := rec.Body.String()
		if rec.Code != 404 || rec.Header().Get("Content-Type") != "application/json" || rec.Header().Get("X-Content-Type-Options") != "nosniff" ||
			rec.Header().Get("Access-Control-Allow-Origin") != "*" ||
			!strings.HasPrefix(body, `{"error":{"type":"/problems/not_found","code":"not_found","status":404,`) || !strings.Contains(body, "switched off by the setting jsonp") {
			t.Errorf("%s: %s: %d %s", name, path, rec.Code, body)
		}
	}
	answered := func(name, path string) {
		t.Helper()
		if rec := s.do(ask{path: path}); rec.Code != 200 || !strings.HasPrefix(rec.Body.String(), "/**/ typeof cb ") {
			t.Errorf("%s: %s: %d %s", name, path, rec.Code, rec.Body)
		}
	}
	for _, path := range paths {
		for _, callback := range []string{"cb", "angular.callbacks._0", "", "1(", "cb&callback=cb"} {
			refused("a tenant without", path+"?client_id=quiet&access_token="+s.mint()+"&callback="+callback)
		}
		answered("another tenant", path+"?client_id=acme&callback=cb")
		answered("no tenant", path+"?callback=cb")
		answered("two tenants", path+"?client_id=quiet&client_id=quiet&callback=cb")
	}
	for _, server = range []string{"no", ""} {
		for _, path := range paths {
			for _, client := range []string{"", "client_id=nobody&", "client_id=acme&client_id=acme&"} {
				refused("a server without", path+"?"+client+"callback=cb")
			}
			answered("a tenant with, of a server without", path+"?client_id=acme&callback=cb")
		}
	}
	if reads := int(s.corpus.reads.Load()) + s.tokens.writes; reads != 0 {
		t.Errorf("%d reads of the content or the store", reads)
	}
	if rec := s.do(ask{path: with("/v1/items/one", "client_id", "quiet")}); rec.Code != 401 || strings.Contains(rec.Body.String(), "jsonp") {
		t.Errorf("without callback: %d %s", rec.Code, rec.Body)
	}
}

// TestS62NoScriptBelowWidgets checks that no path below /widgets/, however it is spelled, is
// answered with a JSONP script: a page's policy may allow scripts from there. A path that does not
// name a file of the layer is not found.
func TestS62NoScriptBelowWidgets(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{
		"/widgets/", "/widgets/x", "/widgets/x.js", "/widgets/v1/", "/widgets/v1/nothing.js", "/widgets/v1/items", "/widgets/..%2fv1/items", "/widgets/%2e%2e%2fv1%2fitems",
		"/widgets/%2e%2e/v1/items", "/widgets/../v1/items", "/%77idgets/x", "/widgets//v1/items", "/widgets/..%5cv1/items", "/widgets/;/v1/items", "/widgets/v1/stile.js/..%2f..%2f..%2fv1/items",
	} {
		rec := s.do(ask{path: path + "?client_id=acme&callback=cb"})
		if rec.Code != 404 || rec.Header().Get("Content-Type") != "application/json" || strings.Contains(rec.Body.String(), "cb") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}
