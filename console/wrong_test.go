package console_test

import (
	"io"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/console/consoletest"
)

// wrong are values that people type, paste or forget.
var wrong = []string{"", " ", "x", "0", "-1", "1e400", "99999999999999999999", "acme", "ada", "192.0.2.0/24", "::/0", "2026-13-45", "https://", "http://[", "7d", "\x00", "\xff", "é\u202e", strings.Repeat("a", 5000), "'\"<b>", "policy.nothing", "{"}

// TestWrongInput sends each form with wrong values, and requests each page with wrong parameters: a
// caller's mistake must never be shown as an internal error.
func TestWrongInput(t *testing.T) {
	s, _ := open(t)
	s.Post("/add/tenant", 200, "client_id", "acme", "sites", "https://www.acme.example")
	secret := s.Post("/webhooks/add", 200, "url", "https://ops.example/stile")
	hook := regexp.MustCompile(`/webhooks/([A-Za-z0-9_-]+)"`).FindStringSubmatch(secret)[1]
	fill := func(path string) string {
		id := "1"
		if strings.HasPrefix(path, "/webhooks/") {
			id = hook
		}
		return strings.NewReplacer("{client_id}", "acme", "{id}", id, "{name}", "ada").Replace(path)
	}
	names := regexp.MustCompile(` name="([^"]+)"`)
	for _, f := range s.Frame.Forms() {
		path := inPath.ReplaceAllLiteralString(fill(f.Path), "none")
		if f.Upload || strings.HasSuffix(path, "/remove") || path == "/account/password" {
			continue
		}
		body, err := io.ReadAll(s.Do(httptest.NewRequest("GET", path, nil)).Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range wrong {
			v := url.Values{}
			for _, m := range names.FindAllStringSubmatch(string(body), -1) {
				v.Set(m[1], value)
			}
			v.Set("csrf", consoletest.CSRF)
			r := httptest.NewRequest("POST", path, strings.NewReader(v.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if resp := s.Do(r); resp.StatusCode >= 500 {
				t.Errorf("POST %s with %.20q: status %d", path, value, resp.StatusCode)
			}
		}
	}
	parameters := []string{"after", "q", "tenant", "code", "ref", "period", "from", "to", "kind", "status", "jti", "id", "actor", "operation", "address", "since", "until", "month", "currency", "days", "index", "item", "name"}
	for _, p := range s.Frame.Pages() {
		path := inPath.ReplaceAllLiteralString(fill(p.Path), "none")
		for i, name := range parameters {
			value := wrong[i%len(wrong)]
			if resp := s.Do(httptest.NewRequest("GET", path+"?"+url.Values{name: {value}}.Encode(), nil)); resp.StatusCode >= 500 {
				t.Errorf("GET %s?%s=%.20q: status %d", path, name, value, resp.StatusCode)
			}
		}
	}
}
