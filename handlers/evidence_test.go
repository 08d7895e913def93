package handlers

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"stile.example/stile/doctor"
	"stile.example/stile/evidence"
	"stile.example/stile/stiletest"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/tables/evidencelog"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
)

// collecting makes a site collect evidence, and returns a function that examines acme with it.
func collecting(s *site) func() []doctor.Finding {
	s.Helper()
	now := func() time.Time { return start } // the writer reads it at any time, and tests set s.now
	db, err := sqlite.Open(s.Context(), filepath.Join(s.TempDir(), "stile.db"), sqlite.Options{Log: slog.New(slog.DiscardHandler), Now: now})
	s.must(err)
	s.Cleanup(func() { db.Close() })
	c, err := evidence.NewCollector(evidencelog.Table{DB: db}, s.key, s.API.Log)
	s.must(err)
	s.Evidence = c
	s.handler = s.Routes()
	return func() []doctor.Finding {
		s.Helper()
		t, _ := s.Tenants.Find("acme")
		list, err := c.Of(s.Context(), t.Number, s.now)
		s.must(err)
		return doctor.Examine(doctor.Facts{ClientID: "acme", API: publicURL, Sites: []string{"https://acme.example"}, Secrets: 1, Calls: 1, EverCalled: true}, list)
	}
}

// expect checks that exactly one finding was made, with parts of its texts.
func expect(t *testing.T, what string, found []doctor.Finding, finding, evidence string) {
	t.Helper()
	if len(found) != 1 || !strings.Contains(found[0].Finding, finding) || !strings.Contains(found[0].Evidence, evidence) {
		t.Errorf("%s: %+v", what, found)
	}
}

// TestCachedTokensAreFound uses six tokens in five browsers each, as a back-end does that caches
// tokens: browsers without keys at different addresses, browsers with keys at one address, and
// browsers of which only the first has a key. Nobody is refused while the rule is only observed.
func TestCachedTokensAreFound(t *testing.T) {
	const tokenCount, browsers = 6, 5
	use := func(s *site, browser func(n int, token string) ask) {
		t.Helper()
		for range tokenCount {
			token := s.mint()
			for n := range browsers {
				s.do(browser(n, token))
			}
		}
	}
	for name, browser := range map[string]func(s *site, n int, token string) ask{
		"addresses": func(_ *site, n int, token string) ask {
			return ask{path: with("/v1/items", "client_id", "acme", "access_token", token), from: fmt.Sprintf("192.0.2.%d", 10+n)}
		},
		"keys": func(s *site, n int, token string) ask {
			key := stiletest.NewKey()
			return ask{path: with("/v1/items", "client_id", "acme", "access_token", token, "proof", key.Proof("GET", publicURL+"/v1/items", token, s.now))}
		},
		"one key": func(s *site, n int, token string) ask {
			a := ask{path: with("/v1/items", "client_id", "acme", "access_token", token), from: fmt.Sprintf("192.0.2.%d", 10+n)}
			if n == 0 {
				key := stiletest.NewKey()
				a.path = with(a.path, "proof", key.Proof("GET", publicURL+"/v1/items", token, s.now))
			}
			return a
		},
	} {
		s := newSite(t)
		examine := collecting(s)
		use(s, func(n int, token string) ask { return browser(s, n, token) })
		found := examine()
		expect(t, name, found, "The back-end caches tokens", "6 tokens were used by several browsers each, one of them by 5 browsers. All but the first browser are refused (24 refusals). Example: ref ")
		if len(found) == 1 && !strings.Contains(found[0].Fix, "Cache-Control: no-store") {
			t.Errorf("%s: the line to change is missing: %s", name, found[0].Fix)
		}
	}
}

// TestOwnBrowserIsNoOther checks that the browser that a token is bound to is not counted as
// another one after the token has died.
func TestOwnBrowserIsNoOther(t *testing.T) {
	s := newSite(t)
	examine := collecting(s)
	for range 3 {
		token := s.mint()
		for _, from := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1"} {
			s.do(ask{path: with("/v1/items", "client_id", "acme", "access_token", token), from: from})
		}
	}
	if found := examine(); len(found) != 0 {
		t.Errorf("%+v", found)
	}
}

// TestEvidence makes each kind of error three times or more, and checks what is found.
func TestEvidence(t *testing.T) {
	onItems := func(pairs ...string) ask { return ask{path: with("/v1/items", pairs...)} }
	call := func(s *site) ask { return onItems("client_id", "acme", "access_token", s.mint()) }
	for _, c := range []struct {
		name              string
		times             int
		do                func(s *site) ask
		finding, evidence string
	}{
		{"another page", 3, func(s *site) ask {
			onSite(s)
			a := call(s)
			a.header = http.Header{"Origin": {"https://shop.acme.example"}}
			return a
		}, "Pages outside", "https://shop.acme.example (3)"},
		{"a hidden page", 3, func(s *site) ask {
			onSite(s)
			a := call(s)
			a.header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
			return a
		}, "hide their origin", `"no origin"`},
		{"another client_id", 3, func(s *site) ask { return onItems("client_id", "nobody", "access_token", s.mint()) }, "another client_id", "nobody (3)"},
		{"another tenant's token", 3, func(s *site) ask {
			if _, known := s.Tenants.Find("globex"); !known {
				s.tenant("globex")
			}
			return onItems("client_id", "acme", "access_token", s.mint(func(c *bearer.Claims) { c.Client = "globex" }))
		}, "issued to another one", "3 calls"},
		{"a callback", 3, func(s *site) ask { return onItems("client_id", "acme", "callback", "angular.callbacks._7") }, "Callbacks are refused", "angular.callbacks (3)"},
		{"a changing callback", 3, func(s *site) ask { return onItems("client_id", "acme", "callback", "__gwt_jsonp__.P7.onSuccess") }, "Callbacks are refused", "__gwt_jsonp__.*.onSuccess (3)"},
		{"a hostile callback", 3, func(s *site) ask { return onItems("client_id", "acme", "callback", "<script>") }, "Callbacks are refused", "not a name (3)"},
		{"another audience", 3, func(s *site) ask {
			return onItems("client_id", "acme", "access_token", s.signed(publicURL, publicURL+"/"))
		}, "The audience of tokens is misspelt", "aud is https://api.example/ (3)"},
		{"another issuer", 3, func(s *site) ask {
			return onItems("client_id", "acme", "access_token", s.signed("http://api.example", publicURL))
		}, "The issuer of tokens is misspelt", "http://api.example"},
		{"late tokens", 3, func(s *site) ask {
			s.now = start.Add(2 * time.Hour)
			return onItems("client_id", "acme", "access_token", s.mint(func(c *bearer.Claims) { c.IssuedAt, c.Expires = s.now.Add(-time.Hour), s.now.Add(time.Hour) }))
		}, "long before", "3 tokens"},
		{"a browser's clock", 20, func(s *site) ask {
			token, key := s.mint(), stiletest.SameKey()
			s.policy.Token.Binding = tokens.ByKey
			return onItems("client_id", "acme", "access_token", token, "proof", key.Proof("GET", publicURL+"/v1/items", token, s.now.Add(3*time.Hour)))
		}, "Some browsers have a wrong clock", "hours ahead (20)"},
		{"the server's clock", 3, func(s *site) ask {
			keyed(s)
			return grantBy(s, s.now.Add(10*time.Minute), publicURL)
		}, "The clock of the tenant's server", "5 to 60 minutes ahead (3)"},
		{"an assertion for another", 3, func(s *site) ask {
			keyed(s)
			return grantBy(s, s.now, publicURL+"/oauth")
		}, "audience", "https://api.example/oauth (3)"},
		{"an old secret", 1, func(s *site) ask {
			old := s.secret
			_, err := s.Tenants.RotateSecret(t.Context(), "acme", s.now, time.Second)
			s.must(err)
			s.now = s.now.Add(time.Minute)
			return ask{method: "POST", path: "/oauth/token", body: granting, header: basic("acme", old)}
		}, "old secret", "1 request"},
		{"a wrong secret", 3, func(s *site) ask {
			return ask{method: "POST", path: "/oauth/token", body: granting, header: basic("acme", "x")}
		}, "credentials are refused", "wrong secret (3)"},
	} {
		s := newSite(t)
		examine := collecting(s)
		for range c.times {
			s.do(c.do(s))
		}
		var found []doctor.Finding
		for _, f := range examine() {
			if !strings.Contains(f.Finding, "Client credentials") || strings.Contains(c.name, "secret") {
				found = append(found, f)
			}
		}
		expect(t, c.name, found, c.finding, c.evidence)
		for _, f := range found {
			for _, not := range []string{"<script>", "_7", "P7"} {
				if strings.Contains(randomRefs.ReplaceAllString(f.Evidence+f.Fix, ""), not) {
					t.Errorf("%s: repeats %s", c.name, not)
				}
			}
		}
	}
}

// randomRefs matches refs of refusals in a sentence: they may contain anything.
var randomRefs = regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}`)

// TestEndedTokensAreFound checks that an ended token that one page repeats is found, and that one
// refusal for each token is not.
func TestEndedTokensAreFound(t *testing.T) {
	s := newSite(t)
	examine := collecting(s)
	s.now = start.Add(time.Second)
	ended := func() string {
		return s.mint(func(c *bearer.Claims) { c.IssuedAt, c.Expires = s.now.Add(-2*time.Hour), s.now.Add(-time.Hour) })
	}
	for range 30 {
		s.get("/v1/items", ended())
	}
	if found := examine(); len(found) != 0 {
		t.Errorf("one refusal for each token: %+v", found)
	}
	list := []string{ended(), ended(), ended()}
	for range 5 {
		for _, token := range list {
			s.get("/v1/items", token)
		}
		s.now = s.now.Add(time.Minute)
	}
	expect(t, "repeated", examine(), "Tokens are not renewed", "3 tokens were presented again after the end, one of them 5 times (15 refusals)")
}

// TestTrafficIsCounted checks the numbers of issued and bound tokens and of their visitors.
func TestTrafficIsCounted(t *testing.T) {
	s := newSite(t)
	collecting(s)
	for n := range 4 {
		s.do(ask{method: "POST", path: "/oauth/token", body: granting + fmt.Sprintf("&count=5&subject=s%d", n%2), header: basic("acme", s.secret)})
	}
	for n := range 6 {
		s.do(ask{path: with("/v1/items", "client_id", "acme", "access_token", s.mint()), from: fmt.Sprintf("192.0.2.%d", 10+n%3)})
	}
	tenant, _ := s.Tenants.Find("acme")
	list, err := s.Evidence.(*evidence.Collector).Of(t.Context(), tenant.Number, s.now)
	s.must(err)
	for _, e := range list {
		if e.Kind == evidence.Issued && (e.Count != 20 || e.Many.Count() != 2) || e.Kind == evidence.Bound && (e.Count != 6 || e.Many.Count() != 3) {
			t.Errorf("%s: %d, %d callers", e.Kind, e.Count, e.Many.Count())
		}
	}
	if len(list) != 2 {
		t.Errorf("%+v", list)
	}
}

// TestExamplesAreStored checks that the first refusal of each kind is stored whatever its code is,
// and that a flood of them is not.
func TestExamplesAreStored(t *testing.T) {
	s := newSite(t)
	collecting(s)
	for range 100 {
		s.do(ask{path: with("/v1/items", "client_id", "acme", "callback", "a.b")})
		s.do(ask{path: with("/v1/items", "client_id", "acme", "access_token", "x")})
	}
	kept := 0
	for _, f := range s.notes.notes {
		if s.notes.kept[f.Ref] {
			kept++
			if f.Code != "bad_callback" || f.Tenant != "acme" {
				t.Errorf("%+v is stored", f)
			}
		}
	}
	if kept != 1 {
		t.Errorf("%d refusals are stored", kept)
	}
}

// signed returns a token that names an issuer and an audience, signed by the server's key.
func (s *site) signed(issuer, audience string) string {
	s.Helper()
	other := *s.Signer.(*bearer.Signer)
	other.Issuer, other.Audience = issuer, audience
	token, err := other.Sign(bearer.Claims{Subject: "visitor", Client: "acme", Expires: s.now.Add(time.Hour)}, s.now)
	s.must(err)
	return token
}

// clientKey is the key of acme for its assertions.
var clientKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

// keyed gives acme that key.
func keyed(s *site) {
	s.change(func(t *tenants.Tenant) {
		t.Keys = fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":%q}]}`, base64.RawURLEncoding.EncodeToString(clientKey.Public().(ed25519.PublicKey)))
	})
}

// grantBy requests a token with an assertion of acme that was issued at a time for an audience.
func grantBy(s *site, issued time.Time, audience string) ask {
	enc := base64.RawURLEncoding.EncodeToString
	text := enc([]byte(`{"alg":"EdDSA"}`)) + "." + enc(fmt.Appendf(nil, `{"iss":"acme","sub":"acme","aud":%q,"jti":"j","iat":%d,"exp":%d}`, audience, issued.Unix(), issued.Add(time.Minute).Unix()))
	text += "." + enc(ed25519.Sign(clientKey, []byte(text)))
	return ask{method: "POST", path: "/oauth/token", body: granting + "&" + query("client_assertion_type", bearer.AssertionType, "client_assertion", text)}
}

// TestTokenWithFewCalls checks that a token that is signed for a few calls dies after them, and
// that the tenant's policy still applies.
func TestTokenWithFewCalls(t *testing.T) {
	s := newSite(t)
	token := s.mint(func(c *bearer.Claims) { c.MaxCalls = 2 })
	for _, want := range []string{`"calls":1,"calls_limit":2`, `"calls":2,"calls_limit":2`, "token_exhausted", "token_exhausted"} {
		if body := s.get("/v1/items", token).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s, want %s", body, want)
		}
	}
	s.policy.Token.Calls = 1
	if body := s.get("/v1/items", s.mint(func(c *bearer.Claims) { c.MaxCalls = 2 })).Body.String(); !strings.Contains(body, `"calls_limit":1`) {
		t.Errorf("a stricter policy: %s", body)
	}
}
