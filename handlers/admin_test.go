package handlers

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
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
