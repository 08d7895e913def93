// Package apitest tests the admin API: it serves it over a new data directory, and sends requests.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/console/api"
	"stile.example/stile/console/openapi"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	"stile.example/stile/settings"
	"stile.example/stile/store/tables/repeats"
)

// admins finds the admin of a token by its end: stile_adm_ROLE.
type admins struct{}

func (admins) Authenticate(_ context.Context, token, address string) (operations.Actor, error) {
	role := operations.Role(strings.TrimPrefix(token, api.TokenPrefix))
	if !role.Includes(operations.Viewer) {
		return operations.Actor{}, failure.New(failure.NotFound, "unknown token")
	}
	return operations.Actor{Name: "a-" + string(role), Role: role, Credential: "token …" + string(role[:4]), Address: address}, nil
}

func addressOf(r *http.Request) (netip.Addr, error) {
	p, err := netip.ParseAddrPort(r.RemoteAddr)
	return p.Addr(), err
}

// Context returns the context of the test.
func (s *Site) Context() context.Context { return s.t.Context() }

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

// Site is the API over a new data directory, behind a real listener.
type Site struct {
	API *api.API
	Dir *datadir.Dir
	URL string // without a path
	Log fmt.Stringer
	t   *testing.T
}

// New serves the API over a new data directory.
func New(t *testing.T) *Site { return NewAt(t, time.Now) }

// NewAt is New with a clock.
func NewAt(t *testing.T, now func() time.Time) *Site {
	t.Helper()
	set, err := settings.Load(settings.Source{Flags: map[string]string{"data": t.TempDir(), "public_url": "https://api.example"}})
	if err != nil {
		t.Fatal(err)
	}
	text := &logText{}
	d, err := datadir.Open(t.Context(), set, now, slog.New(slog.NewJSONHandler(text, nil)))
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
	s := &Site{Dir: d, Log: text, t: t}
	a, err := api.New(api.Options{Dir: d, Tokens: admins{}, Repeats: repeats.Table{DB: d.Store.DB}, Document: doc, Page: []byte("<!doctype html>"),
		Address: addressOf})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	s.API, s.URL = a, srv.URL
	return s
}

// Reply is a response.
type Reply struct {
	Status int
	Head   http.Header
	Text   string
}

// JSON reads the body.
func (r Reply) JSON(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.Text), &v); err != nil {
		t.Fatalf("%d %s: %v", r.Status, r.Text, err)
	}
	return v
}

// Code returns the code of an error.
func (r Reply) Code() string {
	var v struct {
		Error struct{ Code, Ref string }
	}
	if json.Unmarshal([]byte(r.Text), &v) != nil || v.Error.Ref == "" {
		return "no code: " + r.Text
	}
	return v.Error.Code
}

// Do sends a request with the token of a role, such as "viewer GET /tenants", a body and headers as
// "Name: value". A body is JSON unless a header says otherwise.
func (s *Site) Do(line, body string, headers ...string) Reply {
	s.t.Helper()
	role, rest, _ := strings.Cut(line, " ")
	method, path, _ := strings.Cut(rest, " ")
	req, err := http.NewRequest(method, s.URL+api.Prefix+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if role != "nobody" {
		req.Header.Set("Authorization", "Bearer "+api.TokenPrefix+role)
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
	return Reply{res.StatusCode, res.Header, string(text)}
}

// Must is Do, and checks the status.
func (s *Site) Must(status int, line, body string, headers ...string) Reply {
	s.t.Helper()
	r := s.Do(line, body, headers...)
	if r.Status != status {
		s.t.Fatalf("%s %s: %d %s, want %d\n%.2000s", line, body, r.Status, r.Text, status, s.Log)
	}
	return r
}
