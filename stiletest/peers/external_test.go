package peers

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"stile.example/stile/stiletest/ports"
)

// TestExternalTokens checks that stile treats tokens of an external issuer like its own, for each
// algorithm.
func TestExternalTokens(t *testing.T) {
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			p, s := newProvider(t, alg), newSite(t)
			s.trust(p)
			s.checkBinding(token(t, p, s.URL))
			s.checkOpaqueBinding(token(t, p, "urn:opaque:stile"))
			for name, c := range map[string]struct{ client, resource, want string }{
				"for another API":         {"web-app", "https://other.example", "token_invalid"},
				"of an unknown client":    {"stile", s.URL, "client_mismatch"},
				"opaque":                  {"web-app", "urn:named:stile", "admitted"},
				"opaque, for another API": {"web-app", "urn:named:other", "token_invalid"},
				"opaque, without jti":     {"web-app", "urn:opaque:stile", "admitted"},
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
	s.callWithNewKey(token(t, p, s.URL))
	kept := token(t, p, s.URL)
	s.must(p.Stop())
	if got := s.call(kept, "203.0.113.7"); got != "admitted" {
		t.Errorf("the issuer is unavailable: a token from before: %s", got)
	}
	s.must(p.Start(ReplaceKeys))
	if _, err := s.Command("issuer", "refresh", p.URL); err != nil {
		t.Error(err)
	}
	if got := s.call(kept, "203.0.113.7"); got != "token_invalid" {
		t.Errorf("a token with a removed key: %s", got)
	}
	s.callWithNewKey(token(t, p, s.URL))
}

// TestDjango checks that opaque tokens of django-oauth-toolkit are accepted by introspection, whose
// responses have neither jti nor iat nor aud.
func TestDjango(t *testing.T) {
	t.Parallel()
	p, s := newDjango(t), newSite(t)
	secret := s.write("introspection", djangoSecrets["stile"])
	s.start(fmt.Sprintf(`issuers:
  - issuer: %s/o
    audience: %s
    clients: {web-app: acme}
    introspection: {url: %[1]s/o/introspect/, client_id: stile, client_secret_file: %[3]s}
`, p.URL, s.URL, secret))
	_, err := s.Tenant("acme")
	s.must(err)
	issue := func(client string) string {
		token, err := ClientCredentials(t.Context(), p.URL+"/o/token/", client, djangoSecrets[client], nil)
		s.must(err)
		return token
	}
	s.checkOpaqueBinding(issue("web-app"))
	for token, want := range map[string]string{issue("stile"): "client_mismatch", "made-up": "token_invalid"} {
		if got := s.call(token, "203.0.113.7"); got != want {
			t.Errorf("%s, want %s\n%s", got, want, s.Log())
		}
	}
}

// djangoSecrets are the secrets of the clients at django-oauth-toolkit.
var djangoSecrets = map[string]string{"web-app": strings.Repeat("s", 40), "stile": strings.Repeat("r", 40)}

// newDjango starts django-oauth-toolkit with an empty database.
func newDjango(t *testing.T) *Program {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.CopyFS(dir, os.DirFS("testdata/python")))
	python, err := sharedVenv()
	must(err)
	port, err := ports.Free()
	must(err)
	options, err := json.Marshal(map[string]any{"port": port, "clients": djangoSecrets})
	must(err)
	cmd := exec.Command(python, "django_server.py")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "DJANGO="+string(options))
	p, err := Start(cmd, port, time.Minute)
	must(err)
	t.Cleanup(func() { must(p.Stop()) })
	return p
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
	s.checkOpaqueBinding(token)
	header, payload, _ := strings.Cut(token, ".")
	if got := s.call(header+"."+strings.ToUpper(payload), "203.0.113.7"); got != "token_invalid" {
		s.Errorf("a damaged token: %s", got)
	}
}

// checkOpaqueBinding is checkBinding for a token that is not a JWT.
func (s *site) checkOpaqueBinding(token string) {
	s.Helper()
	for n, c := range [][2]string{
		{"203.0.113.7", "admitted"}, {"203.0.113.7", "admitted"}, {"198.51.100.9", "token_hijacked"}, {"203.0.113.7", "token_hijacked"},
	} {
		if got := s.call(token, c[0]); got != c[1] {
			s.Fatalf("call %d, from %s: %s, want %s\n%s", n+1, c[0], got, c[1], s.Log())
		}
	}
}

// callWithNewKey checks that stile admits the first call with a token whose key is new.
func (s *site) callWithNewKey(token string) {
	s.Helper()
	if got := s.call(token, "203.0.113.7"); got != "admitted" {
		s.Errorf("a token with a new key: %s\n%s", got, s.Log())
	}
}
