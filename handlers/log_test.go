package handlers

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestIssuedTokensAreLogged: with the tenant, the first one's jti and how many.
func TestIssuedTokensAreLogged(t *testing.T) {
	s := newSite(t)
	rec := s.do(ask{method: "POST", path: "/oauth/token", body: granting + "&count=7", header: basic("acme", s.secret)})
	if rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	_, line, _ := strings.Cut(s.lines.String(), `"msg":"issued"`)
	_, token, _ := strings.Cut(rec.Body.String(), `"access_token":"`)
	token, _, _ = strings.Cut(token, `"`)
	claims, err := s.Verifier.Verify(token, s.now)
	s.must(err)
	if !strings.Contains(line, `"tenant":"acme"`) || !strings.Contains(line, `"jti":"`+claims.JTI+`","count":7`) {
		t.Errorf("the log: %s", s.lines)
	}
}

// TestS58BlockedConnectionsAreClosed: the connection of a blocked address is
// closed after the answer, unless it is a trusted proxy's.
func TestS58BlockedConnectionsAreClosed(t *testing.T) {
	s := newSite(t)
	s.block("203.0.113.0/24", time.Time{})
	for _, c := range []struct {
		path, from, forwarded string
		closed                bool
	}{
		{"/v1/items", "203.0.113.9", "", true},
		{"/v1/items?callback=cb", "203.0.113.9", "", true},
		{"/v1/challenges/x/picture.png", "203.0.113.9", "", true},
		{"/v1/items", "192.0.2.1", "", false},
		{"/v1/items", "198.51.100.1", "203.0.113.9", false},
	} {
		s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}
		header := http.Header{}
		if c.forwarded != "" {
			header["X-Forwarded-For"] = []string{c.forwarded}
		}
		rec := s.do(ask{path: c.path, from: c.from, header: header})
		blocked := strings.Contains(rec.Body.String(), "address_blocked")
		if closed := rec.Header().Get("Connection") == "close"; closed != c.closed || blocked == (c.from == "192.0.2.1") {
			t.Errorf("%+v: closed %v, %s", c, closed, rec.Body)
		}
	}
}
