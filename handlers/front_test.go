package handlers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// policies are the Content-Security-Policy of the responses that are our pages,
// or that browsers show as pages; all others forbid everything.
var policies = map[string]string{
	"/problems":          "default-src 'none'; style-src 'sha256-",
	"/problems/bad_key":  "default-src 'none'; frame-ancestors 'none'", // not a page: 404
	"/problems/internal": "default-src 'none'; style-src 'sha256-",
	"/demo/media/a.svg":  "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}

// TestEveryResponseForbids checks that every response of both listeners tells browsers to load
// nothing, to frame nothing, to send no Referer and to guess no type.
func TestEveryResponseForbids(t *testing.T) {
	s := newSite(t)
	for listener, h := range map[string]http.Handler{"public": s.handler, "admin": s.Admin()} {
		for _, path := range []string{"/v1/items", "/v1/items?callback=cb", "/v1/items?callback=a-b", "/v1/items/one", "/v1/collections", "/v1/suggest", "/v1/token",
			"/v1/challenges/x/answer", "/v1/challenges/x/picture.png", "/v1/challenges/x/sound.wav", "/oauth/token", "/oauth/introspect", "/oauth/revoke",
			"/.well-known/oauth-authorization-server", "/.well-known/jwks.json", "/.well-known/stile-statement-keys", "/problems", "/problems/internal", "/problems/bad_key",
			"/demo/media/a.svg", "/demo/media/none", "/widgets/manifest.json", "/healthz", "/readyz", "/metrics", "/none", "/"} {
			for _, method := range []string{"GET", "POST", "HEAD", "OPTIONS", "PUT"} {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
				want, ok := policies[path]
				if !ok || rec.Code != 200 {
					want = "default-src 'none'; frame-ancestors 'none'"
				}
				if got := rec.Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, want) {
					t.Errorf("%s listener, %s %s: %d, Content-Security-Policy %q", listener, method, path, rec.Code, got)
				}
				if got := rec.Header().Get("Referrer-Policy"); got != "no-referrer" {
					t.Errorf("%s listener, %s %s: Referrer-Policy %q", listener, method, path, got)
				}
				if got := rec.Header().Get("X-Content-Type-Options"); got != "nosniff" {
					t.Errorf("%s listener, %s %s: X-Content-Type-Options %q", listener, method, path, got)
				}
				if got := rec.Header().Get("Strict-Transport-Security"); got != "" {
					t.Errorf("%s listener, %s %s: Strict-Transport-Security %q over plain HTTP", listener, method, path, got)
				}
			}
		}
	}
}

// TestAmbiguousRequests checks that a request whose end is ambiguous is refused, and that nothing
// after it is read from its connection.
func TestAmbiguousRequests(t *testing.T) {
	s := newSite(t)
	addr := serve(t, s.handler, 20)
	const form = "Host: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	const next = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range []struct{ what, text, status string }{
		{"length, then chunks", "POST /v1/items HTTP/1.1\r\n" + form + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		{"chunks, then length", "POST /v1/items HTTP/1.1\r\n" + form + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "400"},
		{"spelt oddly", "POST /oauth/token HTTP/1.1\r\n" + form + "content-LENGTH: 3\r\ntransfer-ENCODING: Chunked\r\n\r\n0\r\n\r\n", "400"},
		{"without a body", "GET /v1/items?callback=cb HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		{"chunks alone", "POST /v1/items HTTP/1.1\r\n" + form + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		{"another coding", "POST /v1/items HTTP/1.1\r\n" + form + "Content-Length: 3\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
		{"two codings", "POST /v1/items HTTP/1.1\r\n" + form + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501"},
		{"a name with a space", "POST /v1/items HTTP/1.1\r\n" + form + "Content-Length: 3\r\nTransfer-Encoding : chunked\r\n\r\na=b", "400"},
		{"two lengths", "POST /v1/items HTTP/1.1\r\n" + form + "Content-Length: 3\r\nContent-Length: 4\r\n\r\na=b", "400"},
		{"HTTP/1.0 with both", "POST /v1/items HTTP/1.0\r\n" + form + "Connection: keep-alive\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\na=b", "401"},
		{"HTTP/1.0 with chunks", "GET /v1/items HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n", "401"},
	} {
		conn := dial(t, addr)
		go io.WriteString(conn, c.text+next)
		wg.Go(func() {
			in := bufio.NewReader(conn)
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Errorf("%s: %v", c.what, err)
				return
			}
			body, _ := io.ReadAll(res.Body)
			if !strings.HasPrefix(res.Status, c.status) || strings.HasPrefix(string(body), "/**/") {
				t.Errorf("%s: %s %s", c.what, res.Status, body)
			}
			if rest, _ := io.ReadAll(in); len(rest) > 0 {
				t.Errorf("%s: then it was answered %s", c.what, rest)
			}
		})
	}
	if got := exchange(t, dial(t, addr), "POST /v1/items HTTP/1.1\r\n"+form+"Content-Length: 3\r\n\r\na=b"); got != "401" {
		t.Errorf("with a length: %s", got)
	}
}

// TestIDsAreDecodedOnce checks that ids in paths are decoded once: %2541 is %41, which is not
// valid, and not A.
func TestIDsAreDecodedOnce(t *testing.T) {
	s := newSite(t)
	for path, want := range map[string]int{
		"/v1/items/one": 200, "/v1/items/%6fne": 200, "/v1/items/%6Fn%65": 200,
		"/v1/items/%256fne": 404, "/v1/items/%25256fne": 404, "/v1/items/one%2500": 404, "/v1/items/one%00": 404,
		"/v1/items/%256fne/related": 404, "/v1/items/%6fne/related": 200, "/v1/items/%6fne%2Frelated": 404,
	} {
		if rec := s.get(path, s.mint()); rec.Code != want {
			t.Errorf("%s: %d %s, want %d", path, rec.Code, rec.Body, want)
		}
	}
	for path, want := range map[string]int{"/problems/inter%6eal": 200, "/problems/inter%256eal": 404, "/problems/token%5fexpired": 200,
		"/demo/media/%61.svg": 200, "/demo/media/%2561.svg": 404} {
		if rec := s.do(ask{path: path}); rec.Code != want {
			t.Errorf("%s: %d, want %d", path, rec.Code, want)
		}
	}
	s.policy.Token.SpikeCalls = 1
	for encoding, want := range map[string]int{"%s": 200, "%%%02x": 200, "%%25%02x": 404} {
		token := s.mint()
		task := s.spike(token)
		id := task.ID
		if encoding != "%s" {
			id = ""
			for _, c := range []byte(task.ID) {
				id += fmt.Sprintf(encoding, c)
			}
		}
		if rec := s.reply(id, s.solve(task.ID), token); rec.Code != want {
			t.Errorf("the answer to a challenge whose id is sent as %s: %d %s, want %d", encoding, rec.Code, rec.Body, want)
		}
	}
}

// TestAdminHosts checks that the admin listener serves only its own hosts, so that no page can
// point a name at it, and that the health of the public listener is for all hosts.
func TestAdminHosts(t *testing.T) {
	s := newSite(t)
	s.API.AdminHosts = AdminHosts("admin.internal:8081", []string{"stile"})
	admin := s.Admin()
	for host, want := range map[string]int{
		"": 200, "localhost": 200, "localhost:8081": 200, "LOCALHOST.": 200, "a.localhost": 200, "127.0.0.1:8081": 200, "10.0.0.7": 200, "::1": 200, "[::1]:8081": 200,
		"stile": 200, "Stile:9": 200, "admin.internal": 200, "admin.internal:8081": 200,
		"evil.example": 421, "evil.example:8081": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "evillocalhost": 421, "stile.evil.example": 421,
		"[::1].evil.example": 421, "1": 421, "0x7f.1": 421,
	} {
		for _, path := range []string{"/metrics", "/healthz", "/readyz", "/none"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host = host
			rec := httptest.NewRecorder()
			admin.ServeHTTP(rec, r)
			if got := rec.Code; got != want && !(path == "/none" && want == 200 && got == 404) {
				t.Errorf("admin %s of %q: %d, want %d", path, host, got, want)
			}
			if want == 421 && (strings.Contains(rec.Body.String(), "evil") || !strings.Contains(rec.Body.String(), "admin_hosts")) {
				t.Errorf("%s of %q: %s", path, host, rec.Body)
			}
		}
		r := httptest.NewRequest("GET", "/healthz", nil)
		r.Host = host
		rec := httptest.NewRecorder()
		s.handler.ServeHTTP(rec, r)
		if rec.Code != 200 {
			t.Errorf("public /healthz of %q: %d", host, rec.Code)
		}
	}
}

// TestStreamsAreBounded checks that over HTTP/2 a request occupies its slot until its response is
// delivered, and that a request without a slot is refused as overloaded.
func TestStreamsAreBounded(t *testing.T) {
	s := newSite(t)
	slots := make(chan struct{}, 1)
	try := func() (code int, delivered func()) {
		ctx, delivered := context.WithCancel(t.Context())
		r := httptest.NewRequest("GET", "/healthz", nil).WithContext(ctx)
		r.ProtoMajor, r.ProtoMinor = 2, 0
		rec := httptest.NewRecorder()
		s.stream(rec, r, slots, s.handler)
		return rec.Code, delivered
	}
	first, delivered := try()
	second, _ := try()
	if first != 200 || second != 503 {
		t.Fatalf("the first %d, the second %d", first, second)
	}
	delivered()
	slots <- struct{}{} // there is one again
}
