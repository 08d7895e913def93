package demo_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/demo"
)

const (
	origin = "http://localhost:8090"
	secret = "the-secret-of-demo"
)

// fakeAPI is an API with known responses: token n is "t-n".
type fakeAPI struct {
	issued  atomic.Int64
	status  int    // of the token endpoint; 0 is 200
	forms   string // the last form that was sent to /oauth/…
	clients string // the client that sent it
	from    string // the peer of the last call
	auth    string
}

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.from, f.auth = r.RemoteAddr, r.Header.Get("Authorization")
	if strings.HasPrefix(r.URL.Path, "/oauth/") {
		body, _ := io.ReadAll(r.Body)
		id, key, _ := r.BasicAuth()
		f.forms, f.clients = r.URL.Path+" "+string(body), id+":"+key
	}
	switch {
	case r.URL.Path == "/oauth/token" && f.status != 0:
		w.WriteHeader(f.status)
	case r.URL.Path == "/oauth/token":
		fmt.Fprintf(w, `{"access_token":"t-%d","expires_in":60}`, f.issued.Add(1))
	case r.URL.Path == "/v1/items":
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"error":{"code":"token_hijacked","title":"Hijacked","ref":"7QK2-M4TD"}}`)
	}
}

type testSite struct {
	t   *testing.T
	api *fakeAPI
	now time.Time
	h   http.Handler
}

func newSite(t *testing.T) *testSite {
	s := &testSite{t: t, api: &fakeAPI{}, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	site := &demo.Site{API: "http://localhost:8080", Origins: []string{origin, "http://127.0.0.1:8090"}, ClientID: "demo", Secret: secret,
		Entries:        []demo.Entry{{ID: "iceland", Title: "Iceland", URL: "https://www.geonames.org/2629691"}, {ID: "x", Title: "<b>&"}},
		Transport:      demo.HandlerTransport(s.api, "127.0.0.1:0"),
		OtherTransport: demo.HandlerTransport(s.api, demo.OtherAddress+":0"),
		Now:            func() time.Time { return s.now }}
	s.h = site.Handler()
	return s
}

// do sends a request to the site's own host, with headers as "Name: value".
func (s *testSite) do(method, path, form string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, origin+path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return w
}

// TestHead checks that HEAD gets the status and the headers of GET on the site's pages and files.
func TestHead(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/country?id=iceland", "/country?id=none", "/none"} {
		get, head := s.do("GET", path, ""), s.do("HEAD", path, "")
		if head.Code != get.Code || !maps.EqualFunc(head.Header(), get.Header(), slices.Equal) {
			t.Errorf("%s: GET %d %v, HEAD %d %v", path, get.Code, get.Header(), head.Code, head.Header())
		}
	}
}

// TestOwnPagesOnly checks that the site uses its secret neither for a page of another site nor
// for a request without an origin.
func TestOwnPagesOnly(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/stile/token", "/trouble/revoke", "/trouble/elsewhere"} {
		for _, c := range []struct {
			headers []string
			want    int
		}{
			{[]string{"Origin: " + origin}, 200},
			{[]string{"Origin: " + origin, "Sec-Fetch-Site: same-origin"}, 200},
			{[]string{"Origin: http://127.0.0.1:8090", "Host: 127.0.0.1:8090"}, 200},
			{[]string{"Origin: " + origin, "Sec-Fetch-Site: same-site"}, 403},
			{[]string{"Origin: https://evil.example"}, 403},
			{[]string{"Origin: http://localhost:8080"}, 403},
			{[]string{"Origin: null"}, 403},
			{[]string{"Sec-Fetch-Site: same-origin"}, 403},
			{nil, 403},
			{[]string{"Origin: http://evil.example:8090", "Host: evil.example:8090"}, 421},
			{[]string{"Origin: " + origin, "Host: evil.example"}, 421},
		} {
			before := s.api.issued.Load()
			if w := s.do("POST", path, "token=t", c.headers...); w.Code != c.want {
				t.Errorf("%s %v: %d, want %d", path, c.headers, w.Code, c.want)
			}
			if c.want != 200 && s.api.issued.Load() != before {
				t.Errorf("%s %v: the site got a token", path, c.headers)
			}
		}
		if w := s.do("GET", path, "", "Origin: "+origin); w.Code != 405 && w.Code != 404 {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
}

// TestTokensAreFresh checks that each browser gets a token of its own, and that the secret stays
// on the server.
func TestTokensAreFresh(t *testing.T) {
	s := newSite(t)
	for n := 1; n <= 3; n++ {
		w := s.do("POST", "/stile/token", "", "Origin: "+origin)
		var got struct {
			Token string `json:"access_token"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Token != fmt.Sprintf("t-%d", n) {
			t.Errorf("the token for browser %d: %s", n, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Error("a cache may store a token")
		}
	}
	if s.api.forms != "/oauth/token grant_type=client_credentials" || s.api.clients != "demo:"+secret {
		t.Errorf("sent %q as %q", s.api.forms, s.api.clients)
	}
}

// TestNoToken checks that the error for the page does not contain the secret.
func TestNoToken(t *testing.T) {
	s := newSite(t)
	s.api.status = 401
	w := s.do("POST", "/stile/token", "", "Origin: "+origin)
	if w.Code != 502 || !strings.Contains(w.Body.String(), "/oauth/token responded with status 401") || strings.Contains(w.Body.String(), secret) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestTokensAreLimited checks the limit of 30 tokens a minute for each address.
func TestTokensAreLimited(t *testing.T) {
	s := newSite(t)
	for n := range 31 {
		w := s.do("POST", "/stile/token", "", "Origin: "+origin)
		if want := map[bool]int{true: 200, false: 429}[n < 30]; w.Code != want {
			t.Errorf("token %d: %d, want %d", n+1, w.Code, want)
		}
	}
	s.now = s.now.Add(time.Minute)
	if w := s.do("POST", "/stile/token", "", "Origin: "+origin); w.Code != 200 {
		t.Errorf("a minute later: %d", w.Code)
	}
}

// TestTroubles checks that the site revokes a token with the client's credentials, and that the
// call from another address carries only the token.
func TestTroubles(t *testing.T) {
	s := newSite(t)
	w := s.do("POST", "/trouble/revoke", "token=abc", "Origin: "+origin)
	if w.Code != 200 || s.api.forms != "/oauth/revoke token=abc" || s.api.clients != "demo:"+secret {
		t.Errorf("revoke: %d, sent %q as %q", w.Code, s.api.forms, s.api.clients)
	}
	w = s.do("POST", "/trouble/elsewhere", url.Values{"token": {"abc"}}.Encode(), "Origin: "+origin)
	want := `{"address":"203.0.113.9","status":401,"code":"token_hijacked","title":"Hijacked","ref":"7QK2-M4TD"}`
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("elsewhere: %d %s", w.Code, w.Body)
	}
	if !strings.HasPrefix(s.api.from, "203.0.113.9:") || s.api.auth != "Bearer abc" {
		t.Errorf("the other caller had address %s and sent %q", s.api.from, s.api.auth)
	}
}
