package console_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/console"
	"stile.example/stile/console/consoletest"
	"stile.example/stile/operations"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// open returns a console of all sections, and its handler.
func open(t *testing.T) (*consoletest.Site, http.Handler) {
	t.Helper()
	s := consoletest.New(t)
	h, err := console.New(console.Options{Frame: s.Frame, SignIn: s, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s, h
}

var inPath = regexp.MustCompile(`\{[a-z_]+\}`)

// TestPages shows every page and form of every section, and checks what every page must have. It
// does so with no data, sample data, hostile names, and a thousand tenants.
func TestPages(t *testing.T) {
	for name, names := range map[string][]string{"empty": nil, "sample": {"acme", "other"}, "hostile": consoletest.Hostile, "many": nil} {
		t.Run(name, func(t *testing.T) {
			s, _ := open(t)
			value := "none"
			if name == "many" {
				value = addTenants(t, s, 1000)
			}
			if names != nil {
				consoletest.Fill(s.Frame, time.Now(), names...)
				value = names[0]
			}
			for _, path := range paths(s) {
				path = inPath.ReplaceAllLiteralString(path, url.PathEscape(value))
				resp := s.Do(httptest.NewRequest("GET", path, nil))
				page, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode >= 500 || resp.StatusCode != 200 && !strings.Contains(path, "/"+url.PathEscape(value)) {
					t.Errorf("%s: status %d (%v)\n%s", path, resp.StatusCode, err, page)
				}
				for _, fault := range consoletest.Check(resp.Header, string(page)) {
					t.Errorf("%s: %s", path, fault)
				}
			}
		})
	}
}

// addTenants adds tenants that have used something, and returns the client_id of one.
func addTenants(t *testing.T, s *consoletest.Site, n int) (name string) {
	t.Helper()
	for i := range n {
		name = fmt.Sprintf("tenant-%04d", i)
		added, err := s.Dir.Tenants.Add(t.Context(), tenants.Tenant{ClientID: name, Name: "A tenant of many", Sites: []string{"https://www." + name + ".example"}, CallsPerMonth: 100_000, CreatedAt: s.Dir.Now()})
		if err == nil {
			err = s.Dir.Store.Update(t.Context(), tokens.NewID("test", name), func(state tokens.State) tokens.State {
				state.Tenant, state.Day, state.Expires = added.Number, int32(s.Dir.Now().Unix()/86400), s.Dir.Now().Unix()+86400
				state.Used[0][tokens.Items] = tokens.Count{Calls: 25, Records: 75}
				return state
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return name
}

// paths returns the paths of all pages and forms.
func paths(s *consoletest.Site) (all []string) {
	for _, p := range s.Frame.Pages() {
		all = append(all, p.Path)
	}
	for _, f := range s.Frame.Forms() {
		all = append(all, f.Path)
	}
	return all
}

// TestRoles checks that no page is shown to somebody without a role, that a viewer may use no form
// of operators, and that each form needs the token of the session.
func TestRoles(t *testing.T) {
	s, h := open(t)
	do := func(method, path, body string) int {
		r := httptest.NewRequest(method, inPath.ReplaceAllLiteralString(path, "acme"), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for _, f := range s.Frame.Forms() {
		s.Role = operations.Owner
		if f.Upload {
			continue // a form with a file: the token is checked in the same way
		}
		if status := do("POST", f.Path, "name=x"); status != 403 {
			t.Errorf("%s: status %d without the token", f.Path, status)
		}
		s.Role = operations.Viewer
		if status := do("POST", f.Path, "csrf="+consoletest.CSRF); f.Role != operations.Viewer && status != 403 {
			t.Errorf("%s: status %d for a viewer", f.Path, status)
		}
	}
	s.Role = ""
	for _, path := range append(paths(s), "/", "/debug/pprof/", "/no/such/page") {
		if status := do("GET", path, ""); status != 403 {
			t.Errorf("%s: status %d without a role", path, status)
		}
	}
	s.Role = operations.Operator
	if status := do("GET", "/debug/pprof/", ""); status != 403 {
		t.Errorf("profiles: status %d for an operator", status)
	}
	s.Role = operations.Owner
	consoletest.Has(t, s.Get("/debug/pprof/", 200), `href="/debug/pprof/heap"`)
	if status := do("GET", "/debug/pprof/heap?debug=1", ""); status != 200 {
		t.Errorf("profiles: status %d for an owner", status)
	}
}

// TestOrigin checks that a form of another site is refused, even with the token.
func TestOrigin(t *testing.T) {
	_, h := open(t)
	for header, status := range map[string]int{"Sec-Fetch-Site: cross-site": 403, "Origin: https://evil.example": 403, "Sec-Fetch-Site: same-site": 403, "Sec-Fetch-Site: same-origin": 400} {
		r := httptest.NewRequest("POST", "/search", strings.NewReader("csrf="+consoletest.CSRF))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != status {
			t.Errorf("%s: status %d, want %d", header, w.Code, status)
		}
	}
}

// TestFiles checks that a page's style sheet and script are found, and may be cached for long.
func TestFiles(t *testing.T) {
	s, h := open(t)
	page := s.Get("/", 200)
	size := len(page)
	for _, url := range regexp.MustCompile(`/console/[0-9a-f]+/console\.(css|js)`).FindAllString(page, -1) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", url, nil))
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", url, w.Code, w.Header())
		}
		size += w.Body.Len()
	}
	if rest := size - len(page); rest > 60_000-consoletest.MaxPage || rest == 0 {
		t.Errorf("the style sheet and the script have %d bytes, and a page may have %d", rest, consoletest.MaxPage)
	}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest("GET", "/console/0/console.css", nil)); w.Code != 404 {
		t.Errorf("another version: %d", w.Code)
	}
}

// TestHidden checks that the style sheet hides only texts for screen readers, and the headings of
// folded tables. A rule that is merged with another must not hide anything else.
func TestHidden(t *testing.T) {
	css, err := os.ReadFile("dist/console.css")
	if err != nil {
		t.Fatal(err)
	}
	var hidden []string
	for _, m := range regexp.MustCompile(`([^{}]+)\{[^{}]*clip-path`).FindAllStringSubmatch(string(css), -1) {
		hidden = append(hidden, m[1])
	}
	if want := []string{".sr", ".fold thead"}; !slices.Equal(hidden, want) {
		t.Errorf("%q are hidden, want %q", hidden, want)
	}
}

// TestReports checks that reports are counted, and that a flood of them fills no log.
func TestReports(t *testing.T) {
	s := consoletest.New(t)
	var log strings.Builder
	now := time.Now()
	h, err := console.New(console.Options{Frame: s.Frame, SignIn: s, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest("POST", "/console/reports", strings.NewReader("canary"+strings.Repeat("x", 1<<17)))); w.Code != 204 {
			t.Fatal(w.Code)
		}
	}
	now = now.Add(2 * time.Minute)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/console/reports", nil))
	if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "reports=100") || strings.Contains(text, "canary") {
		t.Errorf("log:\n%s", text)
	}
}

// TestNew checks that there is no console without signing in.
func TestNew(t *testing.T) {
	if _, err := console.New(console.Options{Frame: consoletest.New(t).Frame, Log: slog.Default(), Now: time.Now}); err == nil {
		t.Error("a console without signing in")
	}
}
