package handlers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/challenge"
	"stile.example/stile/content"
	"stile.example/stile/handlers/metrics"
	"stile.example/stile/handlers/oauth"
	"stile.example/stile/handlers/proofs"
	"stile.example/stile/history"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
	"stile.example/stile/tokens/proof/session"
	"stile.example/stile/tokens/signing"
	"stile.example/stile/usage"
)

// start is the time at which the tests start. The clock of a site does not move until a test sets
// it.
var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const publicURL = "https://api.example"

// site is an API with real keys, tenants and tokens, and with stores and content that a test can
// change.
type site struct {
	testing.TB
	*API
	handler   http.Handler
	now       time.Time
	secret    string // of the tenant acme
	key       []byte // of the challenges
	policy    Policy
	tokens    *memory
	corpus    *corpus
	lines     *journal
	addresses *fakeAddresses
	notes     *refusalRecorder
	asked     string // id of the latest challenge
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{TB: t, now: start, tokens: &memory{states: map[tokens.ID]tokens.State{}}, corpus: &corpus{}, lines: &journal{}}
	s.addresses = newFakeAddresses(t, addresses.Policy{Bindings: 60_000, Per: time.Hour, SolveRatio: 0.2, Block: []time.Duration{10 * time.Minute}})
	s.notes = &refusalRecorder{kept: map[string]bool{}}
	s.policy = Policy{
		Token: tokens.Policy{Calls: 100, Records: 1000, BindWithin: 10 * time.Minute,
			SpikeCalls: 100_000, SpikeSuggestions: 100_000, SpikePer: time.Minute,
			Ladder: []tokens.Kind{tokens.Work, tokens.Work, tokens.Picture}, Ignored: 5, PerToken: 6, Expires: 5 * time.Minute,
			RoamAddresses: 8, RoamPer: 24 * time.Hour},
		Lifetime: 24 * time.Hour, Site: SiteIfSent, QueryTokens: QueryTokensYes, JSONP: JSONPYes,
	}
	keys, err := signing.OpenKeys(filepath.Join(t.TempDir(), "keys.json"), start)
	s.must(err)
	verifier, err := bearer.NewVerifier(keys, publicURL, publicURL, 24*time.Hour)
	s.must(err)
	assertions, err := bearer.NewAssertions(time.Time{}, publicURL, publicURL+"/oauth/token")
	s.must(err)
	maker, err := challenge.NewMaker(keys.SecretKey())
	s.must(err)
	sealer, err := session.NewSealer(keys.SecretKey())
	s.must(err)
	s.key = keys.SecretKey()
	directory, err := tenants.Open(context.Background(), &memStore{}, keys.SecretKey())
	s.must(err)
	s.API = &API{
		Log: slog.New(slog.NewJSONHandler(s.lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time { return s.now }, PublicURL: publicURL,
		Verifier: verifier, Signer: &bearer.Signer{Keys: keys, Issuer: publicURL, Audience: publicURL},
		Assertions: assertions, JWKS: keys.JWKS, StatementKeys: func(context.Context) ([]string, error) { return []string{"a+1+b"}, nil }, Gate: &tokens.Gate{Store: s.tokens, Addresses: s.addresses}, Proofs: proof.NewChecker(start.Add(-time.Hour)), Sessions: proofs.Sessions{Sealer: sealer, Origin: publicURL}, Tenants: directory,
		Addresses: s.addresses, Challenges: maker, Refusals: s.notes, ShowAddress: networkOf,
		Meter: &usage.Meter{}, Content: s.corpus, PolicyOf: func(*tenants.Tenant) Policy { return s.policy },
		AdminHosts: []string{"example.com"}, // httptest's
		Ready:      func(context.Context) error { return nil },
		Static:     fstest.MapFS{"demo/media/a.svg": {Data: []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")}},
		History:    history.NewRecorder(noHistory{}, slog.New(slog.DiscardHandler)),
		Metrics:    metrics.New(func() float64 { return float64(len(s.tokens.states)) }),
	}
	s.notes.log = s.API.Log
	s.handler = s.Routes()
	s.secret = s.tenant("acme")
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// tenant adds a tenant, and returns its secret.
func (s *site) tenant(clientID string, sites ...string) string {
	s.Helper()
	_, err := s.Tenants.Add(context.Background(), tenants.Tenant{ClientID: clientID, Name: clientID, Sites: sites, Status: tenants.Active, CreatedAt: start})
	s.must(err)
	secret, err := s.Tenants.RotateSecret(context.Background(), clientID, start, 0)
	s.must(err)
	return secret
}

// change changes the tenant acme.
func (s *site) change(fn func(*tenants.Tenant)) {
	s.Helper()
	_, err := s.Tenants.Update(context.Background(), "acme", func(t *tenants.Tenant) error { fn(t); return nil })
	s.must(err)
}

// mint returns a token of acme, with the changes of a test.
func (s *site) mint(change ...func(*bearer.Claims)) string {
	s.Helper()
	c := bearer.Claims{Subject: "visitor", Client: "acme", Scope: oauth.Scope, IssuedAt: s.now, Expires: s.now.Add(24 * time.Hour)}
	for _, fn := range change {
		fn(&c)
	}
	token, err := s.Signer.Sign(c, s.now)
	s.must(err)
	return token
}

// ask is a request, by default from 192.0.2.1.
type ask struct {
	method, path, body, from string
	header                   http.Header
}

func (s *site) do(a ask) *httptest.ResponseRecorder {
	s.Helper()
	if a.method == "" {
		a.method = "GET"
	}
	req := httptest.NewRequest(a.method, "/", strings.NewReader(a.body))
	u, err := url.ParseRequestURI(a.path)
	s.must(err)
	req.URL, req.RequestURI = u, a.path
	for name, values := range a.header {
		req.Header[name] = values
	}
	if a.method == "POST" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.RemoteAddr = "192.0.2.1:40000"
	if a.from != "" {
		req.RemoteAddr = a.from + ":40000"
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	return rec
}

// get makes a call of acme with a token, as JSON.
func (s *site) get(path, token string) *httptest.ResponseRecorder {
	s.Helper()
	return s.do(ask{path: with(path, "client_id", "acme", "access_token", token)})
}

// with adds parameters to a path.
func with(path string, pairs ...string) string {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return path + sep + query(pairs...)
}

func query(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(pairs[i]) + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String()
}

var refs = regexp.MustCompile(`"ref":"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}"`)

// The other random parts of a challenge.
var (
	sealedIDs = regexp.MustCompile(`("id":"|/challenges/)[A-Za-z0-9_-]{76}`)
	hexes     = regexp.MustCompile(`"(keyPrefix|nonce|salt)":"[0-9a-f]{32}"`)
)

// fixed returns a body with its random parts replaced by constants.
func fixed(body string) string {
	body = refs.ReplaceAllString(body, `"ref":"REF"`)
	body = sealedIDs.ReplaceAllString(body, "${1}ID")
	return hexes.ReplaceAllString(body, `"$1":"HEX"`)
}

// memory is a tokens.Store. It returns fault unless that is nil.
type memory struct {
	mu     sync.Mutex
	states map[tokens.ID]tokens.State
	fault  error
	bomb   any // Update panics with it, unless it is nil
	writes int
}

func (m *memory) Update(ctx context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bomb != nil {
		panic(m.bomb)
	}
	if m.fault != nil {
		return m.fault
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	old := m.states[id]
	if next := fn(old); next != old {
		m.states[id] = next
		m.writes++
	}
	return nil
}

func (m *memory) Peek(id tokens.ID) (tokens.State, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, known := m.states[id]
	return s, known && m.fault == nil
}

// memStore is a tenants.Store.
type memStore struct {
	list []tenants.Tenant
	last uint32
}

func (s *memStore) Tenants(context.Context) ([]tenants.Tenant, error) { return s.list, nil }

func (s *memStore) AddTenant(_ context.Context, t tenants.Tenant) (tenants.Tenant, error) {
	s.last++
	t.Number = s.last
	s.list = append(s.list, t)
	return t, nil
}

func (s *memStore) UpdateTenant(_ context.Context, id string, fn func(*tenants.Tenant) error) (tenants.Tenant, error) {
	for i := range s.list {
		if s.list[i].ClientID == id {
			err := fn(&s.list[i])
			return s.list[i], err
		}
	}
	return tenants.Tenant{}, tenants.ErrNotFound
}

func (s *memStore) RemoveTenant(_ context.Context, id string) error {
	for i := range s.list {
		if s.list[i].ClientID == id {
			s.list = append(s.list[:i:i], s.list[i+1:]...)
			return nil
		}
	}
	return tenants.ErrNotFound
}

// corpus contains "one" and a few other items, and records queries. It returns fault or panics with
// bomb, unless they are nil.
type corpus struct {
	mu    sync.Mutex
	asked content.Query // tests read it when nothing runs
	reads atomic.Int32
	fault error
	bomb  any
	many  int    // items that a search finds, instead of two
	item  []byte // the item, instead of oneItem

	during func() // runs in each read; nil: nothing does
}

const oneItem = `{"id":"one","title":"One"}`

func (c *corpus) read() error {
	c.reads.Add(1)
	if c.during != nil {
		c.during()
	}
	if c.bomb != nil {
		panic(c.bomb)
	}
	return c.fault
}

func (c *corpus) Search(_ context.Context, q content.Query) (content.Page, error) {
	c.mu.Lock()
	c.asked = q
	c.mu.Unlock()
	if err := c.read(); err != nil {
		return content.Page{}, err
	}
	if q.Cursor == "bad" {
		return content.Page{}, content.ErrQuery{Field: "cursor", Problem: "is not one of this query's"}
	}
	p := content.Page{Total: 0}
	if len(q.Words) == 0 || q.Words[0] == "one" {
		p = content.Page{Items: [][]byte{[]byte(oneItem), []byte(`{"id":"two","title":"Two"}`)}, Total: 7, Next: "n<xt"}
	}
	for len(p.Items) < c.many {
		p.Items = append(p.Items, []byte(oneItem))
	}
	if len(q.Facets) > 0 {
		p.Facets = map[string][]content.FacetValue{"tag": {{Value: "</script>", Count: 3}}}
	}
	return p, nil
}

func (c *corpus) Labels(_ context.Context, tenant uint32, language string) ([]byte, error) {
	if language == "xx" {
		return nil, nil
	}
	return fmt.Appendf(nil, `{"facets":{"of":"%d %s"}}`, tenant, language), nil
}

func (c *corpus) Item(_ context.Context, _ uint32, id string) ([]byte, error) {
	if err := c.read(); err != nil {
		return nil, err
	}
	if id != "one" {
		return nil, fmt.Errorf("read item: %w", content.ErrNotFound)
	}
	if c.item != nil {
		return c.item, nil
	}
	return []byte(oneItem), nil
}

func (c *corpus) Related(_ context.Context, _ uint32, id string, limit int) ([][]byte, error) {
	if err := c.read(); err != nil {
		return nil, err
	}
	if id != "one" {
		return nil, content.ErrNotFound
	}
	return [][]byte{[]byte(`{"id":"two"}`), []byte(`{"id":"three"}`), []byte(`{"id":"four"}`)}[:min(limit, 3)], nil
}

func (c *corpus) Suggest(_ context.Context, _ uint32, q string) ([]content.Suggestion, error) {
	if err := c.read(); err != nil || q == "" {
		return nil, err
	}
	return []content.Suggestion{{Text: "<One>\u2028", ID: "one", Collection: "numbers"}}, nil
}

func (c *corpus) Collections(context.Context, uint32) ([]content.CollectionCount, error) {
	if err := c.read(); err != nil {
		return nil, err
	}
	return []content.CollectionCount{{Collection: "numbers", Items: 2}}, nil
}

// journal is a log that can be read while it is written to.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

var errDisk = errors.New("disk full")
