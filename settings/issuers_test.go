package settings

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const keycloak = `issuers:
  - issuer: https://id.example/realms/r
    audience: stile
    clients:
      web.app: acme
      "other: app": other
  - issuer: https://t.example/
    audience: [https://api.example, api]
    algorithms: [RS256]
    types: at+jwt
    client_claim: azp
    id_claim: at_hash
    keys: https://t.example/keys
    accept: exchange
    clients: {abc: acme}
    introspection: {url: https://t.example/introspect, client_id: stile, client_secret_file: secret, audience: required}
`

// TestIssuers checks the settings of issuers in a file and in the environment, and the defaults.
func TestIssuers(t *testing.T) {
	want := []Issuer{
		{Issuer: "https://id.example/realms/r", Audience: []string{"stile"}, Algorithms: []string{"RS256", "ES256", "EdDSA"},
			Types: []string{"at+jwt", "jwt", "none"}, ClientClaim: "auto", IDClaim: "jti", Accept: "calls", Introspection: Introspection{Audience: "if-sent"},
			Clients: map[string]string{"web.app": "acme", "other: app": "other"}},
		{Issuer: "https://t.example/", Audience: []string{"https://api.example", "api"}, Algorithms: []string{"RS256"},
			Types: []string{"at+jwt"}, ClientClaim: "azp", IDClaim: "at_hash", Keys: "https://t.example/keys", Accept: "exchange", Clients: map[string]string{"abc": "acme"},
			Introspection: Introspection{"https://t.example/introspect", "stile", "secret", "required"}},
	}
	s := load(t, keycloak)
	if !reflect.DeepEqual(s.Issuers, want) {
		t.Errorf("%+v", s.Issuers)
	}
	env := "STILE_ISSUERS=[{issuer: 'https://id.example/realms/r', audience: stile, clients: {web.app: acme, 'other: app': other}}]"
	e, err := Load(Source{Env: []string{env}})
	if err != nil || !reflect.DeepEqual(e.Issuers, want[:1]) {
		t.Errorf("by the environment: %v, %v", e, err)
	}
	if got := load(t, "").Restart(s); len(got) != 1 || got[0] != "issuers" {
		t.Errorf("needs a restart: %v", got)
	}
	if got := s.Restart(load(t, strings.Replace(keycloak, "abc: acme", "abc: other", 1))); len(got) != 1 {
		t.Errorf("another tenant: needs a restart: %v", got)
	}
	if got := s.Restart(load(t, keycloak)); len(got) != 0 {
		t.Errorf("nothing new: needs a restart: %v", got)
	}
}

// TestIssuersByPlainHTTP checks that plain http is allowed on this machine, and with allow_private.
func TestIssuersByPlainHTTP(t *testing.T) {
	for address, more := range map[string]string{
		"http://127.0.0.1:8080/realms/r": "", "http://localhost:8080": "", "http://[::1]": "", "http://keycloak:8080/realms/r": "allow_private: true,",
	} {
		load(t, fmt.Sprintf("issuers: [{issuer: %q, %s audience: a, clients: {b: c}}]", address, more))
	}
}

// TestIssuerProblems checks that all problems are reported together, each with its line.
func TestIssuerProblems(t *testing.T) {
	const good = "issuer: https://a.example, audience: a, clients: {b: c}"
	for _, c := range []struct{ file, want string }{
		{"issuers: a", "F:1: issuers: must be a list of mappings: [{issuer: https://…, audience: …, clients: {…: …}}]"},
		{"issuers: [a]", "F:1: issuers: must be a list of mappings: [{issuer: https://…, audience: …, clients: {…: …}}]"},
		{"issuers:\n  - issuer: x\n    audiense: a\n    algorithms: [HS256]\n    clients: {b: 'a b'}", "F:2: issuers[1].issuer: \"x\": must be an https URL, or http on this machine\n" +
			"F:3: issuers[1].audiense: unknown setting of an issuer; must be one of issuer, audience, clients, keys, algorithms, types, client_claim, id_claim, accept, allow_private, introspection.url, introspection.client_id, introspection.audience, introspection.client_secret_file\n" +
			"F:4: issuers[1].algorithms: \"HS256\": must be RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA\n" +
			"F:5: issuers[1].clients.b: must be a client and its tenant: the issuer's name of a client: client_id of a tenant"},
		{"issuers:\n  - keys: http://a.example", "F:2: issuers[1].keys: must be https: on plain http, others in the network could sign tokens; in your own network, set allow_private\n" +
			"F:2: issuers[1].issuer: is missing\n" +
			"F:2: issuers[1].audience: is missing: without it, tokens issued for other APIs would be valid here\n" +
			"F:2: issuers[1].clients: is missing: without it, no token would have a tenant"},
		{"issuers:\n  - {" + good + "}\n  - {" + good + "}", "F:2: issuers[2].issuer: must be unique: another entry has the same issuer"},
		{"issuers:\n  - {" + good + ", introspection: {url: https://a.example}}", "F:2: issuers[1].introspection: needs url, client_id and client_secret_file"},
		{"issuers: [{" + good + ", audience: b}]", "F:1: issuers[1].audience: is set twice; first on line 1"},
		{"issuers: [{" + good + ", types: [at+jwt, id]}]", `F:1: issuers[1].types: "id": must be at+jwt, jwt or none`},
		{"issuers: [{" + good + ", accept: }]", "F:1: issuers[1].accept: has no value"},
		{"issuers: [{" + good + ", algorithms: []}]", "F:1: issuers[1].algorithms: has no value"},
		{"issuers: [{" + good + ", issuer: https://u:p@a.example}]", "F:1: issuers[1].issuer: is set twice; first on line 1"},
		{"issuers: [{" + good + ", keys: 'https://u:p@a.example'}]", `F:1: issuers[1].keys: "https://u:p@a.example": must be an https URL, or http on this machine`},
		{"issuers: [{" + good + ", audience: &x b}]", "F:1: issuers[1].audience: must not contain anchors, aliases or tags"},
		{"public_url: https://a.example\nissuers: [{" + good + "}]", "F:2: issuers: must not contain public_url: the server's own tokens need no entry"},
		{"issuers: [{" + good + ", introspection: {url: 'https://a.example', client_id: x, client_secret_file: y}}, {issuer: https://b.example, audience: a, clients: {b: c}, introspection: {url: 'https://b.example', client_id: x, client_secret_file: y}}]",
			"F:1: issuers[2].introspection: must be set for one issuer only, and https://a.example has it already: tokens that are not JWTs do not name their issuer"},
	} {
		name := file(t, c.file)
		_, err := Load(Source{File: name})
		if err == nil {
			t.Errorf("%q is accepted", c.file)
		} else if got := strings.ReplaceAll(err.Error(), name+":", "F:"); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.file, got, c.want)
		}
	}
	for _, text := range []string{"x", "[a]", "[{issuer: x}]", "{a: b}", "[", "]\nx: [", "[{issuer: &a x}]"} {
		_, err := Load(Source{Env: []string{"STILE_ISSUERS=" + text}})
		if err == nil || !strings.HasPrefix(err.Error(), "STILE_ISSUERS: ") {
			t.Errorf("STILE_ISSUERS=%s: %v", text, err)
		}
	}
	many := "issuers: [" + strings.Repeat("{}, ", maxIssuers+1) + "]"
	if _, err := Load(Source{File: file(t, many)}); err == nil || !strings.Contains(err.Error(), "has 33 issuers; must be at most 32") {
		t.Errorf("33 issuers: %v", err)
	}
}

// TestIssuerDefaults checks that each default is allowed.
func TestIssuerDefaults(t *testing.T) {
	for _, p := range parts {
		if p.doc == "" || p.value.allowed == "" {
			t.Errorf("%s has no complete description", p.name)
		}
		if p.def == "" {
			continue
		}
		if err := p.value.parse(&Issuer{}, splitList(p.def)); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}
