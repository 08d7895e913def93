package handlers

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// refused is a request that is refused. arrange returns its parameters.
type refused struct {
	name    string
	route   string // "" is /v1/items/one
	arrange func(*site) []string
	header  http.Header
	from    string
	code    codes.Code
	title   string // "": the code's own
	detail  string // "": the code's own
	retry   string // "null" if ""
	status  int    // where it isn't the code's
	task    string // the challenge; "null" if ""
}

func good(s *site) []string { return []string{"client_id", "acme", "access_token", s.mint()} }

// also returns valid parameters, with more.
func also(pairs ...string) func(*site) []string {
	return func(s *site) []string { return append(good(s), pairs...) }
}

// after returns valid parameters, with more, after calling do.
func after(do func(s *site, token string), pairs ...string) func(*site) []string {
	return func(s *site) []string {
		p := good(s)
		do(s, p[3])
		return append(p, pairs...)
	}
}

// holding returns parameters with a token.
func holding(token func(*site) string) func(*site) []string {
	return func(s *site) []string { return []string{"client_id", "acme", "access_token", token(s)} }
}

const itemsPath = "/v1/items"

var everyday = []refused{
	{name: "no token", arrange: func(*site) []string { return []string{"client_id", "acme"} }, code: codes.TokenMissing},
	{name: "empty token", arrange: holding(func(*site) string { return "" }), code: codes.TokenMissing},
	{name: "bad scheme", arrange: func(*site) []string { return []string{"client_id", "acme"} }, header: http.Header{"Authorization": {"Basic eDp5"}}, code: codes.TokenMissing},
	{name: "no token after the scheme", arrange: func(*site) []string { return []string{"client_id", "acme"} }, header: http.Header{"Authorization": {"Bearer "}}, code: codes.TokenMissing},
	{name: "no JWT", arrange: holding(func(*site) string { return "x" }), code: codes.TokenInvalid},
	{name: "a character that no token has", arrange: holding(func(s *site) string { return s.mint() + "\n" }), code: codes.TokenInvalid},
	{name: "too long", arrange: holding(func(s *site) string { return s.mint() + strings.Repeat("A", 4096) }), code: codes.TokenInvalid},
	{name: "wrong signature", arrange: holding(func(s *site) string { t := s.mint(); return t[:len(t)-20] + "AAAAAAAAAAAAAAAAAAAA" }), code: codes.TokenInvalid},
	{name: "expired", arrange: after(func(s *site, _ string) { s.now = s.now.Add(24 * time.Hour) }), code: codes.TokenExpired},
	{name: "bound too late", arrange: after(func(s *site, _ string) { s.now = s.now.Add(11 * time.Minute) }), code: codes.TokenExpired},
	{name: "revoked", arrange: after(func(s *site, token string) { s.revokeToken(token) }), code: codes.TokenRevoked},
	{name: "tenant removed", arrange: after(func(s *site, _ string) { s.must(s.Tenants.Remove(s.Context(), "acme")) }), code: codes.TokenRevoked},
	{name: "tenant removed and added", arrange: after(func(s *site, _ string) {
		s.must(s.Tenants.Remove(s.Context(), "acme"))
		_, err := s.Tenants.Add(s.Context(), tenants.Tenant{ClientID: "acme", Name: "a", Status: tenants.Active, CreatedAt: start.Add(time.Second)})
		s.must(err)
	}), code: codes.TokenRevoked},
	{name: "hijacked", arrange: after(func(s *site, token string) { s.get(itemsPath, token) }), from: "203.0.113.9", code: codes.TokenHijacked},
	{name: "exhausted", arrange: after(func(s *site, token string) { s.policy.Token.Calls = 1; s.get(itemsPath, token) }), code: codes.TokenExhausted},
	{name: "records used up", arrange: after(func(s *site, token string) { s.policy.Token.Records = 2; s.get(itemsPath, token) }), code: codes.TokenExhausted},
	{name: "another's client_id", arrange: func(s *site) []string { return []string{"client_id", "other", "access_token", s.mint()} }, code: codes.ClientMismatch, title: "Token of another client_id",
		detail: "The client_id is not the one that the token was issued to. Use the client_id with which your server gets its tokens."},
	{name: "no client_id", arrange: func(s *site) []string { return []string{"access_token", s.mint()} }, code: codes.BadRequest, detail: "client_id is missing: it must name the tenant that the token was issued to"},
	{name: "client_id twice", arrange: also("client_id", "acme"), code: codes.BadRequest, detail: "client_id is given more than once"},
	{name: "another origin", arrange: onSite, header: http.Header{"Origin": {"https://evil.example"}}, code: codes.ClientMismatch, title: "This page's origin is not registered",
		detail: notRegistered("https://evil.example")},
	{name: "null origin", arrange: onSite, header: http.Header{"Origin": {"null"}}, code: codes.ClientMismatch, title: "This page has no origin",
		detail: "The browser sends no origin for this page (Origin: null). It is a local file, or in a sandboxed frame. Serve it over http://localhost or https, or add allow-same-origin to the frame's sandbox."},
	{name: "an origin that begins like the site", arrange: onSite, header: http.Header{"Origin": {"https://acme.example.evil.example"}}, code: codes.ClientMismatch, title: "This page's origin is not registered",
		detail: notRegistered("https://acme.example.evil.example")},
	{name: "the site's host by http", arrange: onSite, header: http.Header{"Origin": {"http://acme.example"}}, code: codes.ClientMismatch, title: "This page's origin is not registered",
		detail: notRegistered("http://acme.example")},
	{name: "another port", arrange: onSite, header: http.Header{"Origin": {"https://acme.example:8443"}}, code: codes.ClientMismatch, title: "This page's origin is not registered",
		detail: notRegistered("https://acme.example:8443")},
	{name: "another page", arrange: onSite, header: http.Header{"Referer": {"https://evil.example/https://acme.example/"}}, code: codes.ClientMismatch, title: "This page's origin is not registered",
		detail: notRegistered("https://evil.example")},
	{name: "no page where one is required", arrange: func(s *site) []string { s.policy.Site = "required"; return onSite(s) }, code: codes.ClientMismatch, title: "The request names no page",
		detail: "The request has neither Origin nor Referer, and this tenant's calls must have one. Call the API from a page of the tenant's site."},
	{name: "suspended", arrange: after(func(s *site, _ string) { s.change(func(t *tenants.Tenant) { t.Status = tenants.Suspended }) }), code: codes.TenantSuspended},
	{name: "month used up", arrange: after(func(s *site, _ string) {
		s.change(func(t *tenants.Tenant) { t.CallsPerMonth = 1 })
		s.get(itemsPath, s.mint())
	}), code: codes.TenantExhausted, retry: "734400"},
	{name: "token twice", arrange: func(s *site) []string { return append(good(s), "access_token", s.mint()) }, code: codes.BadRequest, detail: "the access token is given more than once"},
	{name: "token in header and parameter", arrange: good, header: http.Header{"Authorization": {"Bearer x"}}, code: codes.BadRequest, detail: "the access token is given more than once"},
	{name: "header twice", arrange: func(*site) []string { return []string{"client_id", "acme"} }, header: http.Header{"Authorization": {"Bearer x", "Bearer x"}}, code: codes.BadRequest, detail: "the header Authorization is given more than once"},
	{name: "many parameters", arrange: also(strings.Fields(strings.Repeat("x y ", 31))...), code: codes.BadRequest, detail: "there are more than 32 parameters"},
	{name: "zero byte", arrange: also("q", "a\x00b"), code: codes.BadRequest, detail: "a parameter is not UTF-8, or contains a zero byte"},
	{name: "not UTF-8", arrange: also("q", "\xff"), code: codes.BadRequest, detail: "a parameter is not UTF-8, or contains a zero byte"},
	{name: "limit 0", route: itemsPath, arrange: also("limit", "0"), code: codes.BadRequest, detail: "limit must be a number from 1 to 50"},
	{name: "limit 51", route: itemsPath, arrange: also("limit", "51"), code: codes.BadRequest, detail: "limit must be a number from 1 to 50"},
	{name: "limit of words", route: itemsPath + "/one/related", arrange: also("limit", "+1"), code: codes.BadRequest, detail: "limit must be a number from 1 to 50"},
	{name: "sort", route: itemsPath, arrange: also("sort", "rank"), code: codes.BadRequest, detail: "sort must be relevance, newest or title"},
	{name: "highlight", route: itemsPath, arrange: also("highlight", "y"), code: codes.BadRequest, detail: "highlight must be 1 or 0"},
	{name: "q twice", route: itemsPath, arrange: also("q", "a", "q", "b"), code: codes.BadRequest, detail: "q is given more than once"},
	{name: "q of a long word", route: itemsPath, arrange: also("q", strings.Repeat("x", 65)), code: codes.BadRequest, detail: "q: must not have a word of more than 64 characters"},
	{name: "long q", route: itemsPath, arrange: also("q", strings.Repeat("x ", 257)), code: codes.BadRequest, detail: "q: must have at most 512 characters"},
	{name: "exact is yes", route: itemsPath, arrange: also("exact", "y"), code: codes.BadRequest, detail: "exact must be 1 or 0"},
	{name: "nine attributes", route: itemsPath, arrange: also(strings.Fields(strings.Repeat("attribute.a x ", 9))...), code: codes.BadRequest, detail: "more than 8 parameters begin with attribute."},
	{name: "long attribute", route: itemsPath, arrange: also("attribute.a", strings.Repeat("x", 129)), code: codes.BadRequest, detail: "an attribute's name or value is longer than 128 bytes"},
	{name: "nine tags", route: itemsPath, arrange: also(strings.Fields(strings.Repeat("tag x ", 9))...), code: codes.BadRequest, detail: "tag is given more than 8 times"},
	{name: "nine facets", route: itemsPath, arrange: also("facets", "a,b,c,d,e,f,g,h,i"), code: codes.BadRequest, detail: "facets has more than 8 names"},
	{name: "long collection", route: itemsPath, arrange: also("collection", strings.Repeat("x", 129)), code: codes.BadRequest, detail: "collection is longer than 128 bytes"},
	{name: "another query's cursor", route: itemsPath, arrange: also("cursor", "bad"), code: codes.BadRequest, detail: "cursor: is not one of this query's"},
	{name: "long cursor", route: itemsPath, arrange: also("cursor", strings.Repeat("x", 513)), code: codes.BadRequest, detail: "cursor is longer than 512 bytes"},
	{name: "no such item", route: itemsPath + "/none", arrange: good, code: codes.NotFound, title: codes.NoItem, detail: noItem},
	{name: "no id", route: itemsPath + "/a%20b", arrange: good, code: codes.NotFound, title: codes.NoItem, detail: noItem},
	{name: "like no such item", route: itemsPath + "/none/related", arrange: good, code: codes.NotFound, title: codes.NoItem, detail: noItem},
	{name: "no such route", route: "/v1/nothing", arrange: good, code: codes.NotFound},
	{name: "content fails", arrange: after(func(s *site, _ string) { s.corpus.fault = errDisk }), code: codes.Overloaded, retry: "N"},
	{name: "store fails", arrange: after(func(s *site, _ string) { s.tokens.fault = errDisk }), code: codes.Overloaded, retry: "N"},
	{name: "keys fail", arrange: after(func(s *site, _ string) { s.Verifier = broken{errDisk} }), code: codes.Overloaded, retry: "N"},
	{name: "panic", arrange: after(func(s *site, _ string) { s.corpus.bomb = "boom" }), code: codes.Internal},
	{name: "out of range", arrange: after(func(s *site, _ string) { s.corpus.bomb = error(outOfRange()) }), code: codes.Internal},
}

// onSite is good, of a tenant with a site.
func onSite(s *site) []string {
	s.change(func(t *tenants.Tenant) { t.Sites = []string{"https://acme.example"} })
	return good(s)
}

// notRegistered is the detail about a page's origin.
func notRegistered(origin string) string {
	return "The page's origin " + origin + " is not one of the sites that are registered for this client_id. Ask the publisher to add it."
}

// broken is a verifier that can't reach what it needs.
type broken struct{ err error }

func (b broken) Verify(string, time.Time) (bearer.Claims, error) { return bearer.Claims{}, b.err }

func (b broken) VerifyFrom(string, bearer.Source, time.Time) (bearer.Claims, error) {
	return bearer.Claims{}, b.err
}

func outOfRange() (err error) {
	defer func() { err = recover().(error) }()
	var list []int
	_ = list[len(list)]
	return nil
}

func (s *site) revokeToken(token string) {
	s.Helper()
	rec := s.do(ask{method: "POST", path: "/oauth/revoke", body: query("client_id", "acme", "client_secret", s.secret, "token", token)})
	if rec.Code != 200 {
		s.Fatalf("revoke: %d %s", rec.Code, rec.Body)
	}
}

// TestRefusals checks the whole response of each refusal, over JSONP, JSON and form.
func TestRefusals(t *testing.T) {
	for _, c := range slices.Concat(everyday, ladder) {
		t.Run(c.name, func(t *testing.T) {
			for _, way := range []string{"json", "jsonp", "form"} {
				s := newSite(t)
				params := c.arrange(s)
				rec := s.send(way, c, params)
				c.check(s, way, rec)
			}
		})
	}
}

func (s *site) send(way string, c refused, params []string) *httptest.ResponseRecorder {
	route := c.route
	if route == "" {
		route = "/v1/items/one"
	}
	route = strings.Replace(route, "{id}", s.asked, 1)
	a := ask{path: with(route, params...), header: c.header.Clone(), from: c.from}
	switch way {
	case "jsonp":
		a.path += "&callback=cb"
	case "form":
		a = ask{method: "POST", path: route, body: query(params...), header: c.header.Clone(), from: c.from}
	}
	return s.do(a)
}

func (c refused) check(s *site, way string, rec *httptest.ResponseRecorder) {
	s.Helper()
	want := infoOf(c.code)
	if c.status != 0 {
		want.Status = c.status
	}
	detail, retry := c.detail, c.retry
	if detail == "" {
		detail = infoOf(c.code).Detail
	}
	if retry == "" {
		retry = "null"
	}
	title, _ := json.Marshal(cmp.Or(c.title, infoOf(c.code).Title))
	text, _ := json.Marshal(detail)
	body := fmt.Sprintf(`{"error":{"type":"/problems/%s","code":"%s","status":%d,"title":%s,"detail":%s,"ref":"REF","renewable":%v,"retry_after":%s,"challenge":%s}}`,
		c.code, c.code, want.Status, title, text, want.Renewable, retry, cmp.Or(c.task, "null"))
	status, contentType := want.Status, "application/json"
	if way == "jsonp" {
		body, status, contentType = "/**/ typeof cb === 'function' && cb("+body+");", 200, "text/javascript; charset=utf-8"
	}
	if retry == "N" { // between 1 and 5
		for n := '1'; n <= '5'; n++ {
			if some := strings.Replace(body, `"retry_after":N`, `"retry_after":`+string(n), 1); fixed(rec.Body.String()) == some {
				body = some
			}
		}
	}
	s.check(rec, status, contentType, body, way)
	c.checkHeaders(s, way, rec.Header())
}

// checkHeaders: a refusal over HTTP says more in headers, a script can't.
func (c refused) checkHeaders(s *site, way string, h http.Header) {
	s.Helper()
	challenge, retry := "", c.retry != ""
	if infoOf(c.code).Status == 401 {
		challenge = `Bearer realm="stile"`
		if c.code != codes.TokenMissing {
			challenge += `, error="invalid_token", error_description="` + string(c.code) + `"`
		}
	}
	if way == "jsonp" {
		challenge, retry = "", false
	}
	if got := h.Get("WWW-Authenticate"); got != challenge {
		s.Errorf("%s: WWW-Authenticate is %q, want %q", way, got, challenge)
	}
	if way == "jsonp" && h.Get("RateLimit")+h.Get("Access-Control-Expose-Headers") != "" {
		s.Error("headers that no script can read")
	}
	if got := h.Get("Retry-After"); (got != "") != retry {
		s.Errorf("%s: Retry-After is %q", way, got)
	}
}

// TestEveryCodeIsTried checks that the cases cover every code, except three that have tests of
// their own.
func TestEveryCodeIsTried(t *testing.T) {
	tried := map[codes.Code]bool{codes.BadCallback: true, codes.MethodNotAllowed: true, codes.ProofInvalid: true}
	for _, c := range slices.Concat(everyday, ladder) {
		tried[c.code] = true
	}
	for _, info := range codes.All() {
		if !tried[info.Code] {
			t.Errorf("nothing is refused with %s", info.Code)
		}
	}
}

// TestRefusedIsNotCounted checks that a refusal leaves the token and the quota unchanged.
func TestRefusedIsNotCounted(t *testing.T) {
	for _, c := range everyday {
		if c.code == codes.NotFound || c.code == codes.TenantExhausted || c.code == codes.TokenExhausted || c.code == codes.TokenHijacked {
			continue // these count what was made before, or are calls
		}
		s := newSite(t)
		params := c.arrange(s)
		s.send("json", c, params)
		if used := s.Meter.Used(1, s.now); used != 0 {
			t.Errorf("%s: the meter says %d", c.name, used)
		}
		for _, state := range s.tokens.states {
			if n := state.Used.Total(); n.Calls+n.Records != 0 {
				t.Errorf("%s: counted %+v", c.name, n)
			}
		}
	}
}

// TestEveryRouteIsGuarded checks that the token, the client and the tenant are checked on every
// route.
func TestEveryRouteIsGuarded(t *testing.T) {
	for _, c := range everyday {
		switch c.code {
		case codes.BadRequest, codes.NotFound, codes.Overloaded, codes.Internal, codes.TokenExhausted:
			continue // of the route's own
		}
		for _, route := range []string{"/v1/items", "/v1/items/one/related", "/v1/collections", "/v1/suggest", "/v1/token",
			"/v1/challenges/{id}/answer", "/v1/challenges/{id}/reload"} {
			s := newSite(t)
			c.route = route
			params := append(c.arrange(s), "answer", "0")
			s.asked = s.pretend(params)
			if rec := s.send("json", c, params); !strings.Contains(rec.Body.String(), `"code":"`+string(c.code)+`"`) {
				t.Errorf("%s: %s: %d %s", route, c.name, rec.Code, rec.Body)
			}
		}
	}
}

// TestFaultsAreFaults checks that an unexpected error is never sent to the client as a statement
// about its token.
func TestFaultsAreFaults(t *testing.T) {
	for _, err := range []error{errDisk, errors.New(""), http.ErrHandlerTimeout} {
		if isClients(err) {
			t.Errorf("%v is sent to the client", err)
		}
	}
	if !isClients(fmt.Errorf("x: %w", content.ErrNotFound)) {
		t.Error("an item that does not exist is taken for a fault")
	}
}
