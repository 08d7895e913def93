//go:build scale

package console_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/console"
	"stile.example/stile/console/api"
	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/developers"
	"stile.example/stile/operations"
	"stile.example/stile/refusals"
	"stile.example/stile/store/tables/repeats"
)

const (
	atMost     = 100 * time.Millisecond // the 95th percentile of each request
	atFirst    = time.Second            // the first request of its kind after a start
	rounds     = 20
	openWithin = 2 * time.Second
)

// TestScale measures every page, form and list of the console, of the admin API and of a tenant's
// own view, with 1,000,000 refusals, 100,000 tokens and 1,000 tenants: as the first request of its
// kind after a start, and the 95th percentile of further ones. The tables of pages and operations
// say what is measured, so that none is forgotten. The variable STILE_SCALE_DATA names a directory
// that keeps the data for the next time.
func TestScale(t *testing.T) {
	dir := os.Getenv("STILE_SCALE_DATA")
	if dir == "" {
		dir = t.TempDir()
	}
	if _, err := os.Stat(filepath.Join(dir, "stile.db")); err != nil {
		s := openSite(t, dir)
		fill(t, s)
		if err := s.Dir.Close(); err != nil {
			t.Fatal(err)
		}
	}
	began, used := time.Now(), processorTime(t)
	s := openSite(t, dir)
	defer s.Dir.Close()
	took := time.Since(began)
	used = processorTime(t) - used
	t.Logf("opened in %v, with %v of a processor", took, used)
	if min(took, used) > openWithin {
		t.Errorf("opening takes %v, more than %v", took, openWithin)
	}
	h := newHandler(t, s)
	for _, path := range slices.Concat(pagePaths(t, s), filtered(s), apiPaths(t), ownPaths(t, h)) {
		measure(t, h, path)
	}
}

func openSite(t *testing.T, dir string) *consoletest.Site {
	s, err := consoletest.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// anyAdmin accepts every token of the API.
type anyAdmin struct{}

func (anyAdmin) Authenticate(context.Context, string, string) (operations.Actor, error) {
	return operations.Actor{Name: "ada", Role: operations.Owner, Credential: "token …last"}, nil
}

// newHandler serves the console and the API, and below /developers/ the view of tenant3.
func newHandler(t *testing.T, s *consoletest.Site) http.Handler {
	source := netip.MustParseAddr("198.51.100.7")
	a, err := api.New(api.Options{Dir: s.Dir, Tokens: anyAdmin{}, Repeats: repeats.Table{DB: s.Dir.Store.DB}, Address: func(*http.Request) (netip.Addr, error) { return source, nil }})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := console.New(console.Options{Frame: s.Frame, SignIn: s, API: a, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.Handle(developers.Prefix+"/", signedIn(t, s, developers.New(developers.Options{Dir: s.Dir, PublicURL: "https://api.example", Version: "(devel)",
		Source: func(*http.Request) (netip.Addr, error) { source = source.Next(); return source, nil }})))
	return mux
}

// signedIn serves each request as one of a developer of tenant3 who has opened a link.
func signedIn(t *testing.T, s *consoletest.Site, view http.Handler) http.Handler {
	tenant, _ := s.Dir.TenantNumber("tenant3")
	link, added, err := s.Dir.Links.Add(t.Context(), tenant, "agency", "ada", time.Hour, s.Dir.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Dir.Links.Remove(context.WithoutCancel(t.Context()), tenant, added.ID) })
	r := httptest.NewRequest("POST", developers.Prefix+"/open", strings.NewReader(url.Values{"link": {link}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	view.ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("status %d\n%s", w.Code, w.Body)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.AddCookie(cookies[0])
		view.ServeHTTP(w, r)
	})
}

// values are what fields of paths and inputs are measured with.
var values = map[string]string{"client_id": "tenant3", "tenant": "tenant3", "ref": "0000-0123", "token": tokenID(0).String(), "address": "10.0.1.1", "name": "ada", "seq": "50000", "month": "2026-10",
	"webhook": webhook, "delivery": "50000", "file": "statement.csv", "line": "1", "format": "csv", "head": ""}

// ids are the values of {id}, by the start of the path. There are no runs and no uploads: only a
// process has them.
var ids = map[string]string{"/tokens/": tokenID(0).String(), "/webhooks/": webhook, "/content/items/": "item7", "/content/imports/": "", "/policy/runs/": ""}

// pathOf fills in the fields of a path; "" if there is nothing to measure.
func pathOf(t *testing.T, path string) string {
	for start, id := range ids {
		if strings.HasPrefix(path, start) && strings.Contains(path, "{id}") {
			if path = strings.ReplaceAll(path, "{id}", id); id == "" {
				return ""
			}
		}
	}
	return field.ReplaceAllStringFunc(path, func(name string) string {
		value, known := values[strings.Trim(name, "{}.")]
		if !known {
			t.Errorf("%s: the measurement has no value for %s", path, name)
		}
		return value
	})
}

var field = regexp.MustCompile(`\{[a-z_.]+\}`)

// pagePaths returns the paths of all pages and forms.
func pagePaths(t *testing.T, s *consoletest.Site) (all []string) {
	for _, path := range paths(s) {
		if path = pathOf(t, path); path != "" && !slices.Contains(tooLong, path) {
			all = append(all, path)
		}
	}
	return all
}

// filtered returns pages and lists of the API with filters: those that are used, those that select
// nothing, and those that select only the oldest row.
func filtered(s *consoletest.Site) (all []string) {
	old := refusals.Position{At: s.Dir.Now().Add(-50 * time.Hour), Ref: "0000-0123"}.String()
	for path, queries := range map[string][]string{
		"/":        {"period=day", "period=month"},
		"/tenants": {"q=tenant999", "q=nobody", "status=suspended"},
		"/usage":   {"tenant=tenant3", "from=2020-01-01&to=2020-03-01", "tenant=tenant500"},
		"/policy":  {"tenant=tenant3"},
		"/tokens":  {"state=dead", "state=live", "state=expired", "tenant=tenant9", "tenant=tenant500", "state=expired&tenant=tenant9", "order=issue&tenant=tenant500", "address=10.0.1.1", "address=192.0.2.1"},
		"/refusals": {"code=internal", "code=overloaded", "tenant=tenant3", "tenant=tenant8", "tenant=tenant500", "tenant=tenant8&code=internal", "tenant=tenant3&code=address_blocked", "observed=yes", "observed=no&tenant=tenant0",
			"address=198.51.7.0/24", "address=192.0.2.0/24", "address=203.0.113.0/24", "token=" + tokenID(0).String(), "token=nobody", "from=2026-11-20&to=2026-11-21", "from=2020-01-01&to=2020-01-02", "tenant=tenant1&from=2026-11-20&to=2026-11-21", "ref=00000123", "after=" + old},
		"/addresses":           {"kind=block", "kind=crowded", "tenant=tenant500", "address=192.0.2.1", "origin=rule"},
		"/audit":               {"actor=admin3", "actor=nobody", "operation=tenant", "operation=nothing", "subject=tenant7", "subject=nothing", "from=2020-01-01&to=2020-01-02", "actor=ada", "actor=admin3&subject=nothing"},
		"/statements":          {"tenant=tenant3", "tenant=nobody", "month=2024-12", "tenant=tenant3&month=2024-12", "month=2020-01"},
		"/webhooks/" + webhook: {"state=failed", "state=waiting", "event=tenant.quota", "event=webhook.test", "state=failed&event=webhook.test"},
		"/search":              {"q=tenant3", "q=0000-0123", "q=10.0.1.1", "q=nothing", "q=" + tokenID(7).String()},
		"/found":               {"q=tenant"},
		"/content/search":      {"q=bread", "q=nothing"},
		"/statements/tenant3/2026-10/statement.csv": {"x=1"},
		"/api/v1/refusals":                          {"limit=1000", "tenant=tenant8", "code=overloaded", "format=csv"},
		"/api/v1/tokens":                            {"limit=1000", "tenant=tenant500", "format=csv"},
		"/api/v1/audit":                             {"limit=1000", "subject=nothing", "format=ndjson"},
		"/api/v1/deliveries":                        {"limit=1000", "event=webhook.test", "state=waiting", "webhook=nothing", "format=csv"},
		"/api/v1/statements":                        {"limit=1000", "tenant=nobody", "format=csv"},
		"/api/v1/usage":                             {"tenant=tenant3", "tenant=nobody"},
		"/api/v1/tenants":                           {"limit=1000", "format=csv"},
		"/api/v1/admins":                            {"limit=1000"},
		"/api/v1/overview":                          {"period=day", "period=month", "period=month&tenant=tenant3"},
	} {
		for _, q := range queries {
			all = append(all, path+"?"+q)
		}
	}
	slices.Sort(all)
	return all
}

// tooLong are the operations and pages that read everything there is, or compute for long, on
// purpose. The operation usage reads all usage of all tenants unless a tenant is named: here, these
// are 100,000 rows.
var tooLong = []string{"fsck", "audit verify", "policy compare", "/audit/verify", "usage"}

// apiPaths returns the paths of all operations that change nothing, once without filters.
func apiPaths(t *testing.T) (all []string) {
	for _, o := range operations.All() {
		if o.Route.Method == "GET" && !slices.Contains(tooLong, o.Name) {
			path := pathOf(t, o.Route.Path)
			if strings.HasSuffix(path, "/proof") {
				path += "?line=1"
			}
			all = append(all, api.Prefix+path)
		}
	}
	return all
}

var link = regexp.MustCompile(`href="(` + developers.Prefix + `/[^"#]*)"`)

// ownPaths returns the paths of a tenant's own view, which link to each other.
func ownPaths(t *testing.T, h http.Handler) (found []string) {
	found = []string{developers.Prefix + "/"}
	for i := 0; i < len(found); i++ {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", found[i], nil))
		for _, m := range link.FindAllStringSubmatch(w.Body.String(), -1) {
			path := strings.ReplaceAll(m[1], "&amp;", "&")
			if shape := shapeOf(path); !slices.ContainsFunc(found, func(have string) bool { return shapeOf(have) == shape }) {
				found = append(found, path)
			}
		}
	}
	if len(found) < 8 {
		t.Errorf("a tenant's own view has only %v", found)
	}
	return found
}

// shapeOf is equal for pages of the same kind.
func shapeOf(path string) string { return shape.ReplaceAllString(path, "N") }

var shape = regexp.MustCompile(`[0-9]{4}-[0-9]{2}|[0-9A-Z]{4}-[0-9A-Z]{4}|after=.*`)

// firstByte is a response that is only measured: its request ends with its first byte.
type firstByte struct {
	*httptest.ResponseRecorder
	at   time.Time
	stop context.CancelFunc
}

func (w *firstByte) Write(p []byte) (int, error) {
	if w.at.IsZero() {
		w.at = time.Now()
		w.stop()
		_, _ = w.ResponseRecorder.Write(p)
	}
	return 0, context.Canceled
}

// request returns how long a request takes: a file until its first byte.
func request(t *testing.T, h http.Handler, path string) time.Duration {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := httptest.NewRequestWithContext(ctx, "GET", path, nil)
	if strings.HasPrefix(path, api.Prefix) {
		r.Header.Set("Authorization", "Bearer "+api.TokenPrefix+"owner")
	}
	began, recorder := time.Now(), httptest.NewRecorder()
	if isFile := strings.Contains(path, "format=") || strings.Contains(path, "/export"); isFile {
		w := &firstByte{ResponseRecorder: recorder, stop: stop}
		func() {
			defer func() { recover() }() // http.ErrAbortHandler: the file is not complete
			h.ServeHTTP(w, r)
		}()
		if w.at.IsZero() {
			t.Errorf("%s: status %d, nothing was written\n%s", path, w.Code, w.Body)
		}
		return w.at.Sub(began)
	}
	h.ServeHTTP(recorder, r)
	took := time.Since(began)
	if recorder.Code >= 400 && !isNothing(path, recorder.Code) {
		t.Errorf("%s: status %d\n%.2000s", path, recorder.Code, recorder.Body)
	}
	return took
}

// isNothing reports whether a request may be answered so: it asks for what does not exist.
func isNothing(path string, status int) bool {
	return status == http.StatusNotFound && regexp.MustCompile("=(nobody|nothing)").MatchString(path)
}

// measure logs how long the first request for a path takes, the median, the 95th percentile and the
// longest of further ones, and the processor time of one: if other programs have the processors,
// only this is accurate.
func measure(t *testing.T, h http.Handler, path string) {
	t.Helper()
	first := request(t, h, path)
	var took []time.Duration
	used := processorTime(t)
	for range rounds {
		took = append(took, request(t, h, path))
	}
	used = (processorTime(t) - used) / rounds
	p50, p95, longest := quantile(took, .5), quantile(took, .95), quantile(took, 1)
	ms := func(d time.Duration) string { return fmt.Sprintf("%6.1f", d.Seconds()*1000) }
	t.Logf("first %s, p50 %s, p95 %s, max %s, processor %s ms  %s", ms(first), ms(p50), ms(p95), ms(longest), ms(used), path)
	if min(p95, used) > atMost || first > atFirst {
		t.Errorf("%s takes %v, and %v as the first one; at most %v and %v", path, p95, first, atMost, atFirst)
	}
}

func processorTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
