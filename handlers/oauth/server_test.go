package oauth

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/accesslog"
	"stile.example/stile/refusals"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/signing"
)

// start is the time of the tests: the clock does not move.
var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	publicURL = "https://api.example"
	granting  = "grant_type=client_credentials"
)

// testServer is a token endpoint with real keys and the tenant acme.
type testServer struct {
	testing.TB
	*Server
	echo   *echo.Echo
	secret string // of acme
	lines  *lines
}

func newServer(t testing.TB) *testServer {
	t.Helper()
	s := &testServer{TB: t, echo: echo.New(), lines: &lines{}}
	keys, err := signing.OpenKeys(filepath.Join(t.TempDir(), "keys.json"), start)
	s.must(err)
	assertions, err := bearer.NewAssertions(time.Time{}, publicURL, publicURL+"/oauth/token")
	s.must(err)
	directory, err := tenants.Open(context.Background(), &memStore{}, keys.SecretKey())
	s.must(err)
	now := func() time.Time { return start }
	s.Server = &Server{
		Log: accesslog.Log{Answers: slog.New(slog.DiscardHandler), Now: now, Merged: s.lines, ShowAddress: netip.Addr.String},
		Now: now, Timeout: time.Minute, PublicURL: publicURL,
		Signer: &bearer.Signer{Keys: keys, Issuer: publicURL, Audience: publicURL}, Assertions: assertions,
		Tenants: directory, PolicyOf: func(*tenants.Tenant) Policy { return Policy{Lifetime: time.Hour} },
	}
	s.echo.POST("/oauth/token", s.Token)
	_, err = directory.Add(context.Background(), tenants.Tenant{ClientID: "acme", Name: "acme", Status: tenants.Active, CreatedAt: start})
	s.must(err)
	s.secret, err = directory.RotateSecret(context.Background(), "acme", start, 0)
	s.must(err)
	return s
}

func (s *testServer) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// post requests a token from an address.
func (s *testServer) post(body, from string, header http.Header) *httptest.ResponseRecorder {
	req := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(body))
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.RemoteAddr = from + ":40000"
	rec := httptest.NewRecorder()
	s.echo.ServeHTTP(rec, req)
	return rec
}

// basic returns the header of HTTP Basic as RFC 6749 defines it.
func basic(id, secret string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))}}
}

// assertion returns a client assertion of acme, signed by key.
func assertion(key ed25519.PrivateKey, jti string) string {
	enc := base64.RawURLEncoding.EncodeToString
	signed := enc([]byte(`{"alg":"EdDSA"}`)) + "." + enc(fmt.Appendf(nil, `{"iss":"acme","sub":"acme","aud":"%s/oauth/token","jti":"%s","exp":%d}`,
		publicURL, jti, start.Add(time.Minute).Unix()))
	return signed + "." + enc(ed25519.Sign(key, []byte(signed)))
}

// lines is a log that can be read while it is written to.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Log(_ time.Time, line refusals.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	attrs := append([]slog.Attr{slog.String("code", line.Code), slog.String("tenant", line.Tenant), slog.String("address", line.Address)}, line.Attrs...)
	slog.New(slog.NewJSONHandler(&l.b, nil)).LogAttrs(context.Background(), line.Level, line.Message, attrs...)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// memStore is a tenants.Store with one tenant.
type memStore struct{ acme tenants.Tenant }

func (m *memStore) Tenants(context.Context) ([]tenants.Tenant, error) { return nil, nil }

func (m *memStore) AddTenant(_ context.Context, t tenants.Tenant) (tenants.Tenant, error) {
	t.Number = 1
	m.acme = t
	return t, nil
}

func (m *memStore) UpdateTenant(_ context.Context, _ string, fn func(*tenants.Tenant) error) (tenants.Tenant, error) {
	err := fn(&m.acme)
	return m.acme, err
}

func (m *memStore) RemoveTenant(context.Context, string) error { return tenants.ErrNotFound }
