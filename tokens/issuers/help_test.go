package issuers

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/tokens/bearer"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// idp is an issuer on this machine. A test can change what it serves.
type idp struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]http.HandlerFunc
	asked map[string]int
}

func newIDP(t testing.TB) *idp {
	i := &idp{pages: map[string]http.HandlerFunc{}, asked: map[string]int{}}
	i.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.asked[r.URL.Path]++
		page := i.pages[r.URL.Path]
		i.mu.Unlock()
		if page == nil {
			page = http.NotFound
		}
		page(w, r)
	}))
	i.Config.ErrorLog = slog.NewLogLogger(quiet.Handler(), slog.LevelDebug)
	i.Start()
	t.Cleanup(i.Close)
	return i
}

func (i *idp) serve(path string, page http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.pages[path] = page
}

func (i *idp) says(path, text string) {
	i.serve(path, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
}

func (i *idp) count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// jwks returns a set with a key for each letter.
func jwks(letters string) string {
	var keys []string
	for _, l := range letters {
		public := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(l), 32))).Public().(ed25519.PublicKey)
		keys = append(keys, fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"%c","x":%q}`, l, base64.RawURLEncoding.EncodeToString(public)))
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

// ringOf returns a KeyCache of the keys at /keys.
func ringOf(i *idp) *KeyCache {
	return NewKeyCache(Endpoint{Issuer: i.URL, Keys: i.URL + "/keys"}, time.Now, quiet)
}

// ringWith returns an issuer with a key for each letter, and a KeyCache that has fetched them at
// noon.
func ringWith(t testing.TB, letters string) (*idp, *KeyCache, *bearer.IssuerKeys) {
	t.Helper()
	i := newIDP(t)
	i.says("/keys", jwks(letters))
	r := ringOf(i)
	keys, err := r.Keys(noon)
	has(t, keys, err, len(letters))
	return i, r, keys
}

// settle waits until no fetch is running.
func settle(r *KeyCache) {
	for {
		r.mu.Lock()
		a := r.running
		r.mu.Unlock()
		if a == nil {
			return
		}
		<-a.done
	}
}

// ask fetches the keys at that time, if it is due, and waits.
func ask(r *KeyCache, now time.Time) {
	r.attempt(now, r.isDue)
	settle(r)
}

// retryAfter returns when an error says that a request may be repeated, rounded up to a second.
func retryAfter(err error) time.Duration {
	var l later
	if !errors.As(err, &l) {
		return 0
	}
	return (l.RetryAfter() + time.Second - 1).Truncate(time.Second)
}

func has(t testing.TB, keys *bearer.IssuerKeys, err error, n int) {
	t.Helper()
	if err != nil || keys.Len() != n {
		t.Fatalf("%d keys wanted: %+v, %v", n, keys, err)
	}
}
