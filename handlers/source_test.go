package handlers

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ff::/48")}

// TestS4ForgedAddresses checks that headers of an untrusted peer have no effect. A token bound to
// that peer continues with 10,000 different ones.
func TestS4ForgedAddresses(t *testing.T) {
	s := newSite(t)
	s.TrustedProxies = proxies
	s.policy.Token.Calls = 20_000
	s.policy.Token.Records = 20_000
	token := s.mint()
	for n := range 10_000 {
		forged := fmt.Sprintf("198.18.%d.%d", n>>8, n&255)
		rec := s.do(ask{path: "/v1/items/one?client_id=acme", header: http.Header{
			"Authorization": {"Bearer " + token}, "X-Forwarded-For": {forged}, "X-Real-Ip": {forged}, "Forwarded": {"for=" + forged},
		}})
		if rec.Code != 200 {
			t.Fatalf("%s: %d %s", forged, rec.Code, rec.Body)
		}
	}
	for _, state := range s.tokens.states {
		if a := state.Bound.Address(); a != netip.MustParseAddr("192.0.2.1") {
			t.Errorf("bound to %s", a)
		}
	}
	if len(s.tokens.states) != 1 || strings.Contains(s.lines.String(), "198.18.") {
		t.Error("a forged address left a trace")
	}
}

// TestBindingBehindProxy checks that behind a trusted proxy a token is bound to the visitor, and
// not to the proxy.
func TestBindingBehindProxy(t *testing.T) {
	s := newSite(t)
	s.TrustedProxies = proxies
	token := s.mint()
	call := func(proxy, visitor string) int {
		return s.do(ask{path: with("/v1/items/one", "client_id", "acme", "access_token", token), from: proxy,
			header: http.Header{"X-Forwarded-For": {visitor}}}).Code
	}
	if c := call("10.0.0.1", "192.0.2.1"); c != 200 {
		t.Fatal(c)
	}
	if c := call("10.9.9.9", "192.0.2.1"); c != 200 {
		t.Errorf("through another proxy: %d", c)
	}
	if c := call("10.0.0.1", "garbage"); c != 400 {
		t.Errorf("garbage from a proxy: %d", c)
	}
	if c := call("10.0.0.1", "192.0.2.2"); c != 401 {
		t.Errorf("another visitor: %d", c)
	}
}
