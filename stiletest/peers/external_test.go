package peers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// keyPatience is how long a new key of an issuer may stay unknown: its keys are
// asked for once a minute.
const keyPatience = 75 * time.Second

// TestOutsideTokens: tokens of another authorization server go the same way as
// our own, in each algorithm.
func TestOutsideTokens(t *testing.T) {
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			p, s := newProvider(t, alg), newSite(t)
			s.trust(p)
			s.isBound(token(t, p, s.URL))
			for name, c := range map[string]struct{ client, resource, want string }{
				"for another API":      {"web-app", "https://other.example", "token_invalid"},
				"of an unknown client": {"stile", s.URL, "client_mismatch"},
				"opaque":               {"web-app", "urn:named:stile", "yes"},
				"opaque, of another":   {"web-app", "urn:named:other", "token_invalid"},
				"opaque, without jti":  {"web-app", "urn:opaque:stile", "token_invalid"},
			} {
				token, err := p.Token(t.Context(), c.client, c.resource)
				s.must(err)
				if got := s.call(token, "203.0.113.7"); got != c.want {
					t.Errorf("a token %s gets %s, want %s\n%s", name, got, c.want, s.Log())
				}
			}
		})
	}
}

// TestOutsideKeys: an issuer may change its keys, and go away.
func TestOutsideKeys(t *testing.T) {
	t.Parallel()
	p, s := newProvider(t, "ES256"), newSite(t)
	s.trust(p)
	s.isBound(token(t, p, s.URL))
	restart(t, p, AddKey)
	s.learnsKey(token(t, p, s.URL))
	kept := token(t, p, s.URL)
	s.must(p.Stop())
	if got := s.call(kept, "203.0.113.7"); got != "yes" {
		t.Errorf("the issuer is away, and a token of before gets %s", got)
	}
	s.must(p.Start(ReplaceKeys))
	if got := s.call(token(t, p, s.URL), "203.0.113.7"); got == "yes" {
		t.Error("a key that nobody has seen is believed")
	}
}

// trust starts stile with the provider as an issuer whose web-app is acme.
func (s *site) trust(p *Provider) {
	s.Helper()
	secret := s.write("introspection", p.Clients["stile"])
	s.start(fmt.Sprintf(`issuers:
  - issuer: %s
    audience: [%s, "urn:opaque:stile", "urn:named:stile"]
    algorithms: [%s]
    types: [at+jwt]
    clients: {web-app: acme}
    introspection: {url: %s/token/introspection, client_id: stile, client_secret_file: %s}
`, p.URL, s.URL, p.Alg, p.URL, secret))
	_, err := s.Tenant("acme")
	s.must(err)
}

// isBound: a token is good where its first call came from, and dead once it is
// used from elsewhere.
func (s *site) isBound(token string) {
	s.Helper()
	for n, c := range [][2]string{
		{"203.0.113.7", "yes"}, {"203.0.113.7", "yes"}, {"198.51.100.9", "token_hijacked"}, {"203.0.113.7", "token_hijacked"},
	} {
		if got := s.call(token, c[0]); got != c[1] {
			s.Fatalf("call %d, from %s: %s, want %s\n%s", n+1, c[0], got, c[1], s.Log())
		}
	}
	header, payload, _ := strings.Cut(token, ".")
	if got := s.call(header+"."+strings.ToUpper(payload), "203.0.113.7"); got != "token_invalid" {
		s.Errorf("a damaged token gets %s", got)
	}
}

// learnsKey waits until a token that a new key has signed is good.
func (s *site) learnsKey(token string) {
	s.Helper()
	got := ""
	for end := time.Now().Add(keyPatience); got != "yes" && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		got = s.call(token, "203.0.113.7")
	}
	if got != "yes" {
		s.Errorf("after %v a token with a new key still gets %s\n%s", keyPatience, got, s.Log())
	}
}
