package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"stile.example/stile/admins"
	"stile.example/stile/console/signin"
	"stile.example/stile/settings"
)

// issuer is an OpenID Connect issuer that says what a test wants.
type issuer struct {
	*httptest.Server
	key    *ecdsa.PrivateKey
	claims jwt.MapClaims // of the next ID token
	method jwt.SigningMethod
	sent   url.Values // to the token endpoint
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, method: jwt.SigningMethodES256}
	mux := http.NewServeMux()
	say := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	raw, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	mux.HandleFunc("/.well-known/openid-configuration", say(map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}}))
	mux.HandleFunc("/keys", say(map[string]any{"keys": []any{map[string]string{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": b64(raw[1:33]), "y": b64(raw[33:])}}}))
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		i.sent = r.PostForm
		token := jwt.NewWithClaims(i.method, i.claims)
		token.Header["kid"] = "1"
		var signer any = i.key
		if i.method == jwt.SigningMethodNone {
			signer = jwt.UnsafeAllowNoneSignatureType
		}
		text, err := token.SignedString(signer)
		if err != nil {
			t.Error(err)
		}
		say(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": text})(w, r)
	})
	return i
}

// site returns a console whose admins sign in by the issuer.
func (i *issuer) site(t *testing.T) *site {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return newSite(t, "console.oidc.issuer", i.URL, "console.oidc.client_id", "console", "console.oidc.client_secret_file", file,
		"console.oidc.roles", "stile-owners=owner, a=b=viewer", "console.oidc.claim", "realm_access.roles", "console.oidc.name", "Example <ID>")
}

// start begins a sign-in, and returns what the browser sends to the issuer.
func start(t *testing.T, b *browser) url.Values {
	t.Helper()
	status, to := b.do("GET", "/sign-in/oidc?next=/whoami", nil)
	u, err := url.Parse(to)
	if err != nil || status != 303 {
		t.Fatal(status, to, err)
	}
	return u.Query()
}

// idToken returns the claims of a valid ID token of olga, for a sign-in that has begun.
func (i *issuer) idToken(s *site, q url.Values, roles ...string) jwt.MapClaims {
	return jwt.MapClaims{"iss": i.URL, "aud": "console", "sub": "1", "exp": s.clock().Add(time.Hour).Unix(), "iat": s.clock().Unix(), "nonce": q.Get("nonce"),
		"preferred_username": "olga", "realm_access": map[string]any{"roles": roles}}
}

// finish sends what the issuer gives to a browser at the end of a sign-in.
func finish(b *browser, q url.Values) (int, string) {
	b.t.Helper()
	return b.do("GET", "/sign-in/oidc/callback?"+url.Values{"state": {q.Get("state")}, "code": {"the-code"}}.Encode(), nil)
}

// signIn signs in as olga with a role, and returns the status and the page.
func (i *issuer) signIn(t *testing.T, b *browser, role string) (int, string) {
	t.Helper()
	q := start(t, b)
	i.claims = i.idToken(b.site, q, role)
	return finish(b, q)
}

// TestIDToken checks that each wrong ID token is refused, and that a right one gives the role.
func TestIDToken(t *testing.T) {
	i := newIssuer(t)
	s := i.site(t)
	good := func(q url.Values) jwt.MapClaims {
		return i.idToken(s, q, "x", "a=b", "stile-owners")
	}
	for name, change := range map[string]jwt.MapClaims{
		"of another issuer": {"iss": "https://other.example"}, "for another client": {"aud": "other"}, "expired": {"exp": s.clock().Add(-time.Hour).Unix()},
		"with another nonce": {"nonce": "other"}, "without a nonce": {"nonce": nil}, "for two minutes ago": {"exp": s.clock().Add(-2 * time.Minute).Unix()},
	} {
		b := s.browser("192.0.2.1")
		q := start(t, b)
		i.claims = good(q)
		maps.Copy(i.claims, change)
		if status, page := finish(b, q); status != 502 || b.whoami() != "" {
			t.Errorf("an ID token %s: %d\n%s", name, status, page)
		}
		s.pass(time.Minute) // the next attempt has its own budget
	}
	b := s.browser("192.0.2.1")
	q := start(t, b)
	i.claims, i.method = good(q), jwt.SigningMethodNone
	if status, _ := finish(b, q); status != 502 || b.whoami() != "" {
		t.Errorf("an ID token without a signature: %d", status)
	}
	i.method = jwt.SigningMethodES256
	b = s.browser("192.0.2.1")
	q = start(t, b)
	i.claims = good(q)
	status, page := finish(b, q)
	if refresh := b.last.Result().Header.Get("Refresh"); status != 200 || refresh != "0; url=/whoami" || !strings.Contains(page, `href="/whoami"`) {
		t.Fatalf("%d, Refresh %q\n%s", status, refresh, page)
	}
	if got := b.whoami(); got != "olga owner oidc 192.0.2.1" {
		t.Errorf("signed in as %q", got)
	}
	if i.sent.Get("code") != "the-code" || len(i.sent.Get("code_verifier")) < 43 || i.sent.Get("redirect_uri") != "http://localhost/sign-in/oidc/callback" {
		t.Errorf("the token endpoint got %v", i.sent)
	}
	if c := b.cookies["stile-session"]; c.SameSite != http.SameSiteStrictMode {
		t.Errorf("%+v", c)
	}
	if page := s.browser("192.0.2.3"); !strings.Contains(formOf(page), "Sign in with Example &lt;ID&gt;") {
		t.Error("the form has no button")
	}
}

func formOf(b *browser) string {
	_, page := b.do("GET", "/sign-in", nil)
	return page
}

// TestOIDCTakesTooLong checks that a sign-in ends after five minutes, and that the issuer's failure
// gives no session, and reveals nothing about the issuer.
func TestOIDCTakesTooLong(t *testing.T) {
	i := newIssuer(t)
	s := i.site(t)
	s.admin("alice", admins.Owner)
	b := s.browser("192.0.2.1")
	q := start(t, b)
	s.pass(5 * time.Minute)
	if status, page := b.do("GET", "/sign-in/oidc/callback?state="+q.Get("state")+"&code=x", nil); status != 403 || !strings.Contains(page, "took too long") {
		t.Errorf("%d\n%s", status, page)
	}
	q = start(t, b)
	i.Close()
	if status, page := b.do("GET", "/sign-in/oidc/callback?state="+q.Get("state")+"&code=x", nil); status != 502 || strings.Contains(page, "127.0.0.1") {
		t.Errorf("%d\n%s", status, page)
	}
	if status, _ := b.signInAs("alice", password); status != 303 {
		t.Errorf("by password, without the issuer: %d", status)
	}
}

// TestProbe checks what stile check says of an issuer.
func TestProbe(t *testing.T) {
	i := newIssuer(t)
	set := settings.OIDC{Issuer: i.URL, ClientID: "console", Roles: map[string]string{"a": "owner"}}
	if err := signin.Probe(t.Context(), set, time.Now()); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*settings.OIDC){
		"another issuer": func(s *settings.OIDC) { s.Issuer += "/" }, "a missing file": func(s *settings.OIDC) { s.SecretFile = "/nowhere" },
		"link-local":    func(s *settings.OIDC) { s.Issuer = "http://169.254.169.254" },
		"private":       func(s *settings.OIDC) { s.Issuer = "https://10.0.0.1" },
		"an empty file": func(s *settings.OIDC) { s.SecretFile = "/dev/null" },
	} {
		other := set
		change(&other)
		if err := signin.Probe(t.Context(), other, time.Now()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	set.Issuer, set.AllowPrivate = "http://8.8.8.8", true
	if err := signin.Probe(t.Context(), set, time.Now()); err == nil || !strings.Contains(err.Error(), "must use https") {
		t.Errorf("over plain HTTP at a public address: %v", err)
	}
}
