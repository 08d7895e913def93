package handlers

import (
	"bufio"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/tokens"
)

// send sends a request over a connection of its own, and returns the response with its body. The
// text must ask for the connection to be closed, or be answered so.
func send(t *testing.T, addr, text, method string) (*http.Response, string) {
	t.Helper()
	c := dial(t, addr)
	c.SetDeadline(time.Now().Add(30 * time.Second)) // only to give up
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%.80q: %v", text, err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%.80q: %v", text, err)
	}
	rest, err := io.ReadAll(in) // of a HEAD, the bytes that ReadResponse does not expect
	if err != nil || len(rest) > 0 {
		t.Errorf("%.80q: %d bytes follow, %v: %.80q", text, len(rest), err, rest)
	}
	return res, string(body)
}

// TestHead checks that HEAD gets the status and the headers of GET, Content-Length included, and no
// body, on every route that has a GET.
func TestHead(t *testing.T) {
	s := layer(t)
	s.corpus.many = 60 // more than net/http sets a Content-Length for
	public, admin := serve(t, s.handler, 50), serve(t, s.Admin(), 50)
	id := s.spike(s.mint()).ID
	for _, path := range []string{
		"/healthz", "/readyz", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json", "/.well-known/stile-statement-keys",
		"/v1/items", "/v1/items?callback=cb", "/v1/items?callback=a-b", "/v1/items?limit=0", "/v1/items/one", "/v1/items/none", "/v1/items/one/related", "/v1/collections",
		"/v1/suggest?q=on", "/v1/token", "/v1/challenges/" + id + "/answer?answer=1", "/v1/challenges/x/reload?callback=cb", "/v1/challenges/x/picture.png",
		"/widgets/manifest.json", "/widgets/v1/stile.js", "/widgets/v1/none.js", "/demo/media/a.svg",
		"/snippet", "/snippet/code", "/snippet/page.js", "/snippet/plum-cake.svg", "/problems/", "/problems/internal",
		"/none", "/none?callback=cb", "/oauth/token", "/oauth/token?callback=cb", "/?callback=cb",
		"admin /healthz", "admin /readyz", "admin /metrics", "admin /none",
	} {
		addr, of := public, path
		if of, _ = strings.CutPrefix(path, "admin "); of != path {
			addr = admin
		}
		ask := func(method string) (*http.Response, string) {
			of := of
			if strings.HasPrefix(of, "/v1/") {
				of = with(of, "client_id", "acme", "access_token", s.mint())
			}
			return send(t, addr, method+" "+of+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method)
		}
		get, body := ask("GET")
		head, nothing := ask("HEAD")
		if head.StatusCode != get.StatusCode || nothing != "" || body == "" {
			t.Errorf("%s: GET %d with %d bytes, HEAD %d with %d", path, get.StatusCode, len(body), head.StatusCode, len(nothing))
		}
		for _, res := range []*http.Response{get, head} {
			res.Header.Del("Date")
			res.Header.Del("X-Request-Id")
			if path == "admin /metrics" { // the first request is counted
				res.Header.Del("Content-Length")
			}
		}
		if !maps.EqualFunc(get.Header, head.Header, slices.Equal) {
			t.Errorf("%s:\nGET  %v\nHEAD %v", path, get.Header, head.Header)
		}
	}
}

// TestHeadIsCharged checks that a HEAD of a counted route is a call as a GET is. Its headers say
// whether an item exists and how long it is.
func TestHeadIsCharged(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	for n, method := range []string{"HEAD", "GET", "HEAD"} {
		rec := s.do(ask{method: method, path: with("/v1/items/one", "client_id", "acme", "access_token", token)})
		if rec.Code != 200 {
			t.Fatalf("%s: %d %s", method, rec.Code, rec.Body)
		}
		if used := s.Meter.Used(1, s.now); used != int64(n+1) {
			t.Errorf("after %s: %d calls are charged, want %d", method, used, n+1)
		}
	}
	for _, state := range s.tokens.states {
		if got := state.Used.Total(); got != (tokens.Count{Calls: 3, Records: 3}) {
			t.Errorf("the token's counts are %+v", got)
		}
	}
	s.policy.QueryTokens = "no"
	if rec := s.do(ask{method: "HEAD", path: with("/v1/items/one", "client_id", "acme", "access_token", token)}); rec.Code != 400 {
		t.Errorf("a token in the URL where the setting forbids it: %d", rec.Code)
	}
}

// TestAllow checks the header Allow: of 405, and of OPTIONS.
func TestAllow(t *testing.T) {
	s := layer(t)
	content, files, oauth := "OPTIONS, GET, HEAD, POST", "OPTIONS, GET, HEAD", "OPTIONS, POST"
	for path, want := range map[string]string{
		"/v1/items": content, "/v1/items/one": content, "/v1/items/one/related": content, "/v1/collections": content, "/v1/suggest": content,
		"/v1/token": content, "/v1/challenges/x/answer": content, "/v1/challenges/x/reload": content,
		"/v1/challenges/x/picture.png": files, "/v1/challenges/x/sound.wav": files,
		"/oauth/token": oauth, "/oauth/introspect": oauth, "/oauth/revoke": oauth,
		"/.well-known/oauth-authorization-server": files, "/.well-known/jwks.json": files, "/.well-known/stile-statement-keys": files, "/healthz": files, "/readyz": files,
		"/problems": files, "/problems/": files, "/problems/internal": files, "/snippet": files, "/snippet/code": files, "/snippet/page.js": files,
		"/demo/media/a.svg": files, "/widgets/manifest.json": files, "/widgets/v1/stile.js": files, "/widgets/1.2.3-0a1b2c3d/stile.js": files,
	} {
		for _, method := range []string{"DELETE", "PUT", "PATCH", "TRACE", "BREW", "POST", "GET", "HEAD", "OPTIONS"} {
			rec := s.do(ask{method: method, path: path})
			got := rec.Header().Values("Allow")
			switch {
			case method == "OPTIONS":
				if rec.Code != 204 || len(got) != 1 || got[0] != want {
					t.Errorf("OPTIONS %s: %d, Allow %q, want %q", path, rec.Code, got, want)
				}
			case strings.Contains(want, method):
				if rec.Code == 405 {
					t.Errorf("%s %s: 405", method, path)
				}
			case rec.Code != 405 || len(got) != 1 || got[0] != want || !strings.Contains(rec.Body.String(), `"method_not_allowed"`):
				t.Errorf("%s %s: %d, Allow %q, want %q; %s", method, path, rec.Code, got, want, rec.Body)
			}
		}
	}
	for _, c := range []struct{ method, path string }{{"DELETE", "/none"}, {"OPTIONS", "/none"}, {"POST", "/"}} {
		if rec := s.do(ask{method: c.method, path: c.path}); rec.Code != 404 || rec.Header().Get("Allow") != "" {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, rec.Code, rec.Header().Get("Allow"))
		}
	}
	for _, want := range []string{"GET", "HEAD", "POST"} {
		if got := s.do(ask{method: "OPTIONS", path: "/v1/items"}).Header().Get("Access-Control-Allow-Methods"); !strings.Contains(got, want) {
			t.Errorf("a preflight allows %s", got)
		}
	}
}
