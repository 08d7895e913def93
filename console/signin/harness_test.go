package signin_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/console"
	"stile.example/stile/console/caller"
	"stile.example/stile/console/frame"
	"stile.example/stile/console/signin"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

// site is a console on a new data directory, with a fake clock.
type site struct {
	t       testing.TB
	dir     *datadir.Dir
	signIn  *signin.SignIn
	frame   *frame.Frame
	handler http.Handler
	https   bool

	mu  sync.Mutex
	now time.Time
}

func newSite(t testing.TB, yaml ...string) *site {
	t.Helper()
	s := &site{t: t, now: time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)}
	flags := map[string]string{"data": t.TempDir(), "public_url": "https://api.example"}
	for i := 0; i+1 < len(yaml); i += 2 {
		flags[yaml[i]] = yaml[i+1]
	}
	set, err := settings.Load(settings.Source{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	if s.dir, err = datadir.Open(t.Context(), set, s.clock, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.dir.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.dir.UseOrigin("https://api.example"); err != nil {
		t.Fatal(err)
	}
	f := frame.New(frame.Options{Dir: s.dir, PublicURL: "https://api.example", Version: "(devel)", IsHTTPS: func(*http.Request) bool { return s.https }})
	s.frame = f
	f.Page(frame.Page{Path: "/whoami", Section: "overview", Role: operations.Viewer, Title: "Who", Template: `<p id="who">{{.Data}}</p>`,
		Data: func(r *frame.Request) (any, error) {
			c := caller.From(r.Context())
			return c.Name + " " + string(c.Role) + " " + c.Credential + " " + c.Address, nil
		}})
	s.signIn, err = signin.New(signin.Options{Dir: s.dir, Frame: f,
		Source: func(r *http.Request) (netip.Addr, error) {
			at, err := netip.ParseAddrPort(r.RemoteAddr)
			return at.Addr(), err
		}})
	if err != nil {
		t.Fatal(err)
	}
	if s.handler, err = console.New(console.Options{Frame: f, SignIn: s.signIn, Log: s.dir.Log, Now: s.clock}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// admin adds an admin with a password of their own.
func (s *site) admin(name string, role admins.Role) admins.Admin {
	s.t.Helper()
	a, _, err := s.dir.Admins.Add(s.t.Context(), name, role, s.clock())
	if err == nil {
		err = s.dir.Admins.SetPassword(s.t.Context(), a.Number, password)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

const password = "a long way round"

// browser keeps cookies.
type browser struct {
	*site
	from    string
	cookies map[string]*http.Cookie
	last    *httptest.ResponseRecorder
}

func (s *site) browser(from string) *browser {
	return &browser{site: s, from: from, cookies: map[string]*http.Cookie{}}
}

// do sends a request, and returns the status, and the page or the next path.
func (b *browser) do(method, path string, form url.Values, headers ...string) (int, string) {
	b.t.Helper()
	if method == "POST" {
		headers = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)
	}
	return b.send(method, path, form.Encode(), headers...)
}

// doJSON sends JSON with the token of a form, as the script does, and returns the status and the
// body.
func (b *browser) doJSON(path, token, body string) (int, string) {
	b.t.Helper()
	return b.send("POST", path, body, "X-CSRF-Token", token)
}

func (b *browser) send(method, path, body string, headers ...string) (int, string) {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	r.RemoteAddr = b.from + ":4711"
	if method == "POST" {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.last = w
	b.handler.ServeHTTP(w, r)
	res := w.Result()
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	if to := res.Header.Get("Location"); to != "" {
		return res.StatusCode, to
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

// token returns the token of the forms on a page.
func (b *browser) token(path string) string {
	b.t.Helper()
	status, page := b.do("GET", path, nil)
	found := csrfField.FindStringSubmatch(page)
	if found == nil {
		b.t.Fatalf("%s: status %d, no form in\n%s", path, status, page)
	}
	return found[1]
}

// signInAs sends the form with a name and a password.
func (b *browser) signInAs(name, password string) (int, string) {
	b.t.Helper()
	return b.do("POST", "/sign-in", url.Values{"csrf": {b.token("/sign-in")}, "name": {name}, "password": {password}})
}

// whoami returns the page that says who is signed in, "" if nobody is.
func (b *browser) whoami() string {
	b.t.Helper()
	status, page := b.do("GET", "/whoami", nil)
	if status != 200 {
		return ""
	}
	_, page, _ = strings.Cut(page, `<p id="who">`)
	page, _, _ = strings.Cut(page, "</p>")
	return strings.TrimSpace(page)
}
