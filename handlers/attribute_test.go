package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stile.example/stile/handlers/connections"
	"stile.example/stile/refusals"
)

// TestEarlyRefusalsAreAttributed checks that a refusal before the parameters are understood names
// the address, and the tenant where the request names one.
func TestEarlyRefusalsAreAttributed(t *testing.T) {
	for name, c := range map[string]struct {
		ask    ask
		tenant string
	}{
		"brackets":        {ask{path: "/v1/items?client_id=acme&x[a]=1"}, "acme"},
		"many parameters": {ask{path: "/v1/items?client_id=acme&" + strings.Repeat("x=1&", 40)}, "acme"},
		"JSON body": {ask{method: "POST", path: "/v1/items?client_id=acme", body: "{}",
			header: http.Header{"Content-Type": {"application/json"}}}, "acme"},
		"dotted callback": {ask{path: "/v1/items?client_id=acme&callback=a.b"}, "acme"},
		"encoding":        {ask{path: "/v1/items?client_id=acme&q=%zz"}, "acme"},
		"unknown tenant":  {ask{path: "/v1/items?client_id=nobody&x[a]=1"}, ""},
		"no such route":   {ask{path: "/nowhere"}, ""},
	} {
		s := newSite(t)
		s.do(c.ask)
		f := s.notes.last()
		if f.Address != "192.0.2.0/24" || f.Identity != "address 192.0.2.0/24" || f.Tenant != c.tenant {
			t.Errorf("%s: address %q, identity %q, tenant %q", name, f.Address, f.Identity, f.Tenant)
		}
		if len(f.Detail) > refusals.MaxDetail {
			t.Errorf("%s: the detail has %d bytes, and would be cut: %s", name, len(f.Detail), f.Detail)
		}
	}
	s := newSite(t)
	h := httptest.NewRequest("GET", "/v1/items", nil) // from 192.0.2.1
	s.RefuseMalformed(httptest.NewRecorder(), h, connections.Malformed{Status: 400})
	if f := s.notes.last(); f.Address != "192.0.2.0/24" {
		t.Errorf("malformed: %+v", f)
	}
}
