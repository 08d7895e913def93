package handlers

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// basic returns the header of HTTP Basic as RFC 6749 defines it.
func basic(id, secret string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))}}
}

const granting = "grant_type=client_credentials"

// TestTokenEndpoint checks the response for each method of authentication.
func TestTokenEndpoint(t *testing.T) {
	s := newSite(t)
	for name, a := range map[string]ask{
		"basic":              {body: granting, header: basic("acme", s.secret)},
		"form":               {body: granting + "&" + query("client_id", "acme", "client_secret", s.secret)},
		"basic and its name": {body: granting + "&client_id=acme", header: basic("acme", s.secret)},
		"scope":              {body: granting + "&scope=content", header: basic("acme", s.secret)},
		"empty parameters":   {body: granting + "&scope=&subject=&client_secret=", header: basic("acme", s.secret)},
		"subject":            {body: granting + "&subject=" + strings.Repeat("s", 128), header: basic("acme", s.secret)},
		"unknown parameter":  {body: granting + "&resource=x", header: basic("acme", s.secret)},
	} {
		a.method, a.path = "POST", "/oauth/token"
		rec := s.do(a)
		var g grant
		if err := json.Unmarshal(rec.Body.Bytes(), &g); err != nil || rec.Code != 200 || g.TokenType != "Bearer" || g.ExpiresIn != 86400 || g.Scope != "content" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
			continue
		}
		if h := rec.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", name, h)
		}
		c, err := s.Verifier.Verify(g.AccessToken, s.now)
		subject := "acme"
		if name == "subject" {
			subject = strings.Repeat("s", 128)
		}
		if err != nil || c.Subject != subject || c.Client != "acme" || c.Scope != "content" || !c.Expires.Equal(start.Add(24*time.Hour)) {
			t.Errorf("%s: %+v %v", name, c, err)
		}
		if rec := s.get("/v1/items/one", g.AccessToken); rec.Code != 200 {
			t.Errorf("%s: a call: %d %s", name, rec.Code, rec.Body)
		}
	}
}

// TestTokenEndpointRefuses checks the whole errors of RFC 6749 §5.2.
func TestTokenEndpointRefuses(t *testing.T) {
	s := newSite(t)
	other := s.tenant("other")
	_, err := s.Tenants.Update(t.Context(), "other", func(t *tenants.Tenant) error { t.Status = tenants.Suspended; return nil })
	s.must(err)
	own := basic("acme", s.secret)
	for _, c := range []struct {
		name string
		ask  ask
		code int
		want string
	}{
		{"nobody", ask{body: granting}, 401, "invalid_client: unknown client or wrong secret"},
		{"wrong secret", ask{body: granting, header: basic("acme", "x")}, 401, "invalid_client: unknown client or wrong secret"},
		{"unknown client", ask{body: granting, header: basic("nobody", s.secret)}, 401, "invalid_client: unknown client or wrong secret"},
		{"another's secret", ask{body: granting, header: basic("acme", other)}, 401, "invalid_client: unknown client or wrong secret"},
		{"suspended", ask{body: granting, header: basic("other", other)}, 401, "invalid_client: the client is suspended"},
		{"bearer", ask{body: granting, header: http.Header{"Authorization": {"Bearer x"}}}, 401, "invalid_client: the header Authorization must be one valid HTTP Basic"},
		{"no base64", ask{body: granting, header: http.Header{"Authorization": {"Basic %%%"}}}, 401, "invalid_client: the header Authorization must be one valid HTTP Basic"},
		{"no colon", ask{body: granting, header: http.Header{"Authorization": {"Basic YWNtZQ=="}}}, 401, "invalid_client: the header Authorization must be one valid HTTP Basic"},
		{"no form encoding", ask{body: granting, header: http.Header{"Authorization": {"Basic JTp4"}}}, 401, "invalid_client: the header Authorization must be one valid HTTP Basic"},
		{"two headers", ask{body: granting, header: http.Header{"Authorization": {own.Get("Authorization"), own.Get("Authorization")}}}, 401, "invalid_client: the header Authorization must be one valid HTTP Basic"},
		{"two ways", ask{body: granting + "&" + query("client_id", "acme", "client_secret", s.secret), header: own}, 400, "invalid_request: the client authenticates in more than one way"},
		{"two clients", ask{body: granting + "&client_id=other", header: own}, 400, "invalid_request: client_id must be the client that authenticates"},
		{"no grant", ask{body: "", header: own}, 400, "invalid_request: grant_type is missing"},
		{"a password", ask{body: "grant_type=password", header: own}, 400, "unsupported_grant_type: grant_type must be client_credentials or urn:ietf:params:oauth:grant-type:token-exchange"},
		{"twice", ask{body: granting + "&" + granting, header: own}, 400, "invalid_request: a parameter is repeated"},
		{"scope", ask{body: granting + "&scope=content+admin", header: own}, 400, "invalid_scope: the only scope is content"},
		{"long subject", ask{body: granting + "&subject=" + strings.Repeat("s", 129), header: own}, 400, "invalid_request: subject must be at most 128 bytes without control characters"},
		{"subject with a line break", ask{body: granting + "&subject=a%0ab", header: own}, 400, "invalid_request: subject must be at most 128 bytes without control characters"},
		{"query", ask{path: "/oauth/token?" + granting, header: own}, 400, "invalid_request: a POST must have its parameters in its body, and none in its URL"},
		{"JSON", ask{body: "{}", header: http.Header{"Content-Type": {"application/json"}, "Authorization": own["Authorization"]}}, 400, "invalid_request: the body of a POST must be application/x-www-form-urlencoded"},
		{"large", ask{body: strings.Repeat("x", 17<<10), header: own}, 413, "invalid_request: the body is larger than 16 KiB"},
		{"encoding", ask{body: "a=%", header: own}, 400, "invalid_request: a parameter has a percent sign that is not followed by two hexadecimal digits"},
		{"assertion of no type", ask{body: granting + "&client_assertion=x"}, 400, "invalid_request: client_assertion_type is not supported"},
		{"no assertion", ask{body: granting + "&client_assertion=x&client_assertion_type=" + url.QueryEscape(bearer.AssertionType)}, 401, "invalid_client: client assertion: not a JWT of at most 4 KiB"},
	} {
		c.ask.method = "POST"
		if c.ask.path == "" {
			c.ask.path = "/oauth/token"
		}
		rec := s.do(c.ask)
		code, what, _ := strings.Cut(c.want, ": ")
		if body := fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, what); rec.Code != c.code || rec.Body.String() != body {
			t.Errorf("%s: %d %s\nwant %d %s", c.name, rec.Code, rec.Body, c.code, body)
		}
		challenge := rec.Header().Get("WWW-Authenticate")
		if (c.code == 401) != (challenge == `Basic realm="stile", charset="UTF-8"`) || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", c.name, rec.Header())
		}
	}
}

// assertion returns a client assertion of acme, signed by key.
func assertion(key ed25519.PrivateKey, jti string, now time.Time) string {
	enc := base64.RawURLEncoding.EncodeToString
	signed := enc([]byte(`{"alg":"EdDSA"}`)) + "." + enc(fmt.Appendf(nil, `{"iss":"acme","sub":"acme","aud":"%s/oauth/token","jti":"%s","exp":%d}`, publicURL, jti, now.Add(time.Minute).Unix()))
	return signed + "." + enc(ed25519.Sign(key, []byte(signed)))
}

// TestPrivateKeyJWT checks that a client authenticates by its own key, and only once with one
// assertion.
func TestPrivateKeyJWT(t *testing.T) {
	s := newSite(t)
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	jwks := fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":%q}]}`, base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
	s.change(func(t *tenants.Tenant) { t.Keys = jwks })
	body := granting + "&" + query("client_assertion_type", bearer.AssertionType, "client_assertion", assertion(key, "1", s.now))
	for _, want := range []int{200, 401} {
		if rec := s.do(ask{method: "POST", path: "/oauth/token", body: body}); rec.Code != want {
			t.Errorf("%d %s, want %d", rec.Code, rec.Body, want)
		}
	}
	other := ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32)))
	body = granting + "&" + query("client_assertion_type", bearer.AssertionType, "client_assertion", assertion(other, "2", s.now))
	if rec := s.do(ask{method: "POST", path: "/oauth/token", body: body}); rec.Code != 401 {
		t.Errorf("with another key: %d %s", rec.Code, rec.Body)
	}
}

// TestIntrospection checks what a client gets about its own tokens, and about those of others.
func TestIntrospection(t *testing.T) {
	s := newSite(t)
	other := s.tenant("other")
	asks := func(client, secret, token string) string {
		rec := s.do(ask{method: "POST", path: "/oauth/introspect", body: "token=" + url.QueryEscape(token), header: basic(client, secret)})
		if rec.Code != 200 || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", rec.Code, rec.Header())
		}
		return rec.Body.String()
	}
	token := s.mint(func(c *bearer.Claims) { c.JTI = "jti" })
	rest := func(binding string, calls int) string {
		return fmt.Sprintf(`"scope":"content","client_id":"acme","token_type":"Bearer","iss":"https://api.example","sub":"visitor","jti":"jti","iat":1795348800,"exp":1795435200,"binding":%q,"calls":%d,"calls_limit":100}`, binding, calls)
	}
	if got, want := asks("acme", s.secret, token), `{"active":true,`+rest("none", 0); got != want {
		t.Errorf("fresh:\n got %s\nwant %s", got, want)
	}
	s.get("/v1/items", token)
	if got, want := asks("acme", s.secret, token), `{"active":true,`+rest("address", 1); got != want {
		t.Errorf("bound:\n got %s\nwant %s", got, want)
	}
	for _, c := range [][3]string{{"other", other, token}, {"acme", s.secret, "x"}, {"acme", s.secret, token[:len(token)-8] + "AAAAAAAA"}} {
		if got := asks(c[0], c[1], c[2]); got != `{"active":false}` {
			t.Errorf("%s: %s", c[0], got)
		}
	}
	s.do(ask{path: with("/v1/items", "client_id", "acme", "access_token", token), from: "203.0.113.9"})
	if got, want := asks("acme", s.secret, token), `{"active":false,"reason":"token_hijacked",`+rest("address", 1); got != want {
		t.Errorf("hijacked:\n got %s\nwant %s", got, want)
	}
	late := s.mint(func(c *bearer.Claims) { c.JTI = "late" })
	s.now = s.now.Add(11 * time.Minute)
	if got := asks("acme", s.secret, late); !strings.HasPrefix(got, `{"active":false,"reason":"token_expired",`) {
		t.Errorf("never bound: %s", got)
	}
	s.now = s.now.Add(24 * time.Hour)
	if got := asks("acme", s.secret, late); !strings.HasPrefix(got, `{"active":false,"reason":"token_expired",`) {
		t.Errorf("expired: %s", got)
	}
	if got := asks("other", other, late); got != `{"active":false}` {
		t.Errorf("another's, expired: %s", got)
	}
	forged := late[:len(late)-8] + "AAAAAAAA"
	if got := asks("acme", s.secret, forged); got != `{"active":false}` {
		t.Errorf("forged, expired: %s", got)
	}
}

// TestRevocation checks that a client's own and unknown tokens get 200, and that a revoked token
// stays dead.
func TestRevocation(t *testing.T) {
	s := newSite(t)
	other := s.tenant("other")
	used, fresh := s.mint(), s.mint()
	s.get("/v1/items", used)
	revoke := func(client, secret, token string) (int, string) {
		rec := s.do(ask{method: "POST", path: "/oauth/revoke", body: "token_type_hint=access_token&token=" + url.QueryEscape(token), header: basic(client, secret)})
		return rec.Code, rec.Body.String()
	}
	if code, body := revoke("other", other, used); code != 400 || !strings.Contains(body, `"error":"invalid_grant"`) {
		t.Errorf("another's: %d %s", code, body)
	}
	if rec := s.get("/v1/items", used); rec.Code != 200 {
		t.Errorf("another revoked it: %s", rec.Body)
	}
	for _, token := range []string{used, used, fresh, "x", fresh[:len(fresh)-8] + "AAAAAAAA"} {
		if code, body := revoke("acme", s.secret, token); code != 200 || body != "" {
			t.Errorf("%d %s", code, body)
		}
	}
	for _, token := range []string{used, fresh} {
		if rec := s.get("/v1/items", token); rec.Code != 401 || !strings.Contains(rec.Body.String(), "token_revoked") {
			t.Errorf("after: %d %s", rec.Code, rec.Body)
		}
	}
	s.tokens.fault = errDisk
	if code, body := revoke("acme", s.secret, s.mint()); code != 503 || !strings.Contains(body, "temporarily_unavailable") {
		t.Errorf("no store: %d %s", code, body)
	}
	if code, body := revoke("acme", s.secret, ""); code != 400 || !strings.Contains(body, "invalid_request") {
		t.Errorf("no token: %d %s", code, body)
	}
}

// TestMetadata checks the documents of RFC 8414 and RFC 7517.
func TestMetadata(t *testing.T) {
	s := newSite(t)
	rec := s.do(ask{path: "/.well-known/oauth-authorization-server"})
	var m map[string]any
	s.must(json.Unmarshal(rec.Body.Bytes(), &m))
	for name, want := range map[string]string{
		"issuer": publicURL, "token_endpoint": publicURL + "/oauth/token", "introspection_endpoint": publicURL + "/oauth/introspect",
		"revocation_endpoint": publicURL + "/oauth/revoke", "jwks_uri": publicURL + "/.well-known/jwks.json",
		"grant_types_supported": "[client_credentials]", "response_types_supported": "[]",
		"token_endpoint_auth_methods_supported": "[client_secret_basic client_secret_post private_key_jwt]",
	} {
		if got := fmt.Sprint(m[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	var keys struct{ Keys []map[string]string }
	jwks := s.do(ask{path: "/.well-known/jwks.json"})
	s.must(json.Unmarshal(jwks.Body.Bytes(), &keys))
	if len(keys.Keys) != 1 || keys.Keys[0]["d"] != "" || keys.Keys[0]["x"] == "" {
		t.Errorf("%s", jwks.Body)
	}
	for _, h := range []http.Header{rec.Header(), jwks.Header()} {
		if h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%v", h)
		}
	}
}
