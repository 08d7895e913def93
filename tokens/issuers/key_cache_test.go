package issuers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestS9_Rotation checks that the first token with a new key finds it, three times in a row and
// then once a minute, even if other callers name unknown keys. Until the next fetch, tokens with a
// new key get an error that is not a refusal, and that says when to retry.
func TestS9_Rotation(t *testing.T) {
	i, r, keys := ringWith(t, "a")
	for n, letters := range []string{"ab", "abc", "abcd"} {
		var err error
		i.says("/keys", jwks(letters))
		keys, err = r.Renewed(noon.Add(time.Second), noon.Add(time.Second))
		has(t, keys, err, n+2)
	}
	flood := func(now time.Time) {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { r.Renewed(now, now) })
		}
		wg.Wait()
	}
	for s := 1; s < 61; s++ {
		now := noon.Add(time.Duration(s) * time.Second)
		flood(now)
		if _, err := r.Renewed(now, now); !errors.Is(err, errAsked) || retryAfter(err) != time.Duration(61-s)*time.Second {
			t.Fatalf("after %d s: %v, retry after %s", s, err, retryAfter(err))
		}
		if old, err := r.Renewed(now, noon.Add(-time.Hour)); err != nil || old != keys {
			t.Fatalf("after %d s, of a token that is older than the keys: %v", s, err)
		}
	}
	if n := i.count("/keys"); n != 1+refreshes {
		t.Errorf("asked %d times in a minute", n)
	}
	i.says("/keys", jwks("abcde"))
	flood(noon.Add(61 * time.Second))
	fresh, err := r.Keys(noon.Add(61 * time.Second))
	has(t, fresh, err, 5)
	if n := i.count("/keys"); n != 2+refreshes || fresh.Generation == keys.Generation {
		t.Errorf("asked %d times in two minutes; generation %d, then %d", n, keys.Generation, fresh.Generation)
	}
}

// TestOldTokensLeaveFetches checks that tokens which are older than the keys don't use up the
// fetches for new keys.
func TestOldTokensLeaveFetches(t *testing.T) {
	i, r, _ := ringWith(t, "a")
	for range 10 {
		if _, err := r.Renewed(noon.Add(time.Second), noon.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	i.says("/keys", jwks("ab"))
	keys, err := r.Renewed(noon.Add(2*time.Second), noon.Add(2*time.Second))
	has(t, keys, err, 2)
	if n := i.count("/keys"); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

// TestRefresh checks that Refresh fetches the keys although no fetch is due, and that removed keys
// are forgotten at once. After an error the keys stay.
func TestRefresh(t *testing.T) {
	i := newIDP(t)
	i.says("/keys", jwks("ab"))
	r := ringOf(i)
	keys, err := r.Keys(time.Now())
	has(t, keys, err, 2)
	i.says("/keys", jwks("a"))
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := r.Keys(time.Now())
	has(t, after, err, 1)
	if s := r.Status(); after.Generation == keys.Generation || s.Address != i.URL+"/keys" || len(s.Keys) != 1 || s.Failed != nil || s.FetchedAt.IsZero() {
		t.Errorf("%+v", s)
	}
	i.serve("/keys", http.NotFound)
	if err := r.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Error(err)
	}
	after, err = r.Keys(time.Now())
	has(t, after, err, 1)
	if s := r.Status(); len(s.Keys) != 1 || s.Failed == nil {
		t.Errorf("%+v", s)
	}
}

// TestRefreshDuringFetch checks that Refresh does not rely on a fetch that was started before it.
func TestRefreshDuringFetch(t *testing.T) {
	i := newIDP(t)
	asked, release := make(chan struct{}), make(chan struct{})
	i.serve("/keys", func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		io.WriteString(w, jwks("ab"))
	})
	r := ringOf(i)
	r.attempt(time.Now(), r.isDue)
	<-asked
	i.says("/keys", jwks("a"))
	time.AfterFunc(10*time.Millisecond, func() { close(release) })
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, err := r.Keys(time.Now())
	has(t, keys, err, 1)
}

// TestS9_BadAnswers checks that the last valid keys stay, whatever the issuer sends.
func TestS9_BadAnswers(t *testing.T) {
	var sent atomic.Int64
	many := `{"keys":[` + strings.Repeat(`{"kty":"new"},`, 9_999) + jwks("z")[9:]
	for what, page := range map[string]http.HandlerFunc{
		"{}":               func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") },
		"no keys":          func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"keys":[]}`) },
		"no JSON":          func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		"500":              func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); io.WriteString(w, jwks("z")) },
		"404":              http.NotFound,
		"204":              func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"hangs":            func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"hangs in between": func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); <-r.Context().Done() },
		"ends too soon": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "999")
			io.WriteString(w, "{")
		},
		"10,000 keys": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, many) },
		"a private key": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, strings.Replace(jwks("z"), `"kid"`, `"d":"AA","kid"`, 1))
		},
		"1 GiB": func(w http.ResponseWriter, _ *http.Request) {
			for block := make([]byte, 64<<10); sent.Load() < 1<<30; {
				n, err := w.Write(block)
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			i, r, keys := ringWith(t, "a")
			within := r.client.http.Timeout
			if strings.HasPrefix(what, "hangs") {
				r.client.http.Timeout = time.Second
			}
			i.serve("/keys", page)
			ask(r, noon.Add(2*time.Hour))
			if n := i.count("/keys"); n != 2 {
				t.Fatalf("asked %d times", n)
			}
			if after, err := r.Keys(noon.Add(2 * time.Hour)); err != nil || after != keys {
				t.Errorf("%+v, %v", after, err)
			}
			if _, err := r.Renewed(noon.Add(2*time.Hour), noon.Add(2*time.Hour)); err == nil {
				t.Error("a key that may be new is called unknown")
			}
			settle(r)
			r.client.http.Timeout = within
			i.says("/keys", jwks("ab"))
			ask(r, noon.Add(2*time.Hour+time.Minute))
			keys, err := r.Keys(noon.Add(2 * time.Hour))
			has(t, keys, err, 2)
		})
	}
	t.Cleanup(func() {
		if n := sent.Load(); n == 0 || n > 64<<20 {
			t.Errorf("%d bytes of a body without an end were taken", n)
		}
	})
}

// TestOutage checks that the last valid keys are used for 24 hours, and that service resumes.
func TestOutage(t *testing.T) {
	i, r, keys := ringWith(t, "a")
	i.serve("/keys", http.NotFound)
	for h := range 24 {
		ask(r, noon.Add(time.Duration(h)*time.Hour))
	}
	if n := i.count("/keys"); n < 22 || n > 25 {
		t.Errorf("asked %d times in a day", n)
	}
	after, err := r.Keys(noon.Add(24*time.Hour - 1))
	has(t, after, err, 1)
	if _, err := r.Keys(noon.Add(24 * time.Hour)); err == nil {
		t.Error("after a day they still serve")
	}
	i.says("/keys", jwks("a"))
	ask(r, noon.Add(24*time.Hour+time.Minute))
	if after, err := r.Keys(noon.Add(24*time.Hour + time.Minute)); err != nil || after != keys {
		t.Errorf("when the issuer is back: %+v, %v", after, err)
	}
}

// TestNeverThere checks that a missing key set is a fault, that the pauses between fetches grow to
// a minute if there are no tokens, and that the first call after the outage ends it.
func TestNeverThere(t *testing.T) {
	i := newIDP(t)
	r := ringOf(i)
	for s := range 300 {
		ask(r, noon.Add(time.Duration(s)*time.Second))
	}
	if n := i.count("/keys"); n < 8 || n > 12 {
		t.Errorf("asked %d times in 5 minutes", n)
	}
	now := noon.Add(300 * time.Second)
	for n := range 40 {
		_, err := r.Keys(now.Add(time.Duration(n) * 100 * time.Millisecond))
		if err == nil || retryAfter(err) != time.Second {
			t.Fatalf("%v, retry after %s", err, retryAfter(err))
		}
	}
	if n := i.count("/keys"); n > 16 {
		t.Errorf("asked %d times", n)
	}
	i.says("/keys", jwks("a"))
	keys, err := r.Keys(now.Add(4 * time.Second))
	has(t, keys, err, 1)
}

// TestOutageDuringRotation checks that fetches which fail don't use up those for new keys: the
// first call after the end of an outage finds the new key.
func TestOutageDuringRotation(t *testing.T) {
	i, r, _ := ringWith(t, "a")
	i.serve("/keys", http.NotFound)
	for s := range 30 {
		now := noon.Add(time.Duration(s) * time.Second)
		if _, err := r.Renewed(now, now); err == nil || retryAfter(err) != time.Second {
			t.Fatalf("%v, retry after %s", err, retryAfter(err))
		}
	}
	i.says("/keys", jwks("ab"))
	keys, err := r.Renewed(noon.Add(30*time.Second), noon.Add(30*time.Second))
	has(t, keys, err, 2)
	if n := i.count("/keys"); n > 32 {
		t.Errorf("asked %d times in half a minute", n)
	}
}

// TestWaiters checks that callers wait while the issuer does not respond, up to a bound.
func TestWaiters(t *testing.T) {
	i := newIDP(t)
	release := make(chan struct{})
	i.serve("/keys", func(w http.ResponseWriter, _ *http.Request) { <-release; io.WriteString(w, jwks("a")) })
	r := ringOf(i)
	var served, busy atomic.Int32
	var wg sync.WaitGroup
	for range 3 * maxWaiter {
		wg.Go(func() {
			if _, err := r.Keys(noon); err == nil {
				served.Add(1)
			} else if errors.Is(err, errBusy) {
				if busy.Add(1) == 2*maxWaiter {
					close(release)
				}
			}
		})
	}
	wg.Wait()
	if served.Load() != maxWaiter || busy.Load() != 2*maxWaiter || i.count("/keys") != 1 {
		t.Errorf("%d served, %d refused, asked %d times", served.Load(), busy.Load(), i.count("/keys"))
	}
}

// TestClockSetBack checks that a KeyCache does not wait longer after the clock was set back.
func TestClockSetBack(t *testing.T) {
	i, r, _ := ringWith(t, "a")
	i.says("/keys", jwks("ab"))
	ask(r, noon.Add(-24*time.Hour))
	keys, err := r.Keys(noon.Add(-24 * time.Hour))
	has(t, keys, err, 2)
}

// TestRun checks that Run fetches keys without a caller.
func TestRun(t *testing.T) {
	i := newIDP(t)
	i.says("/keys", jwks("a"))
	r := ringOf(i)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	for end := time.Now().Add(10 * time.Second); r.held.Load() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no keys")
		}
	}
	cancel()
	<-done
	settle(r)
}

// TestProbe checks the URL that Probe returns, and its errors.
func TestProbe(t *testing.T) {
	i := newIDP(t)
	i.says("/.well-known/openid-configuration", `{"issuer":"`+i.URL+`","jwks_uri":"`+i.URL+`/k"}`)
	r := NewKeyCache(Endpoint{Issuer: i.URL}, time.Now, quiet)
	if _, _, err := r.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("%v", err)
	}
	i.says("/k", jwks("ab"))
	if address, keys, err := r.Probe(t.Context()); err != nil || keys.Len() != 2 || address != i.URL+"/k" {
		t.Errorf("%s, %d, %v", address, keys.Len(), err)
	}
}

// TestOddEntries checks that the keys next to an odd entry serve, and that the entry is logged
// once.
func TestOddEntries(t *testing.T) {
	i := newIDP(t)
	var log bytes.Buffer
	r := NewKeyCache(Endpoint{Issuer: i.URL, Keys: i.URL + "/keys"}, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
	i.says("/keys", strings.Replace(jwks("ab"), `"kid":"b"`, `"kid":"b","d":"AA"`, 1))
	for n := range 3 {
		ask(r, noon.Add(time.Duration(2*n)*time.Hour))
		keys, err := r.Keys(noon.Add(time.Duration(2*n) * time.Hour))
		has(t, keys, err, 1)
	}
	if n := strings.Count(log.String(), "has the secret member d"); n != 1 || !strings.Contains(log.String(), "kid b") {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

// TestQueriesAreSecret checks that no error and no status contains the query or the password of the
// URL of keys.
func TestQueriesAreSecret(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address := strings.Replace(server.URL, "http://", "http://u:s3cr3t@", 1) + "/keys?code=s3cr3t"
	for _, what := range []string{"a response", "no connection"} {
		c := NewKeyCache(Endpoint{Issuer: server.URL, Keys: address, AllowPrivate: true}, time.Now, quiet)
		shown, _, err := c.Probe(t.Context())
		if err == nil || strings.Contains(err.Error()+shown, "s3cr3t") || !strings.Contains(err.Error(), "/keys") {
			t.Errorf("%s: %q, %v", what, shown, err)
		}
		server.Close()
	}
}
