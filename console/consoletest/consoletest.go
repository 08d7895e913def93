// Package consoletest tests pages of the console: it opens a data directory, signs in a caller of
// any role, requests pages and sends forms, and checks what every page must have.
package consoletest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"stile.example/stile/admins"
	"stile.example/stile/console/caller"
	"stile.example/stile/console/frame"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

// CSRF is the token of the test's session.
const CSRF = "csrf-of-the-test"

// MaxPage is the maximum size of a page without the style sheet and the script, in bytes. Together
// they have at most 60 kB.
const MaxPage = 35_750

// Site is a console on a new data directory.
type Site struct {
	Dir   *datadir.Dir
	Frame *frame.Frame
	Role  operations.Role // of the caller; at first owner
	Name  string          // of the caller; at first ada
	t     testing.TB
}

// Open opens a console in a directory, which may have data. The caller closes its Dir.
func Open(ctx context.Context, dir string) (*Site, error) {
	s, err := settings.Load(settings.Source{Flags: map[string]string{"data": dir, "public_url": "https://api.example"}})
	if err != nil {
		return nil, err
	}
	d, err := datadir.Open(ctx, s, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := d.UseOrigin("https://api.example"); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if _, _, err := d.Admins.Add(ctx, "ada", operations.Owner, d.Now()); err != nil && !errors.Is(err, admins.ErrExists) {
		return nil, errors.Join(err, d.Close())
	}
	return &Site{Dir: d, Frame: frame.New(frame.Options{Dir: d, PublicURL: "https://api.example", Version: "(devel)"}), Role: operations.Owner, Name: "ada"}, nil
}

// New returns a console with the pages that the functions add. It ends with the test.
func New(t testing.TB, add ...func(*frame.Frame)) *Site {
	t.Helper()
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Dir.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, a := range add {
		a(s.Frame)
	}
	s.t = t
	return s
}

// Routes adds no page: the caller is signed in already.
func (s *Site) Routes(*http.ServeMux) {}

// Require serves every request as one of the site's caller.
func (s *Site) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(caller.With(r.Context(), s.Caller())))
	})
}

// Identify is Require: the site's caller is always signed in.
func (s *Site) Identify(next http.Handler) http.Handler { return s.Require(next) }

// Caller returns the caller of the site's requests.
func (s *Site) Caller() caller.Caller {
	return caller.Caller{Actor: operations.Actor{Name: s.Name, Role: s.Role, Credential: "password", Address: "127.0.0.1"}, CSRF: CSRF, Session: "session-1", SignedIn: time.Now(), HasPasskeys: true}
}

// Do sends a request as the site's caller.
func (s *Site) Do(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	frame.Headers(s.Require(s.Frame.Handler())).ServeHTTP(w, r)
	return w.Result()
}

// Get requests a page, which must have the status, and returns its HTML. A page that is found is
// checked by [Check].
func (s *Site) Get(path string, status int) string {
	s.t.Helper()
	return s.read(s.Do(httptest.NewRequest("GET", path, nil)), path, status)
}

// Post sends a form with the caller's token: pairs of a name and a value. It returns the HTML, or
// for 303 the path of the next page.
func (s *Site) Post(path string, status int, pairs ...string) string {
	s.t.Helper()
	resp := s.send(path, pairs...)
	if resp.StatusCode == http.StatusSeeOther && status == http.StatusSeeOther {
		return resp.Header.Get("Location")
	}
	return s.read(resp, "POST "+path, status)
}

// send sends a form with the caller's token.
func (s *Site) send(path string, pairs ...string) *http.Response {
	v := url.Values{"csrf": {CSRF}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.Do(r)
}

// Has checks that a page has texts, and returns the page.
func Has(t testing.TB, page string, texts ...string) string {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("no %q in\n%s", text, page)
		}
	}
	return page
}

// Refuse sends a form that must be refused, with any status of the client's, and returns the page
// with the error.
func (s *Site) Refuse(path string, pairs ...string) string {
	s.t.Helper()
	resp := s.send(path, pairs...)
	if resp.StatusCode < 400 || resp.StatusCode >= 500 {
		s.t.Errorf("POST %s: status %d, want 4xx", path, resp.StatusCode)
	}
	return s.read(resp, "POST "+path, resp.StatusCode)
}

func (s *Site) read(resp *http.Response, what string, status int) string {
	s.t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != status {
		s.t.Fatalf("%s: status %d, want %d\n%s", what, resp.StatusCode, status, body)
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		for _, fault := range Check(resp.Header, string(body)) {
			s.t.Errorf("%s: %s", what, fault)
		}
	}
	return string(body)
}

// Check returns what is wrong with a page: its headers, its size, inline code or style, elements
// that are not closed, ids that are repeated, and fields without a label.
func Check(head http.Header, page string) (faults []string) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	csp := head.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(csp, want) {
			add("the policy has no %s", want)
		}
	}
	if strings.Contains(csp, "unsafe") {
		add("the policy is unsafe: %s", csp)
	}
	if got := head.Get("Cache-Control"); got != "no-store" {
		add("Cache-Control is %q", got)
	}
	if len(page) > MaxPage {
		add("has %d bytes, more than %d", len(page), MaxPage)
	}
	return append(faults, checkHTML(page)...)
}

var void = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

// checkHTML checks the elements of a page.
func checkHTML(page string) (faults []string) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	z := html.NewTokenizer(strings.NewReader(page))
	var open []string
	ids, labelled, fields := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		switch tok.Type {
		case html.StartTagToken, html.SelfClosingTagToken:
			if tok.Type == html.StartTagToken && !slices.Contains(void, tok.Data) {
				open = append(open, tok.Data)
			}
			a := attributes(tok)
			faults = append(faults, inline(tok, a)...)
			if id := a["id"]; id != "" && ids[id] {
				add("the id %s is repeated", id)
			} else if id != "" {
				ids[id] = true
			}
			if tok.Data == "label" {
				labelled[a["for"]] = true
			}
			if isField(tok.Data, a) {
				fields[a["id"]] = true
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != tok.Data {
				add("</%s> does not close %v", tok.Data, open)
				return faults
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		add("not closed: %v", open)
	}
	for id := range fields {
		if !labelled[id] {
			add("the field %q has no label", id)
		}
	}
	return faults
}

func attributes(tok html.Token) map[string]string {
	a := map[string]string{}
	for _, one := range tok.Attr {
		a[one.Key] = one.Val
	}
	return a
}

// isField reports whether an element is a field that needs a label.
func isField(name string, a map[string]string) bool {
	return (name == "input" && a["type"] != "hidden" || name == "select" || name == "textarea") && a["aria-label"] == "" && a["aria-labelledby"] == ""
}

var handler = regexp.MustCompile(`^on[a-z]+$`)

// inline returns what of an element the policy of pages forbids.
func inline(tok html.Token, a map[string]string) (faults []string) {
	for name, value := range a {
		scheme, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(value)), ":")
		if handler.MatchString(name) || name == "style" || (name == "href" || name == "action" || name == "src") && scheme == "javascript" {
			faults = append(faults, fmt.Sprintf("<%s> has %s=%q", tok.Data, name, value))
		}
	}
	if tok.Data == "style" || tok.Data == "script" && (a["src"] == "" || a["nonce"] == "") || tok.Data == "iframe" || tok.Data == "object" || tok.Data == "embed" {
		faults = append(faults, fmt.Sprintf("has an element <%s>", tok.Data))
	}
	return faults
}
