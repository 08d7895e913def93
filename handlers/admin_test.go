package handlers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestHealth(t *testing.T) {
	s := newSite(t)
	admin := s.Admin()
	ask1 := func(path string) (string, string) {
		rec := httptest.NewRecorder()
		admin.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		public := s.do(ask{path: path})
		if rec.Code != public.Code || rec.Body.String() != public.Body.String() {
			t.Errorf("%s: the listeners differ: %s %s", path, rec.Body, public.Body)
		}
		return rec.Result().Status[:3], strings.TrimSpace(rec.Body.String())
	}
	check := func(path, status, body string) {
		t.Helper()
		if s, b := ask1(path); s != status || b != body {
			t.Errorf("%s: %s %s, want %s %s", path, s, b, status, body)
		}
	}
	check("/healthz", "200", `{"status":"ok"}`)
	check("/readyz", "200", `{"status":"ready"}`)
	s.Ready = func(context.Context) error {
		return errors.Join(errors.New("store: open /secret/path: no such file"), errors.New("keys: none"))
	}
	check("/readyz", "503", `{"status":"not ready","missing":["store","keys"]}`)
	check("/healthz", "200", `{"status":"ok"}`)
	if !strings.Contains(s.lines.String(), "/secret/path") {
		t.Error("the log doesn't say why")
	}
}

// TestS77Readiness checks that those who ask at the same time whether the server can serve share
// one check, and that one that panics is an answer.
func TestS77Readiness(t *testing.T) {
	s := newSite(t)
	synctest.Test(t, func(t *testing.T) {
		var checks, answers atomic.Int64
		release := make(chan struct{})
		s.Ready = func(context.Context) error {
			checks.Add(1)
			<-release
			return nil
		}
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if s.do(ask{path: "/readyz"}).Code == http.StatusOK {
					answers.Add(1)
				}
			})
		}
		synctest.Wait() // for all to have asked
		close(release)
		all.Wait()
		if checks.Load() != 1 || answers.Load() != 200 {
			t.Errorf("%d checks for 200 requests, %d answers", checks.Load(), answers.Load())
		}
	})
	s.Ready = func(context.Context) error { return nil }
	halfClosed, cancel := context.WithCancel(t.Context())
	cancel() // by net/http, when the client closes its sending side
	for range 100 {
		rec := httptest.NewRecorder()
		if s.handler.ServeHTTP(rec, httptest.NewRequest("GET", "/readyz", nil).WithContext(halfClosed)); rec.Code != http.StatusOK {
			t.Fatalf("a client that has closed its sending side: %d %s", rec.Code, rec.Body)
		}
	}
	s.Ready = func(context.Context) error { panic("x") }
	if rec := s.do(ask{path: "/readyz"}); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestMetrics checks that the metrics of the contract exist, and that clients choose no label.
func TestMetrics(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	s.get("/v1/items", token)
	s.get("/v1/items/canary-item", token)
	s.do(ask{path: "/v1/items?client_id=canary-client&access_token=canary-token"})
	s.do(ask{path: "/canary-path"})
	rec := httptest.NewRecorder()
	s.Admin().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	text := rec.Body.String()
	for _, line := range []string{
		`stile_calls_total{route="items",tenant="acme"} 1`, `stile_calls_total{route="item",tenant="acme"} 1`,
		`stile_refusals_total{code="not_found",tenant="acme"} 1`, `stile_refusals_total{code="not_found",tenant=""} 1`,
		`stile_refusals_total{code="token_invalid",tenant=""} 1`, `stile_bindings_total{mode="address"} 1`,
		`stile_call_duration_seconds_count 2`, `stile_store_duration_seconds_count{op="step"} 2`, `stile_store_duration_seconds_count{op="search"} 1`,
		`stile_tokens_live 1`, "go_goroutines ",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(text, "canary") {
		t.Error("a label of the client's")
	}
	if rec := s.do(ask{path: "/metrics"}); rec.Code != 404 {
		t.Errorf("the public listener has metrics: %d", rec.Code)
	}
}

// TestConsole checks that the console gets what the admin listener does not serve itself, with the
// headers of every response, and only for the listener's own names.
func TestConsole(t *testing.T) {
	s := newSite(t)
	s.Console = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "console "+r.Method+" "+r.URL.Path)
	})
	admin := s.Admin()
	get := func(method, host, path string) (int, string) {
		r := httptest.NewRequest(method, path, nil)
		r.Host = host
		rec := httptest.NewRecorder()
		admin.ServeHTTP(rec, r)
		if rec.Header().Get("X-Content-Type-Options") != "nosniff" || rec.Header().Get("Allow") != "" {
			t.Errorf("%s %s: headers %v", method, path, rec.Header())
		}
		return rec.Code, rec.Body.String()
	}
	for _, path := range []string{"/", "/tenants/a%2Fb", "/api/v1/tenants", "/debug/pprof/"} {
		for _, method := range []string{"GET", "POST", "PATCH", "DELETE", "FOO"} {
			if status, body := get(method, "localhost", path); status != 200 || !strings.HasPrefix(body, "console "+method+" /") {
				t.Errorf("%s %s: %d %s", method, path, status, body)
			}
		}
		if status, body := get("GET", "evil.example", path); status != 421 || strings.Contains(body, "console") {
			t.Errorf("another name: %d %s", status, body)
		}
	}
	for path, want := range map[string]string{"/healthz": `"ok"`, "/metrics": "go_goroutines"} {
		if _, body := get("GET", "localhost", path); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	if rec := s.do(ask{path: "/tenants"}); strings.Contains(rec.Body.String(), "console") {
		t.Error("the public listener has the console")
	}
}
