package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"testing"
	"time"

	"stile.example/stile/refusals"
)

// refusalStore is a refusals.Store that counts rows.
type refusalStore struct{ rows int }

func (d *refusalStore) AddRefusals(_ context.Context, some []refusals.Refusal, _ int) error {
	d.rows += len(some)
	return nil
}

func (d *refusalStore) Refusal(context.Context, string) (refusals.Refusal, error) {
	return refusals.Refusal{}, refusals.ErrNotFound
}

func (d *refusalStore) FirstRefusal(context.Context, string, string) (refusals.Refusal, error) {
	return refusals.Refusal{}, refusals.ErrNotFound
}

func (d *refusalStore) Refusals(context.Context, refusals.Query) ([]refusals.Refusal, error) {
	return nil, nil
}
func (d *refusalStore) PruneRefusals(context.Context, time.Time, int) error { return nil }

// TestS58EveryCodeIsMerged checks that whatever is refused, fails or is only observed 100 times
// from one address in one minute is two lines of the log that count 100.
func TestS58EveryCodeIsMerged(t *testing.T) {
	secret := func(s *site) ask {
		return ask{method: "POST", path: "/oauth/token", body: granting, header: basic("acme", "x")}
	}
	for name, arrange := range map[string]func(*site) ask{
		"token_missing":      func(*site) ask { return ask{path: "/v1/items?client_id=acme"} },
		"token_invalid":      func(*site) ask { return ask{path: "/v1/items?client_id=acme&access_token=x"} },
		"bad_request":        func(*site) ask { return ask{path: "/v1/items?a=%25&a=%zz"} },
		"bad_callback":       func(*site) ask { return ask{path: "/v1/items?callback=a-b"} },
		"not_found":          func(*site) ask { return ask{path: "/nowhere"} },
		"method_not_allowed": func(*site) ask { return ask{method: "PUT", path: "/v1/items"} },
		"address_blocked":    func(s *site) ask { s.block("192.0.2.0/24", time.Time{}); return ask{path: "/v1/items"} },
		"invalid_client":     secret,
		"invalid_request":    func(*site) ask { return ask{method: "POST", path: "/oauth/revoke?x"} },
		"internal": func(s *site) ask {
			s.corpus.bomb = "boom"
			return ask{path: with("/v1/items", "client_id", "acme", "access_token", s.mint())}
		},
		"overloaded": func(s *site) ask {
			s.corpus.fault = errDisk
			return ask{path: with("/v1/items", "client_id", "acme", "access_token", s.mint())}
		},
		"observed": func(s *site) ask {
			s.policy.ObserveClient = true
			onSite(s)
			return ask{path: with("/v1/items", "client_id", "acme", "access_token", s.mint()), header: http.Header{"Origin": {"https://evil.example"}}}
		},
		"issued": func(s *site) ask {
			a := secret(s)
			a.header = basic("acme", s.secret)
			return a
		},
		"not ready": func(s *site) ask {
			s.Ready = func(context.Context) error { return errDisk }
			s.handler = s.Routes()
			return ask{path: "/readyz"}
		},
	} {
		s, rows := newSite(t), &refusalStore{}
		s.API.Log = slog.New(slog.NewJSONHandler(s.lines, nil))
		recorder := refusals.NewRecorder(rows, s.API.Log)
		s.Refusals = recorder
		s.handler = s.Routes()
		a := arrange(s)
		for range 100 {
			s.do(a)
		}
		recorder.Flush(t.Context(), s.now.Add(time.Minute))
		lines, sum, limited := 0, 0, strings.Count(s.lines.String(), "client credentials limited")
		for text := range strings.Lines(s.lines.String()) {
			var l struct{ Count int }
			s.must(json.Unmarshal([]byte(text), &l))
			lines, sum = lines+1, sum+max(l.Count, 1)
		}
		if lines -= limited; lines != 2 || sum-limited != 100 || rows.rows > 1 {
			t.Errorf("%s: %d lines for %d, %d rows\n%s", name, lines, sum, rows.rows, s.lines)
		}
	}
}

// TestIssuedTokensAreLogged checks that issued tokens are logged with the tenant, the first one's
// jti and their number.
func TestIssuedTokensAreLogged(t *testing.T) {
	s := newSite(t)
	rec := s.do(ask{method: "POST", path: "/oauth/token", body: granting + "&count=7", header: basic("acme", s.secret)})
	if rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	_, line, _ := strings.Cut(s.lines.String(), `"msg":"issued"`)
	_, token, _ := strings.Cut(rec.Body.String(), `"access_token":"`)
	token, _, _ = strings.Cut(token, `"`)
	claims, err := s.Verifier.Verify(token, s.now)
	s.must(err)
	if !strings.Contains(line, `"tenant":"acme"`) || !strings.Contains(line, `"jti":"`+claims.JTI+`","count":7`) {
		t.Errorf("the log: %s", s.lines)
	}
}

// TestS58BlockedConnectionsAreClosed checks that the connection of a blocked address is closed
// after the response, unless it is a trusted proxy's.
func TestS58BlockedConnectionsAreClosed(t *testing.T) {
	s := newSite(t)
	s.block("203.0.113.0/24", time.Time{})
	for _, c := range []struct {
		path, from, forwarded string
		closed                bool
	}{
		{"/v1/items", "203.0.113.9", "", true},
		{"/v1/items?callback=cb", "203.0.113.9", "", true},
		{"/v1/challenges/x/picture.png", "203.0.113.9", "", true},
		{"/v1/items", "192.0.2.1", "", false},
		{"/v1/items", "198.51.100.1", "203.0.113.9", false},
	} {
		s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}
		header := http.Header{}
		if c.forwarded != "" {
			header["X-Forwarded-For"] = []string{c.forwarded}
		}
		rec := s.do(ask{path: c.path, from: c.from, header: header})
		blocked := strings.Contains(rec.Body.String(), "address_blocked")
		if closed := rec.Header().Get("Connection") == "close"; closed != c.closed || blocked == (c.from == "192.0.2.1") {
			t.Errorf("%+v: closed %v, %s", c, closed, rec.Body)
		}
	}
}

// TestS58BlockedHTTP2IsClosed checks that an HTTP/2 connection of a blocked address ends too.
func TestS58BlockedHTTP2IsClosed(t *testing.T) {
	s := newSite(t)
	server := httptest.NewUnstartedServer(s.handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	reused := func() (again bool) {
		trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { again = c.Reused }}
		req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", server.URL+"/v1/items", nil)
		s.must(err)
		res, err := server.Client().Do(req)
		s.must(err)
		_, err = io.Copy(io.Discard, res.Body)
		s.must(err)
		s.must(res.Body.Close())
		if res.ProtoMajor != 2 {
			t.Fatalf("%s", res.Proto)
		}
		return again
	}
	if reused(); !reused() {
		t.Error("the connection is closed without a block")
	}
	s.block("127.0.0.1/32", time.Time{})
	for range 100 { // the next request may be sent before the client has read that the connection ends
		if !reused() {
			return
		}
	}
	t.Error("the connection of a blocked address stays open")
}

// TestSlowSearchesAreWarnings checks that a search that does not end in time, or that a visitor
// left, is a warning in the log, and that content that can't be read is an error.
func TestSlowSearchesAreWarnings(t *testing.T) {
	for fault, level := range map[error]string{
		fmt.Errorf("search: %w", context.DeadlineExceeded): "WARN", fmt.Errorf("wait: %w", context.Canceled): "WARN", errDisk: "ERROR",
	} {
		s := newSite(t)
		s.corpus.fault = fault
		if rec := s.get("/v1/items", s.mint()); rec.Code != 503 {
			t.Errorf("%v: %d %s", fault, rec.Code, rec.Body)
		}
		if !strings.Contains(s.lines.String(), `"level":"`+level+`","msg":"refused"`) {
			t.Errorf("%v: %s", fault, s.lines)
		}
	}
}
