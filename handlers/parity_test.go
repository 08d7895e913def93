package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/tenants"
)

// TestS26OneWayToSendAToken checks requests with two tokens, none, and an unknown scheme.
func TestS26OneWayToSendAToken(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	for _, c := range []struct {
		name      string
		ask       ask
		status    int
		challenge string
	}{
		{"header", ask{path: "/v1/items/one?client_id=acme", header: http.Header{"Authorization": {"Bearer " + token}}}, 200, ""},
		{"parameter", ask{path: with("/v1/items/one?client_id=acme", "access_token", token)}, 200, ""},
		{"form", ask{method: "POST", path: "/v1/items/one", body: query("client_id", "acme", "access_token", token)}, 200, ""},
		{"header with a form", ask{method: "POST", path: "/v1/items/one", body: "client_id=acme", header: http.Header{"Authorization": {"Bearer " + token}}}, 200, ""},
		{"parameter and a password", ask{path: with("/v1/items/one?client_id=acme", "access_token", token), header: http.Header{"Authorization": {"Basic eDp5"}}}, 200, ""},
		{"header and parameter", ask{path: with("/v1/items/one?client_id=acme", "access_token", token), header: http.Header{"Authorization": {"Bearer " + token}}}, 400, ""},
		{"header and form", ask{method: "POST", path: "/v1/items/one", body: query("client_id", "acme", "access_token", token), header: http.Header{"Authorization": {"Bearer " + token}}}, 400, ""},
		{"form and URL", ask{method: "POST", path: with("/v1/items/one", "access_token", token), body: query("client_id", "acme", "access_token", token)}, 400, ""},
		{"parameter twice", ask{path: with("/v1/items/one?client_id=acme", "access_token", token, "access_token", token)}, 400, ""},
		{"none", ask{path: "/v1/items/one?client_id=acme"}, 401, `Bearer realm="stile"`},
		{"bad scheme", ask{path: "/v1/items/one?client_id=acme", header: http.Header{"Authorization": {"Token " + token}}}, 401, `Bearer realm="stile"`},
		{"no scheme", ask{path: "/v1/items/one?client_id=acme", header: http.Header{"Authorization": {token}}}, 401, `Bearer realm="stile"`},
		{"bad token", ask{path: "/v1/items/one?client_id=acme", header: http.Header{"Authorization": {"Bearer x"}}}, 401, `Bearer realm="stile", error="invalid_token", error_description="token_invalid"`},
	} {
		rec := s.do(c.ask)
		if rec.Code != c.status || rec.Header().Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d, WWW-Authenticate %q\n%s", c.name, rec.Code, rec.Header().Get("WWW-Authenticate"), rec.Body)
		}
	}
}

// TestForms checks which POSTs are refused.
func TestForms(t *testing.T) {
	s := newSite(t)
	good := query("client_id", "acme", "access_token", s.mint())
	for _, c := range []struct {
		name, path, body, contentType, detail string
		status                                int
	}{
		{"query", "/v1/items?limit=3", good, "", "a POST must have its parameters in its body, and none in its URL", 400},
		{"callback", "/v1/items", good + "&callback=cb", "", "callback must not be sent in a POST", 400},
		{"callback in the URL", "/v1/items?callback=cb", good, "", "a POST must have its parameters in its body, and none in its URL", 400},
		{"JSON", "/v1/items", good, "application/json", "the body of a POST must be application/x-www-form-urlencoded", 400},
		{"text", "/v1/items", good, "text/plain", "the body of a POST must be application/x-www-form-urlencoded", 400},
		{"multipart", "/v1/items", good, "multipart/form-data; boundary=x", "the body of a POST must be application/x-www-form-urlencoded", 400},
		{"large", "/v1/items", good + "&q=" + strings.Repeat("x", 16<<10), "", "the body is larger than 16 KiB", 413},
		{"encoding", "/v1/items", good + "&q=%z", "", "a parameter has a percent sign that is not followed by two hexadecimal digits", 400},
		{"charset", "/v1/items", good, "application/x-www-form-urlencoded; charset=UTF-8", "", 200},
	} {
		a := ask{method: "POST", path: c.path, body: c.body}
		if c.contentType != "" {
			a.header = http.Header{"Content-Type": {c.contentType}}
		}
		rec := s.do(a)
		if rec.Code != c.status || c.detail != "" && !strings.Contains(rec.Body.String(), `"code":"bad_request","status":`) || !strings.Contains(rec.Body.String(), c.detail) {
			t.Errorf("%s: %d %s", c.name, rec.Code, rec.Body)
		}
		if rec.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: a page can't read it", c.name)
		}
	}
}

// TestMethods checks that a request with another method gets the allowed ones, and that a preflight
// is admitted.
func TestMethods(t *testing.T) {
	s := newSite(t)
	for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE", "BREW"} {
		rec := s.do(ask{method: method, path: with("/v1/items/one?callback=cb", good(s)...)})
		s.check(rec, 405, "application/json", `{"error":{"type":"/problems/method_not_allowed","code":"method_not_allowed","status":405,"title":"Method not allowed","detail":"This URL does not support that method.","ref":"REF","renewable":false,"retry_after":null,"challenge":null}}`, method)
		for _, m := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
			if allow := rec.Header().Get("Allow"); !strings.Contains(allow, m) {
				t.Errorf("%s: Allow is %q", method, allow)
			}
		}
	}
	rec := s.do(ask{path: "/oauth/token?callback=cb"})
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), `"code":"method_not_allowed","status":405`) || rec.Header().Get("Allow") == "" {
		t.Errorf("GET /oauth/token: %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	if strings.Contains(s.lines.String(), "BREW") {
		t.Error("the log contains a method that the client chose")
	}
	rec = s.do(ask{method: "OPTIONS", path: "/v1/items/one", header: http.Header{"Origin": {"https://a.example"}, "Access-Control-Request-Method": {"GET"}}})
	h := rec.Header()
	if rec.Code != 204 || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Methods") != "GET, HEAD, POST" ||
		h.Get("Access-Control-Allow-Headers") != "Authorization, DPoP, Content-Type" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", rec.Code, h)
	}
}

// TestTokensInURLs checks that a token in a URL is valid only if the tenant's setting allows it.
func TestTokensInURLs(t *testing.T) {
	s := newSite(t)
	for _, rule := range []string{"no", "with-proof", ""} {
		s.policy.QueryTokens = rule
		if rec := s.get("/v1/items/one", s.mint()); rec.Code != 400 || !strings.Contains(rec.Body.String(), "query_tokens") {
			t.Errorf("%q, URL: %d %s", rule, rec.Code, rec.Body)
		}
		for _, a := range []ask{
			{method: "POST", path: "/v1/items/one", body: query(good(s)...)},
			{path: "/v1/items/one?client_id=acme&callback=cb", header: http.Header{"Authorization": {"Bearer " + s.mint()}}},
		} {
			if rec := s.do(a); rec.Code != 200 || !strings.Contains(rec.Body.String(), `{"data":`) {
				t.Errorf("%q: %d %s", rule, rec.Code, rec.Body)
			}
		}
	}
}

// TestPages checks which pages may call with the tokens of a tenant with sites.
func TestPages(t *testing.T) {
	s := newSite(t)
	s.change(func(t *tenants.Tenant) {
		t.Sites = []string{"https://acme.example", "https://shop.example:8443", "http://localhost:3000"}
	})
	for _, h := range []http.Header{
		{}, {"Origin": {"https://acme.example"}}, {"Origin": {"https://shop.example:8443"}}, {"Origin": {"http://localhost:3000"}},
		{"Origin": {"https://ACME.example:443"}}, {"Referer": {"https://acme.example/a/page?x=y"}}, {"Referer": {"https://acme.example:443/"}},
		{"Origin": {"https://acme.example"}, "Referer": {"https://evil.example/"}},
	} {
		if rec := s.do(ask{path: with("/v1/items/one", good(s)...), header: h}); rec.Code != 200 {
			t.Errorf("%v: %d %s", h, rec.Code, rec.Body)
		}
	}
	for _, h := range []http.Header{
		{"Origin": {"https://acme.example@evil.example"}}, {"Origin": {"https://acme.example.evil.example"}},
		{"Origin": {"https://sub.acme.example"}}, {"Origin": {"https://evil.example"}, "Referer": {"https://acme.example/"}}, {"Referer": {"//acme.example"}},
		{"Referer": {"about:blank"}}, {"Origin": {"file://"}}, {"Origin": {"https://evil.example?https://acme.example"}}, {"Origin": {"ht!tp:\x7f"}},
	} {
		if rec := s.do(ask{path: with("/v1/items/one", good(s)...), header: h}); rec.Code != 403 {
			t.Errorf("%v: %d %s", h, rec.Code, rec.Body)
		}
	}
}

// TestParameters checks that parameters reach the content unchanged.
func TestParameters(t *testing.T) {
	s := newSite(t)
	s.get("/v1/items?q=one+two&collection=c&tag=a&tag=b&attribute.course=soup&attribute.in=%C3%A9t%C3%A9&attribute.in=b&sort=title&limit=50&cursor=n&facets=tag,+course&highlight=1&unknown=x&unknown=y", s.mint())
	q := s.corpus.asked
	if strings.Join(q.Words, "|") != "one|two" || q.Collection != "c" || strings.Join(q.Tags, "|") != "a|b" || fmt.Sprint(q.Attributes) != "[{course soup} {in été} {in b}]" || q.Sort != content.ByTitle ||
		q.Limit != 50 || q.Cursor != "n" || strings.Join(q.Facets, "|") != "tag|course" || !q.Highlight || q.Tenant != 1 {
		t.Errorf("%+v", q)
	}
	s.get("/v1/items?q=&limit=&sort=&tag=&attribute.x=&attribute.=x&facets=&collection=&highlight=0", s.mint())
	if q = s.corpus.asked; q.Limit != 20 || q.Sort != content.ByRelevance || q.Tags != nil || q.Attributes != nil || q.Facets != nil || q.Highlight {
		t.Errorf("%+v", q)
	}
}

// TestRangeParameters checks that ranges reach the content, and that invalid ones are refused.
func TestRangeParameters(t *testing.T) {
	s := newSite(t)
	s.get("/v1/items?max.published_at=2026-03-01&min.minutes=5&max.minutes=1e3&min.x=&min.=4&ranges=minutes,+published_at", s.mint())
	q := s.corpus.asked
	if fmt.Sprint(q.Ranges) != "[{minutes 5 1000} {published_at -Inf 1.772409599999999e+09}]" || strings.Join(q.Ends, "|") != "minutes|published_at" {
		t.Errorf("%v %v", q.Ranges, q.Ends)
	}
	for query, detail := range map[string]string{
		"min.minutes=few":                        "min.minutes: must be a number or a date such as 2026-03-01",
		"max.minutes=1e999":                      "max.minutes: must be a number or a date such as 2026-03-01",
		"max.a=NaN":                              "max.a: must be a number or a date such as 2026-03-01",
		"min.%01An=1":                            "the name of a range has a control character",
		"attribute.%01An=1":                      "an attribute's name has a control character",
		"facets=a,%01An":                         "a name in facets has a control character",
		"ranges=%01An":                           "a name in ranges has a control character",
		"min.a=1&min.a=2":                        "min.a is given more than once",
		"min." + strings.Repeat("a", 129) + "=1": "the name of a range is longer than 128 bytes",
		"min.a=1&min.b=1&min.c=1&min.d=1&min.e=1&min.f=1&min.g=1&min.h=1&min.i=1": "more than 8 ranges are given",
		"ranges=a,b,c,d,e,f,g,h,i": "ranges has more than 8 names",
	} {
		if rec := s.get("/v1/items?"+query, s.mint()); rec.Code != 400 || !strings.Contains(rec.Body.String(), detail) {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
		}
	}
}

// TestSpellingsInParameters checks that a name is the same in both Unicode spellings, and that a
// query without words is not an empty one.
func TestSpellingsInParameters(t *testing.T) {
	s := newSite(t)
	s.get("/v1/items?q=%3F%3F%3F&collection=Ga%CC%88ste&tag=Cafe%CC%81&tag=%E2%80%8B&attribute.Gro%CC%88%C3%9Fe=%EF%BB%BFe%CC%81", s.mint())
	q := s.corpus.asked
	if q.Collection != "Gäste" || strings.Join(q.Tags, "|") != "Café" || fmt.Sprint(q.Attributes) != "[{Größe é}]" || len(q.Words) != 0 || len(q.Signs) != 1 {
		t.Errorf("%+v", q)
	}
	if rec := s.get("/v1/items/o%E2%80%8Bne", s.mint()); rec.Code != 200 {
		t.Errorf("an id with an invisible character: %d %s", rec.Code, rec.Body)
	}
}

// TestTitlesOfRefusedSuggestions checks that the titles of suggestions that were refused when they
// had been read still count when the request is repeated.
func TestTitlesOfRefusedSuggestions(t *testing.T) {
	s := newSite(t)
	s.policy.Token.SpikeSuggestions = 1
	token := s.mint()
	s.corpus.during = func() {
		s.corpus.during = nil
		s.get("/v1/suggest?q=", token) // fills the window
	}
	rec := s.get("/v1/suggest?q=o", token)
	if refusalIn(rec) != codes.ChallengeRequired {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	task := s.taskOf(rec)
	s.reply(task.ID, s.solve(task.ID), token)
	for range 2 {
		s.now = s.now.Add(time.Minute)
		if rec := s.get("/v1/suggest?q=o", token); rec.Code != 200 {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		if hints := s.tokens.states[s.idOf(token)].Hints; hints != 1 {
			t.Errorf("%d titles counted, want 1", hints)
		}
	}
}

// TestCounting checks that a call is counted with its records, that suggestions and requests of
// /v1/token are not, and that a call for an item that does not exist is.
func TestCounting(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	for _, path := range []string{"/v1/items", "/v1/items/one", "/v1/items/none", "/v1/items/one/related", "/v1/collections", "/v1/suggest?q=x", "/v1/token"} {
		s.get(path, token)
	}
	for _, state := range s.tokens.states {
		u := state.Used[0]
		if u[0].Calls != 1 || u[0].Records != 2 || u[1].Calls != 2 || u[1].Records != 1 || u[2].Calls != 1 || u[2].Records != 3 || u[3].Calls != 1 || u[3].Records != 0 {
			t.Errorf("%+v", u)
		}
	}
	if n := s.Meter.Used(1, s.now); n != 5 {
		t.Errorf("the meter says %d", n)
	}
	rec := s.get("/v1/token", token)
	if want := `{"data":{"binding":"address","calls":5,"calls_limit":100,"expires_in":86400,"challenge":null},"meta":{"token":{"calls":5,"calls_limit":100,"expires_in":86400}}}`; rec.Body.String() != want {
		t.Errorf("%s", rec.Body)
	}
	if p, l := rec.Header().Get("RateLimit-Policy"), rec.Header().Get("RateLimit"); p != `"token";q=100;w=86400` || l != `"token";r=95;t=86400` {
		t.Errorf("%s %s", p, l)
	}
}

// TestDeadTokensReadNothing checks that a token that is known to be dead reaches neither the
// content nor the store.
func TestDeadTokensReadNothing(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	s.revokeToken(token)
	reads, writes := s.corpus.reads.Load(), s.tokens.writes
	s.tokens.fault = errDisk
	for _, path := range []string{"/v1/items", "/v1/suggest?q=x", "/v1/token"} {
		rec := s.get(path, token)
		if !strings.Contains(rec.Body.String(), "token_revoked") || rec.Header().Get("RateLimit") != `"token";r=0;t=86400` {
			t.Errorf("%s: %s %v", path, rec.Body, rec.Header())
		}
	}
	if s.corpus.reads.Load() != reads || s.tokens.writes != writes {
		t.Error("it reached one")
	}
}

// TestRefusedCallsReadNothing checks that no content is read for a call that the token's state
// refuses, on every route.
func TestRefusedCallsReadNothing(t *testing.T) {
	for _, path := range []string{"/v1/items?q=x", "/v1/items/one", "/v1/items/one/related", "/v1/collections", "/v1/suggest?q=x"} {
		for code, refuse := range map[codes.Code]func(s *site, token string) (from string){
			codes.TokenHijacked: func(*site, string) string { return "203.0.113.9" },
			codes.TokenExhausted: func(s *site, _ string) string {
				s.policy.Token.Records = 1
				return ""
			},
			codes.ChallengeRequired: func(s *site, _ string) string {
				s.policy.Token.SpikeCalls, s.policy.Token.SpikeSuggestions = 1, 1
				return ""
			},
		} {
			if code == codes.TokenExhausted && strings.HasPrefix(path, "/v1/suggest") {
				continue // suggestions count no records
			}
			s := newSite(t)
			token := s.mint()
			s.get("/v1/items/one", token)
			s.get(path, token)
			from := refuse(s, token)
			reads := s.corpus.reads.Load()
			rec := s.do(ask{path: with(path, "client_id", "acme", "access_token", token), from: from})
			if got := refusalIn(rec); got != code || s.corpus.reads.Load() != reads {
				t.Errorf("%s, %s: %d reads, %s", path, code, s.corpus.reads.Load()-reads, rec.Body)
			}
		}
	}
}

// TestInspectBindsNothing checks that /v1/token binds nothing, so that it can be requested from
// anywhere before the first call.
func TestInspectBindsNothing(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	s.get("/v1/token", token)
	if rec := s.do(ask{path: with("/v1/items/one", "client_id", "acme", "access_token", token), from: "203.0.113.9"}); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec := s.get("/v1/token", token); rec.Code != 401 || !strings.Contains(rec.Body.String(), "token_hijacked") {
		t.Errorf("from elsewhere: %d %s", rec.Code, rec.Body)
	}
}

// TestInvalidID checks that a string that can't be an id is not looked up.
func TestInvalidID(t *testing.T) {
	s := newSite(t)
	for _, id := range []string{"a%20b", "a%2Fb", "%2e%2e%2f", "%3Cb%3E", "%E2%80%A8", strings.Repeat("x", 129), "a'b"} {
		for _, path := range []string{"/v1/items/" + id, "/v1/items/" + id + "/related"} {
			if rec := s.get(path, s.mint()); rec.Code != 404 {
				t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
			}
		}
	}
	if n := s.corpus.reads.Load(); n != 0 {
		t.Errorf("%d reads", n)
	}
	if rec := s.get("/v1/items/%6fne", s.mint()); rec.Code != 200 {
		t.Errorf("an id that is escaped needlessly: %d %s", rec.Code, rec.Body)
	}
}

// TestMedia checks that the pictures are served, and no other files.
func TestMedia(t *testing.T) {
	s := newSite(t)
	rec := s.do(ask{path: "/demo/media/a.svg"})
	if rec.Code != 200 || rec.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(rec.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	for _, path := range []string{"/demo/media/", "/demo/media", "/demo/", "/demo/media/none.svg", "/demo/media/../media", "/demo/media/..%2f..%2fetc/passwd", "/demo/media//a.svg"} {
		if rec := s.do(ask{path: path}); rec.Code != 404 {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}
