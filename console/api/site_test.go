package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/console/openapi"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	"stile.example/stile/settings"
	"stile.example/stile/store/sqlite/idempotency"
)

// admins finds the admin of a token by its end: stile_adm_ROLE.
type admins struct{}

func (admins) Authenticate(_ context.Context, token, address string) (operations.Actor, error) {
	role := operations.Role(strings.TrimPrefix(token, TokenPrefix))
	if !role.Includes(operations.Viewer) {
		return operations.Actor{}, failure.New(failure.NotFound, "unknown token")
	}
	return operations.Actor{Name: "a-" + string(role), Role: role, Credential: "token …" + string(role[:4]), Address: address}, nil
}

// logText is a log that tests read.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// site is the API over a new data directory, behind a real listener.
type site struct {
	t   *testing.T
	api *API
	dir *datadir.Dir
	url string
	log *logText
}

func newSite(t *testing.T) *site {
	t.Helper()
	s, err := settings.Load(settings.Source{Flags: map[string]string{"data": t.TempDir(), "public_url": "https://api.example"}})
	if err != nil {
		t.Fatal(err)
	}
	text := &logText{}
	d, err := datadir.Open(t.Context(), s, time.Now, slog.New(slog.NewJSONHandler(text, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.UseOrigin("https://api.example"); err != nil {
		t.Fatal(err)
	}
	doc, err := openapi.Document("test")
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{Dir: d, Tokens: admins{}, Repeats: idempotency.Table{DB: d.Store.DB}, Document: doc, Page: []byte("<!doctype html>"),
		Address: func(r *http.Request) (netip.Addr, error) {
			p, err := netip.ParseAddrPort(r.RemoteAddr)
			return p.Addr(), err
		}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	return &site{t, a, d, srv.URL, text}
}

// reply is a response.
type reply struct {
	status int
	head   http.Header
	text   string
}

// json reads the body.
func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.text), &v); err != nil {
		t.Fatalf("%d %s: %v", r.status, r.text, err)
	}
	return v
}

// code returns the code of an error.
func (r reply) code() string {
	var v struct {
		Error struct{ Code, Ref string }
	}
	if json.Unmarshal([]byte(r.text), &v) != nil || v.Error.Ref == "" {
		return "no code: " + r.text
	}
	return v.Error.Code
}

// do sends a request with the token of a role, such as "viewer GET /tenants", a body and headers as
// "Name: value". A body is JSON unless a header says otherwise.
func (s *site) do(line, body string, headers ...string) reply {
	s.t.Helper()
	role, rest, _ := strings.Cut(line, " ")
	method, path, _ := strings.Cut(rest, " ")
	req, err := http.NewRequest(method, s.url+Prefix+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if role != "nobody" {
		req.Header.Set("Authorization", "Bearer "+TokenPrefix+role)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
		if value == "-" {
			req.Header.Del(name)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(text)}
}

// must is do, and checks the status.
func (s *site) must(status int, line, body string, headers ...string) reply {
	s.t.Helper()
	r := s.do(line, body, headers...)
	if r.status != status {
		s.t.Fatalf("%s %s: %d %s, want %d", line, body, r.status, r.text, status)
	}
	return r
}
