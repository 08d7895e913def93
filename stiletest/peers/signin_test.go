package peers

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"stile.example/stile/stiletest/ports"
)

// person is somebody at a browser who signs in at the console by OpenID Connect.
type person struct {
	*site
	client *http.Client
}

func (s *site) person() *person {
	s.Helper()
	jar, err := cookiejar.New(nil)
	s.must(err)
	return &person{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// get requests a URL without following redirections. It returns the page, or the next URL.
func (p *person) get(address string) (status int, page, next string) {
	p.Helper()
	res, err := p.client.Get(address)
	p.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	p.must(err)
	if to, err := res.Location(); err == nil {
		next = to.String()
	}
	return res.StatusCode, string(body), next
}

// toIssuer returns the URL to which the console sends the browser.
func (p *person) toIssuer() *url.URL {
	p.Helper()
	status, page, next := p.get(p.AdminURL + "/sign-in/oidc?next=/account")
	if status != http.StatusSeeOther {
		p.Fatalf("the console does not lead to the issuer: %d %s\n%s", status, page, p.Log())
	}
	to, err := url.Parse(next)
	p.must(err)
	return to
}

// follow follows redirections until the console's callback, and returns its URL.
func (p *person) follow(next string) string {
	p.Helper()
	for range 10 {
		if strings.HasPrefix(next, p.AdminURL) {
			return next
		}
		status, page, to := p.get(next)
		if to == "" {
			p.Fatalf("%s: %d\n%s", next, status, page)
		}
		next = to
	}
	p.Fatal("the issuer redirects in a circle")
	return ""
}

// signInAs signs in with a name and groups, and returns the page of the console.
func (p *person) signInAs(hint string) (status int, page string) {
	p.Helper()
	to := p.toIssuer()
	q := to.Query()
	q.Set("login_hint", hint)
	to.RawQuery = q.Encode()
	status, page, _ = p.get(p.follow(to.String()))
	return status, page
}

// consoleOf starts a provider and a site whose console uses it.
func consoleOf(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	port, err := ports.Free()
	s.must(err)
	s.AdminURL = fmt.Sprintf("http://127.0.0.1:%d", port)
	p, err := InstallProvider(t.Context(), t.TempDir())
	s.must(err)
	p.Alg, p.Clients, p.Redirect = "ES256", map[string]string{}, s.AdminURL+"/sign-in/oidc/callback"
	s.must(p.Start(KeepKeys))
	t.Cleanup(func() { s.must(p.Stop()) })
	s.startConsole(p.URL, s.write("console-secret", ConsoleSecret), "[stile-owners=owner, support=viewer]", "groups")
	return s
}

// startConsole starts a server whose console uses an issuer.
func (s *site) startConsole(issuer, secretFile, roles, claim string) {
	s.Helper()
	s.start(fmt.Sprintf("console:\n  oidc: {issuer: %q, name: Example ID, client_id: console, client_secret_file: %q, roles: %s, claim: %s}\n", issuer, secretFile, roles, claim))
}

// TestConsoleSignIn checks that admins sign in at the console by a real OpenID Connect provider,
// with the roles that a claim gives them.
func TestConsoleSignIn(t *testing.T) {
	t.Parallel()
	s := consoleOf(t)
	to := s.person().toIssuer()
	if q := to.Query(); q.Get("code_challenge_method") != "S256" || len(q.Get("state")) < 20 || len(q.Get("nonce")) < 20 || q.Get("state") == q.Get("nonce") {
		t.Errorf("the request to the issuer: %s", to)
	}
	olga := s.person()
	if status, page := olga.signInAs("olga.support.stile-owners"); status != 200 || !strings.Contains(page, `href="/account"`) {
		t.Fatalf("%d\n%s\n%s", status, page, s.Log())
	}
	if _, page, _ := olga.get(s.AdminURL + "/account"); !strings.Contains(page, "olga") || !strings.Contains(page, "OpenID Connect: ") || !strings.Contains(page, ">owner<") {
		t.Errorf("the account of olga:\n%s", page)
	}
	victor := s.person()
	victor.signInAs("victor.support.others")
	if status, page, _ := victor.get(s.AdminURL + "/account"); status != 200 || !strings.Contains(page, ">viewer<") {
		t.Errorf("the account of victor: %d\n%s", status, page)
	}
	for hint, c := range map[string]struct {
		status int
		says   string
	}{
		"nora.others":        {403, "has no role for this console"},
		"nora":               {403, "has no role for this console"},
		"owner.stile-owners": {409, "another admin with the name owner"}, // the first owner
	} {
		p := s.person()
		if status, page := p.signInAs(hint); status != c.status || !strings.Contains(page, c.says) {
			t.Errorf("%s: %d\n%s", hint, status, page)
		}
		if status, _, _ := p.get(s.AdminURL + "/account"); status != 303 {
			t.Errorf("%s has a session: %d", hint, status)
		}
	}
}

// TestConsoleCallback checks that a callback is valid once, in the browser that started it.
func TestConsoleCallback(t *testing.T) {
	t.Parallel()
	s := consoleOf(t)
	start := func(p *person) string {
		to := p.toIssuer()
		q := to.Query()
		q.Set("login_hint", "olga.stile-owners")
		to.RawQuery = q.Encode()
		return p.follow(to.String())
	}
	refused := func(what string, p *person, callback string, want ...int) {
		t.Helper()
		status, page, _ := p.get(callback)
		if session, _, _ := p.get(s.AdminURL + "/account"); session != 303 {
			t.Errorf("%s: there is a session", what)
		}
		for _, w := range want {
			if status == w {
				return
			}
		}
		t.Errorf("%s: %d\n%s", what, status, page)
	}
	p := s.person()
	callback := start(p)
	refused("another browser", s.person(), callback, 403)
	refused("another state", p, strings.Replace(callback, "state=", "state=x", 1), 403)
	refused("after that", p, callback, 403) // the cookie is gone
	other := s.person()
	theirs := start(other)
	q, err := url.Parse(start(p))
	s.must(err)
	u, err := url.Parse(theirs)
	s.must(err)
	mixed := u.Query()
	mixed.Set("code", q.Query().Get("code")) // with another verifier
	u.RawQuery = mixed.Encode()
	refused("the code of another browser", other, u.String(), 502)
	refused("an error", s.person(), s.AdminURL+"/sign-in/oidc/callback?error=access_denied", 403)
}
