package search_test

import (
	"encoding/json"
	"strings"
	"testing"

	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/search"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

func TestSearch(t *testing.T) {
	s := consoletest.New(t, search.Add)
	if _, err := operations.AddTenant(t.Context(), s.Dir, operations.TenantChange{ClientID: "acme"}); err != nil {
		t.Fatal(err)
	}
	s.Frame.Instead("explain", func(in json.RawMessage) (any, error) {
		if strings.Contains(string(in), "7QK2-M4TD") {
			return map[string]string{"ref": "7QK2-M4TD"}, nil
		}
		return nil, failure.New(failure.NotFound, "unknown reference")
	})
	const token = "eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJ4In0.c2lnbmF0dXJl"
	s.Frame.Instead("token show", func(in json.RawMessage) (any, error) {
		if strings.Contains(string(in), token) || strings.Contains(string(in), "0b9f2c6c5d7a4f0e") {
			return map[string]string{"id": "00112233"}, nil
		}
		return nil, failure.New(failure.NotFound, "unknown token")
	})
	for q, want := range map[string]string{
		"acme": "/tenants/acme", " 7QK2-M4TD ": "/refusals/7QK2-M4TD", "ABCD-EFGH": "/found?q=ABCD-EFGH", "203.0.113.9": "/addresses?address=203.0.113.9",
		"2001:db8::/64": "/addresses?address=2001%3Adb8%3A%3A%2F64", token: "/tokens/00112233", "0b9f2c6c5d7a4f0e": "/tokens/00112233", "plum cake": "/found?q=plum+cake",
	} {
		if got := s.Post("/search", 303, "q", q); got != want {
			t.Errorf("%s: goes to %s, want %s", q, got, want)
		}
	}
	// What may be a secret never gets into a URL.
	for _, q := range []string{"eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJ5In0.c2lnbmF0dXJl", "stile_adm_0123456789", strings.Repeat("secret", 20), ""} {
		if page := s.Refuse("/search", "q", q); !strings.Contains(page, "field-q-error") {
			t.Errorf("%s: no error", q)
		}
	}
	if page := s.Get("/found?q=ACM", 200); !strings.Contains(page, `href="/tenants/acme"`) {
		t.Error("a word finds no tenant")
	}
	s.Frame.Instead("content show", func(json.RawMessage) (any, error) {
		return map[string]string{"id": "plum-cake", "title": "Plum cake"}, nil
	})
	page := s.Get("/found?q=plum-cake", 200)
	for _, want := range []string{`href="/content/search?q=plum-cake"`, `<a href="/content/items/plum-cake">Plum cake</a>`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
}
