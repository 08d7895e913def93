package peers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// newKeyTimeout is how long a new key of an issuer may stay unknown: stile requests its keys at
// most once a minute.
const newKeyTimeout = 75 * time.Second

// TestExternalTokens checks that stile treats tokens of an external issuer like its own, for each
// algorithm.
func TestExternalTokens(t *testing.T) {
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			p, s := newProvider(t, alg), newSite(t)
			s.trust(p)
			s.checkBinding(token(t, p, s.URL))
			for name, c := range map[string]struct{ client, resource, want string }{
				"for another API":         {"web-app", "https://other.example", "token_invalid"},
				"of an unknown client":    {"stile", s.URL, "client_mismatch"},
				"opaque":                  {"web-app", "urn:named:stile", "admitted"},
				"opaque, for another API": {"web-app", "urn:named:other", "token_invalid"},
				"opaque, without jti":     {"web-app", "urn:opaque:stile", "token_invalid"},
			} {
				token, err := p.Token(t.Context(), c.client, c.resource)
				s.must(err)
				if got := s.call(token, "203.0.113.7"); got != c.want {
					t.Errorf("token %s: %s, want %s\n%s", name, got, c.want, s.Log())
				}
			}
		})
	}
}

// TestExternalKeys checks that an external issuer may change its keys, and may be unavailable.
func TestExternalKeys(t *testing.T) {
	t.Parallel()
	p, s := newProvider(t, "ES256"), newSite(t)
	s.trust(p)
	s.checkBinding(token(t, p, s.URL))
	restart(t, p, AddKey)
	s.waitForKey(token(t, p, s.URL))
	kept := token(t, p, s.URL)
	s.must(p.Stop())
	if got := s.call(kept, "203.0.113.7"); got != "admitted" {
		t.Errorf("the issuer is unavailable: a token from before: %s", got)
	}
	s.must(p.Start(ReplaceKeys))
	if got := s.call(token(t, p, s.URL), "203.0.113.7"); got == "admitted" {
		t.Error("a token with an unknown key is admitted while the keys are replaced")
	}
}

// trust starts stile with the provider as an external issuer, whose client web-app is the tenant
// acme.
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

// checkBinding checks that a token is bound to the address of its first call, and dies once it is
// used from another.
func (s *site) checkBinding(token string) {
	s.Helper()
	for n, c := range [][2]string{
		{"203.0.113.7", "admitted"}, {"203.0.113.7", "admitted"}, {"198.51.100.9", "token_hijacked"}, {"203.0.113.7", "token_hijacked"},
	} {
		if got := s.call(token, c[0]); got != c[1] {
			s.Fatalf("call %d, from %s: %s, want %s\n%s", n+1, c[0], got, c[1], s.Log())
		}
	}
	header, payload, _ := strings.Cut(token, ".")
	if got := s.call(header+"."+strings.ToUpper(payload), "203.0.113.7"); got != "token_invalid" {
		s.Errorf("a damaged token: %s", got)
	}
}

// waitForKey waits until stile admits a token that was signed with a new key.
func (s *site) waitForKey(token string) {
	s.Helper()
	got := ""
	for end := time.Now().Add(newKeyTimeout); got != "admitted" && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		got = s.call(token, "203.0.113.7")
	}
	if got != "admitted" {
		s.Errorf("after %v, a token with a new key: %s\n%s", newKeyTimeout, got, s.Log())
	}
}
