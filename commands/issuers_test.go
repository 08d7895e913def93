package commands

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// idp is an external issuer on this machine, found by OpenID discovery. A letter selects the key
// with which it signs and which it publishes. If the letter is 0, it responds with 500.
type idp struct {
	*httptest.Server
	letter atomic.Int32
	active atomic.Bool // whether opaque tokens are active
}

func newIDP(t *testing.T) *idp {
	i := &idp{}
	i.letter.Store('a')
	mux := http.NewServeMux()
	mux.HandleFunc("/realms/r/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.name(), i.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		if i.letter.Load() == 0 {
			w.WriteHeader(500)
			return
		}
		x := base64.RawURLEncoding.EncodeToString(i.key().Public().(ed25519.PublicKey))
		fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"%c","x":%q}]}`, i.letter.Load(), x)
	})
	mux.HandleFunc("/introspect", func(w http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != "stile" || secret != "s3cret" {
			w.WriteHeader(401)
			return
		}
		if !i.active.Load() || r.PostFormValue("token") != "opaque" {
			io.WriteString(w, `{"active":false}`)
			return
		}
		now := time.Now().Unix()
		fmt.Fprintf(w, `{"active":true,"client_id":"app","aud":"stile","jti":"o1","iat":%d,"exp":%d}`, now, now+60)
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *idp) name() string { return i.URL + "/realms/r" }

func (i *idp) key() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(i.letter.Load()), 32)))
}

func (i *idp) settings(more string) string {
	return fmt.Sprintf("issuers:\n  - {issuer: %q, audience: stile, clients: {app: acme}%s}\n", i.name(), more)
}

func (i *idp) token(jti string) string {
	now := time.Now()
	return i.sign(fmt.Sprintf(`{"iss":%q,"aud":"stile","azp":"app","sub":"ann","jti":%q,"iat":%d,"exp":%d}`, i.name(), jti, now.Unix(), now.Add(time.Hour).Unix()))
}

func (i *idp) sign(claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	text := enc(fmt.Appendf(nil, `{"alg":"EdDSA","typ":"JWT","kid":"%c"}`, i.letter.Load())) + "." + enc([]byte(claims))
	return text + "." + enc(ed25519.Sign(i.key(), []byte(text)))
}

// TestServeTrusts checks that the server accepts, shows and revokes the tokens of an external
// issuer, and is ready while the issuer does not respond.
func TestServeTrusts(t *testing.T) {
	i := newIDP(t)
	h := newHarness(t, i.settings(""))
	i.letter.Store(0)
	h.serve()
	h.must("tenant", "add", "acme")
	if res, err := http.Get(h.public + "/readyz"); err != nil || res.StatusCode != 200 {
		t.Errorf("not ready without an external issuer: %v, %v", res, err)
	}
	i.letter.Store('a')
	token := i.token("1")
	i.letter.Store(0)
	if status, body := h.get("/v1/items?client_id=acme", token); status != 503 || !strings.Contains(body, `"overloaded"`) {
		t.Errorf("while the issuer does not respond: %d %s", status, body)
	}
	i.letter.Store('a')
	h.until(func() bool { status, _ := h.get("/v1/items?client_id=acme", token); return status == 200 })
	if out := h.must("token", "show", token); !strings.Contains(out, "acme") {
		t.Errorf("show: %s", out)
	}
	h.must("token", "revoke", token)
	if status, body := h.get("/v1/items?client_id=acme", token); status != 401 || !strings.Contains(body, `"token_revoked"`) {
		t.Errorf("revoked: %d %s", status, body)
	}
	h.end()
	i.letter.Store('a')
	if out := h.must("token", "show", token); !strings.Contains(out, "token_revoked") {
		t.Errorf("without a server: %s", out)
	}
}

// TestIssuerRefresh checks that a token by a removed key is refused from the next call on, although
// it was admitted and cached before, and that an error changes nothing.
func TestIssuerRefresh(t *testing.T) {
	i := newIDP(t)
	h := newHarness(t, i.settings(""))
	h.serve()
	h.must("tenant", "add", "acme")
	old := i.token("1")
	if status, body := h.get("/v1/items?client_id=acme", old); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	i.letter.Store('b')
	if status, _ := h.get("/v1/items?client_id=acme", old); status != 200 {
		t.Errorf("before the refresh: %d", status)
	}
	if out := h.must("issuer", "refresh", "--json"); !strings.Contains(out, `"keys":["b"]`) || !strings.Contains(out, `"error":""`) {
		t.Errorf("%s", out)
	}
	if status, body := h.get("/v1/items?client_id=acme", old); status != 401 || !strings.Contains(body, `"token_invalid"`) {
		t.Errorf("after the refresh: %d %s", status, body)
	}
	current := i.token("2")
	if status, body := h.get("/v1/items?client_id=acme", current); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	i.letter.Store(0)
	if _, err, code := h.run("issuer", "refresh", i.name()); code != failed || !strings.Contains(err, "500") || !strings.Contains(err, "stay in use") {
		t.Errorf("%d %s", code, err)
	}
	if status, _ := h.get("/v1/items?client_id=acme", current); status != 200 {
		t.Errorf("after an error: %d", status)
	}
	if out := h.must("issuer", "list"); !strings.Contains(out, i.name()) || !strings.Contains(out, "500") {
		t.Errorf("%s", out)
	}
}

// until waits for a condition.
func (h *harness) until(ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("the condition is not met\n%s", h.log)
		}
	}
}

// TestServeExchanges checks the exchange of JWTs and of opaque tokens.
func TestServeExchanges(t *testing.T) {
	i := newIDP(t)
	h := newHarness(t, "")
	secret := h.write("introspection", "s3cret\n")
	h.write("stile.yaml", "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ndata: "+h.dir+"/data\n"+
		i.settings(fmt.Sprintf(", accept: exchange, introspection: {url: %q, client_id: stile, client_secret_file: %q}", i.URL+"/introspect", secret)))
	h.serve()
	h.must("tenant", "add", "acme")
	i.active.Store(true)
	for _, subject := range []string{i.token("1"), "opaque"} {
		res, err := http.PostForm(h.public+"/oauth/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {subject},
			"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}, "count": {"3"}})
		if err != nil {
			t.Fatal(err)
		}
		var g struct {
			Tokens []string `json:"access_tokens"`
		}
		if err := json.NewDecoder(res.Body).Decode(&g); err != nil || res.StatusCode != 200 || len(g.Tokens) != 3 {
			t.Fatalf("%.20s: %s, %v, %d tokens", subject, res.Status, err, len(g.Tokens))
		}
		res.Body.Close()
		if status, body := h.get("/v1/items?client_id=acme", g.Tokens[2]); status != 200 {
			t.Errorf("a call: %d %s", status, body)
		}
		if status, body := h.get("/v1/items?client_id=acme", subject); status != 401 || !strings.Contains(body, `"token_invalid"`) {
			t.Errorf("a call with the subject token: %d %s", status, body)
		}
	}
	if strings.Contains(h.log.String(), "opaque") || strings.Contains(h.log.String(), "s3cret") {
		t.Errorf("a token or a secret is in the log:\n%s", h.log)
	}
}

// TestCheckIssuers checks that check contacts each issuer, and reports what is wrong.
func TestCheckIssuers(t *testing.T) {
	i := newIDP(t)
	h := newHarness(t, "")
	write := func(issuers string) {
		h.write("stile.yaml", "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\npublic_url: https://api.example\ndata: "+h.dir+"/data\n"+issuers)
	}
	in := fmt.Sprintf(", introspection: {url: %q, client_id: stile, client_secret_file: %q}", i.URL+"/introspect", h.write("introspection", "s3cret"))
	write(i.settings(in))
	if out := h.must("check"); !strings.Contains(out, i.name()+": 1 key at "+i.URL+"/keys") || !strings.Contains(out, "introspects tokens at") {
		t.Errorf("%s", out)
	}
	for want, text := range map[string]string{
		"must be exactly":  strings.Replace(i.settings(""), "/realms/r", "/realms/r/", 1),
		"404 Not Found":    i.settings(fmt.Sprintf(", keys: %q", i.URL+"/nowhere")),
		"401 Unauthorized": i.settings(strings.Replace(in, "client_id: stile", "client_id: other", 1)),
		"no such file":     i.settings(strings.Replace(in, "client_secret_file: \"", "client_secret_file: \"/nowhere", 1)),
	} {
		write(text)
		out, _, code := h.run("check")
		if code != failed || !strings.Contains(out, want) {
			t.Errorf("%s: %d\n%s", want, code, out)
		}
	}
}
