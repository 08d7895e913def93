package handlers

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"stile.example/stile/handlers/oauth"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// The two external issuers of these tests. Tokens of the first can be used for calls, those of the
// second can be exchanged.
const (
	callsIDP    = "https://calls.example/"
	exchangeIDP = "https://exchange.example"
)

// The names of RFC 8693 in these tests.
const (
	tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessToken   = "urn:ietf:params:oauth:token-type:access_token"
	anyJWT        = "urn:ietf:params:oauth:token-type:jwt"
)

// grant is a token endpoint's answer.
type grant struct {
	AccessToken  string   `json:"access_token"`
	IssuedType   string   `json:"issued_token_type"`
	TokenType    string   `json:"token_type"`
	ExpiresIn    int64    `json:"expires_in"`
	Scope        string   `json:"scope"`
	AccessTokens []string `json:"access_tokens"`
}

// idpKey is the signing key of both.
var idpKey = ed25519.NewKeyFromSeed([]byte(strings.Repeat("i", 32)))

// ring returns the key of both, or a fault.
type ring struct {
	keys  bearer.IssuerKeys
	fault error
}

func (r *ring) Keys(time.Time) (*bearer.IssuerKeys, error)         { return &r.keys, r.fault }
func (r *ring) Renewed(_, _ time.Time) (*bearer.IssuerKeys, error) { return &r.keys, r.fault }

// busyIssuer is the error about an issuer whose keys were fetched too recently.
type busyIssuer struct{}

func (busyIssuer) Error() string             { return "fetched a moment ago" }
func (busyIssuer) RetryAfter() time.Duration { return 41*time.Second + 1 }

// newTrustingSite returns a site that trusts both issuers. Their client app is acme, and rival is
// other.
func newTrustingSite(t *testing.T) (*site, *ring) {
	t.Helper()
	s := newSite(t)
	x := base64.RawURLEncoding.EncodeToString(idpKey.Public().(ed25519.PublicKey))
	keys, err := bearer.ParseIssuerKeys(fmt.Appendf(nil, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":%q}]}`, x))
	s.must(err)
	r := &ring{keys: keys}
	issuer := func(name string) *bearer.Issuer {
		return &bearer.Issuer{Name: name, Audiences: []string{"stile"}, Algorithms: []string{"EdDSA"}, Types: []string{"jwt"},
			Clients: map[string]string{"app": "acme", "rival": "other", "gone": "nobody"}, ForExchange: name == exchangeIDP, Keys: r}
	}
	verifier := s.Verifier.(*bearer.Verifier)
	s.must(verifier.Trust([]*bearer.Issuer{issuer(callsIDP), issuer(exchangeIDP)}))
	s.Subjects = verifier
	s.handler = s.Routes()
	return s, r
}

// externalToken returns a token of an external issuer.
func externalToken(issuer, client, jti string, issued time.Time) string {
	enc := base64.RawURLEncoding.EncodeToString
	text := enc([]byte(`{"alg":"EdDSA","typ":"JWT","kid":"k"}`)) + "." + enc(fmt.Appendf(nil,
		`{"iss":%q,"aud":["stile","account"],"azp":%q,"sub":"ann","jti":%q,"iat":%d,"exp":%d,"scope":"openid"}`, issuer, client, jti, issued.Unix(), issued.Add(time.Hour).Unix()))
	return text + "." + enc(ed25519.Sign(idpKey, []byte(text)))
}

// TestExternalTokenCalls checks that a token of an external issuer is bound, counted and refused
// like one of stile.
func TestExternalTokenCalls(t *testing.T) {
	s, r := newTrustingSite(t)
	s.tenant("other")
	token := externalToken(callsIDP, "app", "1", s.now)
	want := func(what string, rec *httptest.ResponseRecorder, status int, code string) {
		t.Helper()
		if rec.Code != status || !strings.Contains(rec.Body.String(), code) {
			t.Errorf("%s: %d %s, want %d %s", what, rec.Code, rec.Body, status, code)
		}
	}
	want("a call", s.get("/v1/items", token), 200, `"calls":1,"calls_limit":100,"expires_in":3600`)
	want("another", s.get("/v1/items", token), 200, `"calls":2`)
	want("the issuer's name of the client", s.do(ask{path: with("/v1/items", "client_id", "app", "access_token", token)}), 403, "client_mismatch")
	want("another tenant's", s.do(ask{path: with("/v1/items", "client_id", "other", "access_token", token)}), 403, "client_mismatch")
	want("a client without a tenant", s.get("/v1/items", externalToken(callsIDP, "unknown", "2", s.now)), 403, "client_mismatch")
	want("a tenant that is not there", s.do(ask{path: with("/v1/items", "client_id", "nobody", "access_token", externalToken(callsIDP, "gone", "3", s.now))}), 401, "token_revoked")
	want("older than its tenant", s.get("/v1/items", externalToken(callsIDP, "app", "4", s.now.Add(-time.Minute))), 401, "token_revoked")
	want("one for exchange", s.get("/v1/items", externalToken(exchangeIDP, "app", "5", s.now)), 401, "token_invalid")
	want("a slash too few", s.get("/v1/items", externalToken("https://calls.example", "app", "6", s.now)), 401, "token_invalid")
	want("elsewhere", s.do(ask{path: with("/v1/items", "client_id", "acme", "access_token", token), from: "203.0.113.9"}), 401, "token_hijacked")
	want("dead", s.get("/v1/items", token), 401, "token_hijacked")

	late := externalToken(callsIDP, "app", "7", s.now)
	r.fault = errors.New("the issuer is unavailable")
	want("no keys", s.get("/v1/items", late), 503, "overloaded")
	want("no keys, and our own", s.get("/v1/items", s.mint()), 200, "data")
	r.fault = busyIssuer{}
	want("keys that were fetched a moment ago", s.get("/v1/items", late), 503, `"retry_after":42`)
	rec := s.do(ask{method: "POST", path: "/oauth/token", body: exchanging(externalToken(exchangeIDP, "app", "8", s.now))})
	if want("at the token endpoint", rec, 503, "temporarily_unavailable"); rec.Header().Get("Retry-After") != "42" {
		t.Errorf("Retry-After: %s", rec.Header().Get("Retry-After"))
	}
	for line := range strings.Lines(s.lines.String()) {
		if strings.Contains(line, r.fault.Error()) && !strings.Contains(line, `"level":"INFO"`) {
			t.Errorf("an ordinary event in the log: %s", line)
		}
	}
	r.fault = nil
	s.now = s.now.Add(11 * time.Minute)
	want("bound too late", s.get("/v1/items", late), 401, "token_expired")
	s.now = s.now.Add(time.Hour)
	want("expired", s.get("/v1/items", late), 401, "token_expired")
}

// TestExchangeLogsWhy checks that the log says why a subject token is refused, and the response
// does not.
func TestExchangeLogsWhy(t *testing.T) {
	for want, token := range map[string]func(s *site) string{
		"issuer https://exchange.example: expired by 60 min":                                        func(s *site) string { return externalToken(exchangeIDP, "app", "1", s.now.Add(-2*time.Hour)) },
		"issuer https://exchange.example: its client unknown is not in the issuer's clients":        func(s *site) string { return externalToken(exchangeIDP, "unknown", "2", s.now) },
		"unknown issuer https://nobody.example: it is neither public_url (https://api.example) nor": func(s *site) string { return externalToken("https://nobody.example", "app", "3", s.now) },
	} {
		s, _ := newTrustingSite(t)
		body := "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:access_token&subject_token=" + token(s)
		rec := s.do(ask{method: "POST", path: "/oauth/token", body: body})
		if log := s.lines.String(); rec.Code != 400 || !strings.Contains(log, `"reason":"`+want) {
			t.Errorf("%d %s\n%s", rec.Code, rec.Body, log)
		}
		for _, private := range []string{"60 min", "unknown", "nobody"} {
			if strings.Contains(rec.Body.String(), private) {
				t.Errorf("the caller learns %q: %s", private, rec.Body)
			}
		}
	}
}

// TestExternalTokenOfTheTenant checks that a tenant can introspect and revoke its tokens of an
// external issuer.
func TestExternalTokenOfTheTenant(t *testing.T) {
	s, _ := newTrustingSite(t)
	other := s.tenant("other")
	token := externalToken(callsIDP, "app", "1", s.now)
	s.get("/v1/items", token)
	post := func(path, client, secret string) string {
		return s.do(ask{method: "POST", path: path, body: "token=" + token, header: basic(client, secret)}).Body.String()
	}
	want := `{"active":true,"scope":"openid","client_id":"acme","token_type":"Bearer","iss":"https://calls.example/","sub":"ann","jti":"1",` +
		`"iat":1795348800,"exp":1795352400,"binding":"address","calls":1,"calls_limit":100}`
	if got := post("/oauth/introspect", "acme", s.secret); got != want {
		t.Errorf("its own:\n got %s\nwant %s", got, want)
	}
	if got := post("/oauth/introspect", "other", other); got != `{"active":false}` {
		t.Errorf("another's: %s", got)
	}
	if got := post("/oauth/revoke", "other", other); !strings.Contains(got, "invalid_grant") {
		t.Errorf("another revokes: %s", got)
	}
	if got := post("/oauth/revoke", "acme", s.secret); got != "" {
		t.Errorf("revoke: %s", got)
	}
	if rec := s.get("/v1/items", token); rec.Code != 401 || !strings.Contains(rec.Body.String(), "token_revoked") {
		t.Errorf("revoked: %d %s", rec.Code, rec.Body)
	}
}

// exchanging returns the body of an exchange.
func exchanging(token string, more ...string) string {
	return query(append([]string{"grant_type", tokenExchange, "subject_token", token, "subject_token_type", accessToken}, more...)...)
}

// TestExchange checks the whole response of RFC 8693 §2.2.1.
func TestExchange(t *testing.T) {
	s, _ := newTrustingSite(t)
	subject := externalToken(exchangeIDP, "app", "1", s.now)
	for name, c := range map[string]struct {
		ask      ask
		sub, typ string
	}{
		"the token alone":     {ask{body: exchanging(subject)}, "ann", accessToken},
		"and the client":      {ask{body: exchanging(subject, "client_id", "acme")}, "ann", accessToken},
		"with a secret":       {ask{body: exchanging(subject), header: basic("acme", s.secret)}, "ann", accessToken},
		"a subject":           {ask{body: exchanging(subject, "subject", "bob")}, "bob", accessToken},
		"a JWT":               {ask{body: exchanging(subject, "requested_token_type", anyJWT)}, "ann", anyJWT},
		"for us":              {ask{body: exchanging(subject, "audience", publicURL, "resource", publicURL)}, "ann", accessToken},
		"for calls, a secret": {ask{body: exchanging(externalToken(callsIDP, "app", "2", s.now)), header: basic("acme", s.secret)}, "ann", accessToken},
	} {
		c.ask.method, c.ask.path = "POST", "/oauth/token"
		rec := s.do(c.ask)
		var g grant
		if err := json.Unmarshal(rec.Body.Bytes(), &g); err != nil || rec.Code != 200 || g.IssuedType != c.typ || g.TokenType != "Bearer" || g.ExpiresIn != 86400 || g.AccessTokens != nil {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
			continue
		}
		claims, err := s.Verifier.Verify(g.AccessToken, s.now)
		if err != nil || claims.Client != "acme" || claims.Subject != c.sub || claims.Issuer != publicURL || claims.Scope != oauth.Scope {
			t.Errorf("%s: %+v, %v", name, claims, err)
		}
	}
}

// TestExchangeRefuses checks that a visitor can't exchange its token, that no tenant gets
// another's, and that the errors are those of RFC 8693.
func TestExchangeRefuses(t *testing.T) {
	s, r := newTrustingSite(t)
	other := s.tenant("other")
	good, calls := externalToken(exchangeIDP, "app", "1", s.now), externalToken(callsIDP, "app", "2", s.now)
	dead := externalToken(callsIDP, "app", "3", s.now)
	s.do(ask{method: "POST", path: "/oauth/revoke", body: "token=" + dead, header: basic("acme", s.secret)})
	for _, c := range []struct {
		name string
		ask  ask
		code int
		want string
	}{
		{"a visitor's token alone", ask{body: exchanging(calls)}, 401, "invalid_client"},
		{"and its client", ask{body: exchanging(calls, "client_id", "acme")}, 401, "invalid_client"},
		{"another tenant", ask{body: exchanging(calls), header: basic("other", other)}, 400, "invalid_request"},
		{"another tenant, one for exchange", ask{body: exchanging(good), header: basic("other", other)}, 400, "invalid_request"},
		{"a wrong secret", ask{body: exchanging(good), header: basic("acme", "x")}, 401, "invalid_client"},
		{"another name", ask{body: exchanging(good, "client_id", "other")}, 400, "invalid_request"},
		{"dead here", ask{body: exchanging(dead), header: basic("acme", s.secret)}, 400, "invalid_request"},
		{"our own", ask{body: exchanging(s.mint()), header: basic("acme", s.secret)}, 400, "invalid_request"},
		{"garbage", ask{body: exchanging("x.y.z")}, 400, "invalid_request"},
		{"expired", ask{body: exchanging(externalToken(exchangeIDP, "app", "4", s.now.Add(-2*time.Hour)))}, 400, "invalid_request"},
		{"without a tenant", ask{body: exchanging(externalToken(exchangeIDP, "unknown", "5", s.now))}, 400, "invalid_request"},
		{"a tenant that is not there", ask{body: exchanging(externalToken(exchangeIDP, "gone", "6", s.now))}, 400, "invalid_request"},
		{"older than its tenant", ask{body: exchanging(externalToken(exchangeIDP, "app", "7", s.now.Add(-time.Minute)))}, 400, "invalid_request"},
		{"no token", ask{body: exchanging("")}, 400, "invalid_request"},
		{"no type", ask{body: query("grant_type", tokenExchange, "subject_token", good)}, 400, "invalid_request"},
		{"an ID token", ask{body: query("grant_type", tokenExchange, "subject_token", good, "subject_token_type", "urn:ietf:params:oauth:token-type:id_token")}, 400, "invalid_request"},
		{"asks for SAML", ask{body: exchanging(good, "requested_token_type", "urn:ietf:params:oauth:token-type:saml2")}, 400, "invalid_request"},
		{"an actor", ask{body: exchanging(good, "actor_token", good)}, 400, "invalid_request"},
		{"for another", ask{body: exchanging(good, "audience", "https://other.example")}, 400, "invalid_target"},
		{"at another", ask{body: exchanging(good, "resource", "https://other.example")}, 400, "invalid_target"},
		{"another scope", ask{body: exchanging(good, "scope", "admin")}, 400, "invalid_scope"},
		{"two tokens", ask{body: exchanging(good, "subject_token", good)}, 400, "invalid_request"},
		{"at the introspection", ask{path: "/oauth/introspect", body: exchanging(good, "token", good)}, 401, "invalid_client"},
		{"at the revocation", ask{path: "/oauth/revoke", body: exchanging(good, "token", good)}, 401, "invalid_client"},
	} {
		c.ask.method = "POST"
		if c.ask.path == "" {
			c.ask.path = "/oauth/token"
		}
		if rec := s.do(c.ask); rec.Code != c.code || !strings.Contains(rec.Body.String(), `{"error":"`+c.want+`"`) || strings.Contains(rec.Body.String(), good) {
			t.Errorf("%s: %d %s, want %d %s", c.name, rec.Code, rec.Body, c.code, c.want)
		}
	}
	r.fault = errors.New("the issuer is unavailable")
	if rec := s.do(ask{method: "POST", path: "/oauth/token", body: exchanging(externalToken(exchangeIDP, "app", "8", s.now))}); rec.Code != 503 {
		t.Errorf("no keys: %d %s", rec.Code, rec.Body)
	}
	r.fault = nil
	s.change(func(t *tenants.Tenant) { t.Status = tenants.Suspended })
	if rec := s.do(ask{method: "POST", path: "/oauth/token", body: exchanging(good)}); rec.Code != 401 || !strings.Contains(rec.Body.String(), "suspended") {
		t.Errorf("a suspended tenant: %d %s", rec.Code, rec.Body)
	}
	plain := newSite(t)
	if rec := plain.do(ask{method: "POST", path: "/oauth/token", body: exchanging(good)}); rec.Code != 400 || !strings.Contains(rec.Body.String(), "unsupported_grant_type") {
		t.Errorf("without issuers: %d %s", rec.Code, rec.Body)
	}
}

// TestCount checks that a request for several tokens, by either grant, gets as many different ones.
func TestCount(t *testing.T) {
	s, _ := newTrustingSite(t)
	subject := externalToken(exchangeIDP, "app", "1", s.now)
	for _, a := range []ask{{body: granting, header: basic("acme", s.secret)}, {body: exchanging(subject)}} {
		a.method, a.path = "POST", "/oauth/token"
		body := a.body
		for _, n := range []int{1, 2, 100} {
			a.body = fmt.Sprintf("%s&count=%d", body, n)
			rec := s.do(a)
			var g grant
			s.must(json.Unmarshal(rec.Body.Bytes(), &g))
			ids := map[string]bool{}
			for _, token := range g.AccessTokens {
				c, err := s.Verifier.Verify(token, s.now)
				s.must(err)
				ids[c.ID.String()] = true
			}
			if rec.Code != 200 || len(g.AccessTokens) != n || len(ids) != n || g.AccessToken != g.AccessTokens[0] {
				t.Errorf("%d: %d, %d tokens, %d different", n, rec.Code, len(g.AccessTokens), len(ids))
			}
		}
		for _, n := range []string{"0", "101", "-1", "+1", "01", "1.0", "1e1", "many", "99999999999999999999", " 1"} {
			a.body = body + "&count=" + url.QueryEscape(n)
			if rec := s.do(a); rec.Code != 400 || !strings.Contains(rec.Body.String(), `{"error":"invalid_request","error_description":"count must be`) {
				t.Errorf("count=%s: %d %s", n, rec.Code, rec.Body)
			}
		}
	}
	a := ask{method: "POST", path: "/oauth/token", body: granting + "&count=&x=", header: basic("acme", s.secret)}
	if rec := s.do(a); rec.Code != 200 || strings.Contains(rec.Body.String(), "access_tokens") {
		t.Errorf("no count: %d %s", rec.Code, rec.Body)
	}
}

// TestMetadataWithExchange checks that the metadata lists the grants.
func TestMetadataWithExchange(t *testing.T) {
	s, _ := newTrustingSite(t)
	rec := s.do(ask{path: "/.well-known/oauth-authorization-server"})
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"grant_types_supported":["client_credentials","`+tokenExchange+`"]`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
