package signin_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/audit"
	"stile.example/stile/operations"
	"stile.example/stile/operations/accounts"
	"stile.example/stile/operations/failure"
)

// TestSignIn checks the way from the first page to signing out.
func TestSignIn(t *testing.T) {
	s := newSite(t)
	s.admin("alice", admins.Operator)
	b := s.browser("192.0.2.1")
	if status, to := b.do("GET", "/whoami?x=1", nil); status != 303 || to != "/sign-in?next=%2Fwhoami%3Fx%3D1" {
		t.Fatalf("%d %s", status, to)
	}
	if status, page := b.signInAs("alice", "wrong"); status != 401 || !strings.Contains(page, "The name or the password is wrong.") || !strings.Contains(page, `value="alice"`) {
		t.Fatalf("%d %s", status, page)
	}
	status, to := b.do("POST", "/sign-in", url.Values{"csrf": {b.token("/sign-in")}, "name": {"Alice"}, "password": {password}, "next": {"/whoami?x=1"}})
	if status != 303 || to != "/whoami?x=1" {
		t.Fatalf("%d %s", status, to)
	}
	if got := b.whoami(); got != "alice operator password 192.0.2.1" {
		t.Errorf("signed in as %q", got)
	}
	if status, to := b.do("GET", "/sign-in?next=//evil.example", nil); status != 303 || to != "/" {
		t.Errorf("the form while signed in: %d %s", status, to)
	}
	if status, _ := b.do("POST", "/sign-out", url.Values{}); status != 403 {
		t.Errorf("signing out without the token: %d", status)
	}
	cookie := b.cookies["stile-session"]
	if status, to := b.do("POST", "/sign-out", url.Values{"csrf": {b.token("/whoami")}}); status != 303 || to != "/sign-in" {
		t.Errorf("signing out: %d %s", status, to)
	}
	b.cookies["stile-session"] = cookie
	if b.whoami() != "" {
		t.Error("the cookie is still valid after signing out")
	}
	list, err := s.dir.Audit.Entries(t.Context(), audit.Query{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, e := range list {
		said = append(said, e.Operation+" "+e.Actor+" "+e.Credential+" "+e.Address)
	}
	if got := strings.Join(said, "\n"); got != "sign out alice password 192.0.2.1\nsign in alice password 192.0.2.1\nsign in failed alice password 192.0.2.1" {
		t.Errorf("the audit log says\n%s", got)
	}
}

// TestNext checks that signing in leads to pages of the console only.
func TestNext(t *testing.T) {
	s := newSite(t)
	s.admin("alice", admins.Viewer)
	for next, want := range map[string]string{"": "/", "/a?b=c": "/a?b=c", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "/sign-in": "/", "a": "/"} {
		b := s.browser("192.0.2.1")
		_, to := b.do("POST", "/sign-in", url.Values{"csrf": {b.token("/sign-in")}, "name": {"alice"}, "password": {password}, "next": {next}})
		if to != want {
			t.Errorf("%q leads to %q, want %q", next, to, want)
		}
	}
}

// TestOneTimePassword checks that a one-time password must be changed before anything else, and
// that the change ends other sessions.
func TestOneTimePassword(t *testing.T) {
	s := newSite(t)
	name, once, err := s.dir.Admins.FirstOwner(t.Context(), s.clock())
	if err != nil || name != "owner" {
		t.Fatal(name, err)
	}
	if name, _, err := s.dir.Admins.FirstOwner(t.Context(), s.clock()); err != nil || name != "" {
		t.Errorf("a second first owner: %s %v", name, err)
	}
	b, other := s.browser("192.0.2.1"), s.browser("192.0.2.2")
	for _, b := range []*browser{b, other} {
		if status, to := b.signInAs("owner", once); status != 303 || to != "/sign-in/password" {
			t.Fatalf("%d %s", status, to)
		}
		if status, to := b.do("GET", "/whoami", nil); status != 303 || to != "/sign-in/password" {
			t.Errorf("a page before the change: %d %s", status, to)
		}
	}
	token := b.token("/sign-in/password")
	for _, c := range []struct{ one, two, says string }{
		{password, "another one", "The two passwords are different."},
		{once, once, "The one-time password can&#39;t be kept"},
		{"short", "short", "must have at least 12"},
		{"owner owner owner", "owner owner owner", "must not contain the name"},
		{"password123456", "password123456", "guessed first"},
		{"aaaaaaaaaaaaa", "aaaaaaaaaaaaa", "different characters"},
	} {
		if status, page := b.do("POST", "/sign-in/password", url.Values{"csrf": {token}, "password": {c.one}, "repeated": {c.two}}); status != 422 || !strings.Contains(page, c.says) {
			t.Errorf("%s: %d, no %q", c.one, status, c.says)
		}
	}
	if status, _ := b.do("POST", "/sign-in/password", url.Values{"csrf": {"x"}, "password": {password}, "repeated": {password}}); status != 403 {
		t.Errorf("without the token: %d", status)
	}
	if status, to := b.do("POST", "/sign-in/password", url.Values{"csrf": {token}, "password": {password}, "repeated": {password}}); status != 303 || to != "/" {
		t.Fatalf("%d %s", status, to)
	}
	if got := b.whoami(); got != "owner owner password 192.0.2.1" {
		t.Errorf("after the change: %q", got)
	}
	if other.whoami() != "" {
		t.Error("another session continues after the change")
	}
	if status, _ := s.browser("192.0.2.3").signInAs("owner", once); status != 401 {
		t.Errorf("the one-time password again: %d", status)
	}
}

// TestS41_Cookies checks the flags of the cookies.
func TestS41_Cookies(t *testing.T) {
	for _, https := range []bool{false, true} {
		s := newSite(t)
		s.https = https
		s.admin("alice", admins.Viewer)
		b := s.browser("192.0.2.1")
		b.signInAs("alice", password)
		prefix := map[bool]string{true: "__Host-"}[https]
		c := b.cookies[prefix+"stile-session"]
		if c == nil || !c.HttpOnly || c.Secure != https || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || len(c.Value) != 43 {
			t.Errorf("HTTPS %t: %+v", https, c)
		}
		if b.cookies[prefix+"stile-form"] != nil {
			t.Error("the form's cookie stays")
		}
		for name := range b.cookies {
			if https && !strings.HasPrefix(name, prefix) {
				t.Errorf("a cookie %s by HTTPS", name)
			}
		}
	}
}

// TestS41_Requests checks that requests from other origins and forms without the token are refused.
func TestS41_Requests(t *testing.T) {
	s := newSite(t)
	s.admin("alice", admins.Owner)
	b := s.browser("192.0.2.1")
	token := b.token("/sign-in")
	good := url.Values{"csrf": {token}, "name": {"alice"}, "password": {password}}
	for _, c := range []struct {
		form    url.Values
		headers []string
	}{
		{good, []string{"Sec-Fetch-Site", "cross-site"}},
		{good, []string{"Sec-Fetch-Site", "same-site"}},
		{good, []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}},
		{url.Values{"name": {"alice"}, "password": {password}}, nil},
		{url.Values{"csrf": {""}, "name": {"alice"}, "password": {password}}, nil},
		{url.Values{"csrf": {s.browser("192.0.2.9").token("/sign-in")}, "name": {"alice"}, "password": {password}}, nil},
	} {
		if status, page := b.do("POST", "/sign-in", c.form, c.headers...); status != 403 {
			t.Errorf("%v %v: status %d\n%s", c.form, c.headers, status, page)
		}
	}
	if status, _ := s.browser("192.0.2.1").do("POST", "/sign-in", good); status != 403 {
		t.Errorf("a form without its cookie: %d", status)
	}
	if status, _ := b.do("POST", "/sign-in", url.Values{"csrf": {token}, "name": {strings.Repeat("a", 20_000)}}); status != 400 {
		t.Errorf("a form of 20 kB: %d", status)
	}
	if status, _ := b.do("POST", "/sign-in", good); status != 303 {
		t.Errorf("the form with its token: %d", status)
	}
}

// TestSessionEnds checks when a session ends: after 12 h, after 30 min without a request, and
// immediately if it is revoked, its admin removed or the role changed.
func TestSessionEnds(t *testing.T) {
	s := newSite(t)
	s.admin("root", admins.Owner)
	a := s.admin("alice", admins.Operator)
	signedIn := func() *browser {
		b := s.browser("192.0.2.1")
		if status, page := b.signInAs("alice", password); status != 303 {
			t.Fatalf("%d %s", status, page)
		}
		return b
	}
	b := signedIn()
	for range 24 {
		s.pass(29 * time.Minute)
		if b.whoami() == "" {
			t.Fatalf("the session ended at %v", s.clock())
		}
	}
	if s.pass(25 * time.Minute); b.whoami() != "" {
		t.Error("a session of 12 h 1 min continues")
	}
	b = signedIn()
	if s.pass(30 * time.Minute); b.whoami() != "" {
		t.Error("a session without a request for 30 min continues")
	}
	b = signedIn()
	for range 3 {
		s.pass(10 * time.Minute)
		b.do("GET", "/whoami", nil, "X-Stile-Refresh", "yes")
	}
	if b.whoami() != "" {
		t.Error("live updates keep a session alive")
	}
	b = signedIn()
	by := operations.Actor{Name: "root", Role: admins.Owner, Credential: "password"}
	list, err := operations.RunAs[accounts.Name, []accounts.SessionView](t.Context(), s.dir, by, "admin session list", accounts.Name{Name: "alice"})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if _, err := operations.RunAs[accounts.SessionNames, accounts.Removed](t.Context(), s.dir, by, "admin session revoke", accounts.SessionNames{Admin: "alice", ID: list[0].ID}); err != nil {
		t.Fatal(err)
	}
	if b.whoami() != "" {
		t.Error("a revoked session continues")
	}
	if status, page := b.do("POST", "/whoami", url.Values{}); status != 401 || !strings.Contains(page, "Your session has ended") {
		t.Errorf("a change after the end: %d %s", status, page)
	}
	typed := url.Values{"name": {`"Café" <b>`}, "csrf": {"old"}, "sent": {"sent-1"}, "password": {"s3cret"}}
	status, page := b.do("POST", "/whoami", typed)
	if status != 401 || !strings.Contains(page, `action="/whoami"`) || !strings.Contains(page, `name="name" value="&#34;Café&#34; &lt;b&gt;"`) {
		t.Errorf("what was typed is lost: %d %s", status, page)
	}
	for _, left := range []string{"csrf", "sent-1", "s3cret"} {
		if strings.Contains(page, left) {
			t.Errorf("%s is in the page", left)
		}
	}
	b = signedIn()
	if _, err := s.dir.Admins.SetRole(t.Context(), a.Number, admins.Viewer); err != nil {
		t.Fatal(err)
	}
	if got := b.whoami(); got != "alice viewer password 192.0.2.1" {
		t.Errorf("after the change of the role: %q", got)
	}
	if err := s.dir.Admins.Remove(t.Context(), a.Number); err != nil {
		t.Fatal(err)
	}
	if b.whoami() != "" {
		t.Error("the session of a removed admin continues")
	}
}

// TestS40_Guesses checks that guesses are slowed from the tenth, for names that exist and others,
// with the same text and time, and that neither an attacker nor a forgotten password keeps people
// out for long.
func TestS40_Guesses(t *testing.T) {
	s := newSite(t)
	s.admin("alice", admins.Owner)
	inside := s.browser("192.0.2.7")
	if status, _ := inside.signInAs("alice", password); status != 303 {
		t.Fatal(status)
	}
	for i, name := range []string{"alice", "nobody"} {
		b := s.browser(fmt.Sprintf("198.51.100.%d", i+1))
		token := b.token("/sign-in")
		guess := func(password string) (int, string) {
			return b.do("POST", "/sign-in", url.Values{"csrf": {token}, "name": {name}, "password": {password}})
		}
		for n := 1; n <= 9; n++ {
			if status, page := guess("wrong"); status != 401 || !strings.Contains(page, "The name or the password is wrong.") {
				t.Fatalf("guess %d of %s: %d\n%s", n, name, status, page)
			}
		}
		answered := 0
		for n := 10; n <= 1000; n++ {
			status, page := guess("wrong")
			switch status {
			case 429:
				if b.last.Result().Header.Get("Retry-After") == "" || !strings.Contains(page, "There were too many sign-ins from your address, or with this name.") {
					t.Fatalf("guess %d of %s\n%s", n, name, page)
				}
			case 401:
				answered++
			default:
				t.Fatalf("guess %d of %s: %d", n, name, status)
			}
			s.pass(time.Second)
			if n%500 == 0 && inside.whoami() == "" {
				t.Error("the session of the attacked admin has ended")
			}
		}
		if answered > 17 {
			t.Errorf("%d of 991 guesses of %s within 991 s were answered", answered, name)
		}
		if s.pass(time.Minute); name == "alice" {
			if status, _ := guess(password); status != 303 {
				t.Errorf("the right password a minute later: %d", status)
			}
		}
	}
	if inside.whoami() == "" {
		t.Error("the session of the attacked admin has ended")
	}
	if status, _ := s.browser("192.0.2.8").signInAs("alice", password); status != 303 {
		t.Error("the attacked admin can't sign in from another address")
	}
}

// TestS40_Time checks that a guess takes as long for a name that exists as for another. A busy
// machine delays some of them, so they alternate, the quickest count, and a few rounds are tried.
func TestS40_Time(t *testing.T) {
	s := newSite(t)
	s.admin("alice", admins.Owner)
	quickest := map[string]time.Duration{"alice": time.Hour, "nobody": time.Hour}
	browsers, tokens := map[string]*browser{}, map[string]string{}
	for name, from := range map[string]string{"alice": "198.51.100.1", "nobody": "198.51.100.2"} {
		browsers[name] = s.browser(from)
		tokens[name] = browsers[name].token("/sign-in")
	}
	differ := func() bool { a, n := quickest["alice"], quickest["nobody"]; return a > 3*n || n > 3*a }
	for round := 0; round < 5 && (round == 0 || differ()); round++ {
		s.pass(24 * time.Hour) // guesses are not slowed any more
		for range 9 {
			for name, b := range browsers {
				start := time.Now()
				if status, _ := b.do("POST", "/sign-in", url.Values{"csrf": {tokens[name]}, "name": {name}, "password": {"wrong"}}); status != 401 {
					t.Fatal(status)
				}
				quickest[name] = min(quickest[name], time.Since(start))
			}
		}
	}
	if differ() {
		t.Errorf("the quickest guesses by name: %v", quickest)
	}
}

// TestS40_ManyAddresses checks that a name that many addresses guess at has fewer guesses from
// each, and that its admin can still sign in from another one.
func TestS40_ManyAddresses(t *testing.T) {
	s := newSite(t)
	s.admin("alice", admins.Owner)
	answered := 0
	for i := range 18 {
		b := s.browser(fmt.Sprintf("198.51.100.%d", i+1))
		token := b.token("/sign-in")
		for range 12 {
			if status, _ := b.do("POST", "/sign-in", url.Values{"csrf": {token}, "name": {"alice"}, "password": {"wrong"}}); status == 401 {
				answered++
			}
		}
	}
	if most := 100 + 8 + 3*7; answered > most || answered < 100 {
		t.Errorf("%d guesses from 18 addresses were answered, want at most %d", answered, most)
	}
	if status, _ := s.browser("192.0.2.8").signInAs("alice", password); status != 303 {
		t.Error("the attacked admin can't sign in from another address")
	}
	list, err := s.dir.Audit.Entries(t.Context(), audit.Query{Operation: "sign in failed", Limit: 1000})
	if err != nil || len(list) > 60 {
		t.Errorf("%d entries about failures, %v", len(list), err)
	}
}

// TestUnknownNames checks that what is typed as a name is not in the audit log unless it is one.
func TestUnknownNames(t *testing.T) {
	s := newSite(t)
	s.browser("192.0.2.1").signInAs("my-secret-password", "x")
	list, err := s.dir.Audit.Entries(t.Context(), audit.Query{Limit: 10})
	if err != nil || len(list) != 1 || list[0].Subject != "unknown name" || strings.Contains(fmt.Sprintf("%+v", list), "my-secret") {
		t.Errorf("%+v %v", list, err)
	}
}

// TestAuthenticate checks admin tokens.
func TestAuthenticate(t *testing.T) {
	s := newSite(t)
	a := s.admin("alice", admins.Operator)
	s.admin("root", admins.Owner)
	made, plain, err := s.dir.Admins.AddToken(t.Context(), a, "script", admins.Owner, time.Hour, s.clock())
	if err != nil || !strings.HasPrefix(plain, "stile_adm_") || made.Role != admins.Operator {
		t.Fatal(made, plain, err)
	}
	who, err := s.signIn.Authenticate(t.Context(), plain, "192.0.2.1")
	if want := (operations.Actor{Name: "alice", Role: "operator", Credential: "token …" + plain[len(plain)-4:], Address: "192.0.2.1"}); err != nil || who != want {
		t.Errorf("%+v %v", who, err)
	}
	for _, wrong := range []string{"", "stile_adm_", plain + "x", plain[:len(plain)-1] + "!", strings.ToUpper(plain), plain[10:]} {
		if who, err := s.signIn.Authenticate(t.Context(), wrong, ""); failure.KindOf(err) != failure.Forbidden || who.Role != "" {
			t.Errorf("%q: %+v %v", wrong, who, err)
		}
	}
	if _, err := s.dir.Admins.SetRole(t.Context(), a.Number, admins.Viewer); err != nil {
		t.Fatal(err)
	}
	if who, _ := s.signIn.Authenticate(t.Context(), plain, ""); who.Role != "viewer" {
		t.Errorf("after the admin's role was lowered, the token has %s", who.Role)
	}
	list, err := s.dir.Admins.Tokens(t.Context(), a.Number)
	if err != nil || !list[0].LastUsed.Equal(s.clock()) || list[0].LastFour != plain[len(plain)-4:] {
		t.Errorf("%+v %v", list, err)
	}
	s.pass(time.Hour)
	if who, err := s.signIn.Authenticate(t.Context(), plain, ""); err == nil {
		t.Errorf("an expired token: %+v", who)
	}
}

// TestUnknownNamesAreWritten checks that the audit log gets as many entries for names that no
// account has as for those that exist: the time of a write would tell which exist.
func TestUnknownNamesAreWritten(t *testing.T) {
	s := newSite(t)
	s.admin("alice", admins.Owner)
	b := s.browser("192.0.2.1")
	for i, name := range []string{"nobody", "alice", "somebody", "NOBODY"} {
		b.signInAs(name, "x")
		list, err := s.dir.Audit.Entries(t.Context(), audit.Query{Operation: "sign in failed", Limit: 10})
		if want := min(i+1, 3); err != nil || len(list) != want {
			t.Errorf("after a guess of %s: %d entries, want %d (%v)", name, len(list), want, err)
		}
	}
}

// TestNoRoleAnyMore checks that somebody whose role the issuer has removed has no session and no
// token after the next sign-in.
func TestNoRoleAnyMore(t *testing.T) {
	i := newIssuer(t)
	s := i.site(t)
	s.admin("root", admins.Owner)
	b := s.browser("192.0.2.1")
	if status, _ := i.signIn(t, b, "stile-owners"); status != 200 || b.whoami() == "" {
		t.Fatal(status)
	}
	olga, err := s.dir.Admins.Find(t.Context(), "olga")
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := s.dir.Admins.AddToken(t.Context(), olga, "script", admins.Owner, time.Hour, s.clock())
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := i.signIn(t, s.browser("192.0.2.2"), "other"); status != 403 {
		t.Errorf("without a role: %d", status)
	}
	if b.whoami() != "" {
		t.Error("a session continues without a role")
	}
	if _, err := s.signIn.Authenticate(t.Context(), token, "192.0.2.1"); err == nil {
		t.Error("a token is valid without a role")
	}
	if status, _ := i.signIn(t, s.browser("192.0.2.3"), "stile-owners"); status != 200 {
		t.Errorf("with a role again: %d", status)
	}
}

// TestAddingIsNoFactor checks that the challenge for adding a passkey can't be used to sign in
// without the password.
func TestAddingIsNoFactor(t *testing.T) {
	s := newSite(t)
	s.admin("alice", admins.Owner)
	b := s.browser("192.0.2.1")
	b.signInAs("alice", password)
	if status, text := b.doJSON("/account/passkeys/options", b.token("/whoami"), `{"name":"key"}`); status != 200 {
		t.Fatal(status, text)
	}
	delete(b.cookies, "stile-session")
	token := b.token("/sign-in")
	if status, text := b.doJSON("/sign-in/passkey/check", token, `{}`); status != 401 || !strings.Contains(text, "Start again") {
		t.Errorf("status %d %s", status, text)
	}
}

// TestNoPasskeyOfAnIssuersAccount checks that somebody who signs in by OpenID Connect can't add a
// passkey, also without the page: it would still sign in after the issuer has closed the account.
func TestNoPasskeyOfAnIssuersAccount(t *testing.T) {
	i := newIssuer(t)
	s := i.site(t)
	b := s.browser("192.0.2.1")
	if status, page := i.signIn(t, b, "stile-owners"); status != 200 {
		t.Fatal(status, page)
	}
	if status, text := b.doJSON("/account/passkeys/options", b.token("/whoami"), `{"name":"key"}`); status != 409 || !strings.Contains(text, "OpenID Connect") {
		t.Errorf("%d %s", status, text)
	}
	olga, err := s.dir.Admins.Find(t.Context(), "olga")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.dir.Admins.AddPasskey(t.Context(), admins.Passkey{Admin: olga.Number, Name: "key", Host: "localhost", Credential: []byte("id"), Record: []byte("{}")}, s.clock()); !errors.Is(err, admins.ErrIssuer) {
		t.Errorf("add a passkey: %v", err)
	}
}

// TestPasskeyNeedsRecentSignIn checks that the account's page says beforehand when a passkey can't
// be added, and that signing in again leads back to it and makes it possible.
func TestPasskeyNeedsRecentSignIn(t *testing.T) {
	s := newSite(t)
	s.admin("alice", admins.Viewer)
	b := s.browser("192.0.2.1")
	b.signInAs("alice", password)
	has := func(page, text string, want bool) {
		t.Helper()
		if strings.Contains(page, text) != want {
			t.Errorf("%q is in the page: %t, want %t\n%s", text, !want, want, page)
		}
	}
	_, page := b.do("GET", "/account", nil)
	has(page, "data-passkey=", true)
	has(page, "until <time", true)
	s.pass(admins.PasskeyWithin)
	_, page = b.do("GET", "/account", nil, "X-Stile-Refresh", "")
	has(page, "data-passkey=", false)
	link := "/sign-in?again=yes&amp;next=%2Faccount%23passkeys"
	has(page, link, true)
	status, page := b.do("GET", strings.ReplaceAll(link, "&amp;", "&"), nil)
	if status != 200 {
		t.Fatalf("status %d", status)
	}
	has(page, `value="alice"`, true)
	has(page, `value="/account#passkeys"`, true)
	token := csrfField.FindStringSubmatch(page)[1]
	status, to := b.do("POST", "/sign-in", url.Values{"csrf": {token}, "name": {"alice"}, "password": {password}, "next": {"/account#passkeys"}})
	if status != 303 || to != "/account#passkeys" {
		t.Errorf("signing in again leads to %s (%d)", to, status)
	}
	_, page = b.do("GET", "/account", nil)
	has(page, "data-passkey=", true)
}
