package adminpages_test

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/console/adminpages"
	"stile.example/stile/console/consoletest"
	"stile.example/stile/operations"
	"stile.example/stile/operations/accounts"
)

// newSite returns a console whose caller is ada, an owner.
func newSite(t *testing.T) *consoletest.Site {
	t.Helper()
	s := consoletest.New(t, adminpages.Add)
	ada, err := s.Dir.Admins.Find(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	signIn(t, s, ada)
	return s
}

func signIn(t *testing.T, s *consoletest.Site, a admins.Admin) {
	t.Helper()
	if _, _, err := s.Dir.Admins.SignIn(t.Context(), a, "password", "192.0.2.1", "Firefox <b>", s.Dir.Now()); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, s *consoletest.Site, name string, role admins.Role) admins.Admin {
	t.Helper()
	a, _, err := s.Dir.Admins.Add(t.Context(), name, role, s.Dir.Now())
	if err != nil {
		t.Fatal(err)
	}
	signIn(t, s, a)
	return a
}

// TestAdmins checks what an owner does about another admin: add, change, remove.
func TestAdmins(t *testing.T) {
	s := newSite(t)
	page := s.Post("/add/admin", 200, "name", "bob", "role", "operator")
	consoletest.Has(t, page, "stile_adm_", `href="/admins/bob"`)
	once := regexp.MustCompile(`([a-z0-9]{5}-){3}[a-z0-9]{5}`).FindString(page)
	if _, err := s.Dir.Admins.CheckPassword(t.Context(), "bob", once); err != nil {
		t.Errorf("the password %q: %v", once, err)
	}
	consoletest.Has(t, s.Post("/add/admin", 409, "name", "Bob", "role", "viewer"), "exists already")
	consoletest.Has(t, s.Post("/add/admin", 400, "name", "b b", "role", "viewer"), "must have 1 to 64 letters")
	consoletest.Has(t, s.Get("/admins", 200), `href="/admins/bob"`, "operator", "one-time password")
	consoletest.Has(t, s.Get("/admins/bob", 200), "Reset the password…", "first token", "stile_adm_…")
	s.Get("/admins/nobody", 404)
	if to := s.Post("/admins/bob/role", 303, "role", "viewer"); to != "/admins/bob" {
		t.Error(to)
	}
	consoletest.Has(t, s.Post("/admins/ada/role", 409, "role", "viewer"), "is the last owner")
	consoletest.Has(t, s.Post("/admins/ada/remove", 409), "is the last owner")
	consoletest.Has(t, s.Post("/admins/bob/reset", 200), "One-time password")
	if _, err := s.Dir.Admins.CheckPassword(t.Context(), "bob", once); err == nil {
		t.Error("the old password is valid after a reset")
	}
	consoletest.Has(t, s.Post("/admins/bob/tokens/add", 400, "name", "x", "role", "owner", "for", "1d"), "must not be above that of bob")
	consoletest.Has(t, s.Post("/admins/bob/tokens/add", 200, "name", "x", "role", "viewer", "for", "1d"), "stile_adm_")
	s.Post("/admins/bob/tokens/remove", 303, "id", "2")
	s.Post("/admins/bob/tokens/remove", 404, "id", "2")
	s.Post("/admins/bob/remove", 303)
	s.Get("/admins/bob", 404)
}

// TestAccount checks what everybody does about their own account, and that nobody but an owner
// reaches another one.
func TestAccount(t *testing.T) {
	s := newSite(t)
	add(t, s, "bob", admins.Owner)
	consoletest.Has(t, s.Get("/account", 200), "Firefox &lt;b&gt;", "Change the password", "data-passkey=\"add\"")
	s.Role = operations.Viewer
	consoletest.Has(t, s.Get("/account", 200), "Firefox &lt;b&gt;")
	consoletest.Has(t, s.Post("/account/tokens/add", 200, "name", "script", "role", "viewer", "for", "90d"), "stile_adm_")
	s.Post("/account/sessions/revoke", 303, "id", "1")
	consoletest.Has(t, s.Get("/account", 200), "No sessions")
	s.Post("/account/sessions/revoke", 404, "id", "2") // bob's
	for _, path := range []string{"/admins", "/admins/bob", "/add/admin", "/admins/bob/role", "/admins/bob/remove", "/admins/bob/reset", "/admins/bob/tokens/add"} {
		s.Get(path, 403)
	}
	for _, path := range []string{"/add/admin", "/admins/bob/role", "/admins/bob/remove", "/admins/bob/reset", "/admins/bob/tokens/add", "/admins/bob/tokens/remove", "/admins/bob/sessions/revoke", "/admins/bob/passkeys/remove"} {
		s.Post(path, 403, "id", "1", "name", "x", "role", "owner")
	}
}

// TestOthersByOperation checks that the operations refuse what the pages do not offer, and that a
// token manages no account unless it is an owner's.
func TestOthersByOperation(t *testing.T) {
	s := newSite(t)
	bob := add(t, s, "bob", admins.Operator)
	_, err := s.Dir.Admins.ResetPassword(t.Context(), bob.Number)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []operations.Actor{
		{Name: "carol", Role: admins.Operator, Credential: "password"},
		{Name: "bob", Role: admins.Operator, Credential: "token …abcd"},
		{Name: "bob", Role: admins.Operator},
	} {
		do := func(name string, err error) {
			t.Helper()
			if err == nil {
				t.Errorf("%+v may %s", by, name)
			}
		}
		_, err := operations.RunAs[accounts.Name, accounts.View](t.Context(), s.Dir, by, "admin show", accounts.Name{Name: "bob"})
		do("show", err)
		_, err = operations.RunAs[accounts.Name, []accounts.TokenView](t.Context(), s.Dir, by, "admin token list", accounts.Name{Name: "bob"})
		do("list tokens", err)
		_, err = operations.RunAs[accounts.Name, []accounts.SessionView](t.Context(), s.Dir, by, "admin session list", accounts.Name{})
		do("list all sessions", err)
		_, err = operations.RunAs[accounts.TokenAddition, accounts.NewToken](t.Context(), s.Dir, by, "admin token add", accounts.TokenAddition{Admin: "bob", Name: "x"})
		do("add a token", err)
		_, err = operations.RunAs[accounts.SessionNames, accounts.Removed](t.Context(), s.Dir, by, "admin session revoke", accounts.SessionNames{Admin: "bob"})
		do("revoke sessions", err)
		_, err = operations.RunAs[accounts.PasswordChange, accounts.View](t.Context(), s.Dir, by, "admin password", accounts.PasswordChange{Name: "bob", Password: "a long way round"})
		do("set the password", err)
		_, err = operations.RunAs[accounts.Credential, accounts.Removed](t.Context(), s.Dir, by, "admin passkey remove", accounts.Credential{Admin: "bob", ID: 1})
		do("remove a passkey", err)
	}
	owner := operations.Actor{Name: "ada", Role: admins.Owner, Credential: "token …abcd"}
	if _, err := operations.RunAs[accounts.PasswordChange, accounts.View](t.Context(), s.Dir, owner, "admin password", accounts.PasswordChange{Name: "bob", Password: "a long way round"}); err == nil {
		t.Error("an owner chooses another admin's password")
	}
}

// TestAudit checks the list, one entry, the filters and the check of the log.
func TestAudit(t *testing.T) {
	s := newSite(t)
	for i := range 60 {
		s.Post("/account/tokens/add", map[bool]int{true: 200, false: 409}[i < 50], "name", "token "+strconv.Itoa(i), "role", "viewer", "for", "1d")
	}
	s.Post("/add/admin", 200, "name", "bob", "role", "viewer")
	page := s.Get("/audit", 200)
	consoletest.Has(t, page, "admin add", "admin token add", `href="/audit?after=2"`, "127.0.0.1")
	consoletest.Has(t, s.Get("/audit?after=2", 200), `href="/audit"`)
	consoletest.Has(t, s.Get("/audit?operation=admin+add&actor=ada&subject=bob", 200), ">bob<")
	consoletest.Has(t, s.Get("/audit?actor=nobody", 200), "Nothing found")
	s.Get("/audit?from=yesterday", 400)
	s.Get("/audit?after=x", 400)
	consoletest.Has(t, s.Get("/audit/2", 200), "token 0", "token 1", "Before", "After", "added an admin token")
	s.Get("/audit/99", 404)
	s.Get("/audit/x", 404)
	consoletest.Has(t, s.Get("/audit/verify", 200), "All 51 entries are as they were written")
	if strings.Contains(s.Get("/audit/51", 200), "stile_adm_") {
		t.Error("the audit log has a token")
	}
	consoletest.Has(t, s.Get("/audit/verify?head="+strings.Repeat("0", 64), 200), "was changed outside stile at entry 1.")
}

// TestGuessesOfTheCurrentPassword checks that somebody who finds a browser signed in can't find out
// the password there, and that the owner can continue a minute later.
func TestGuessesOfTheCurrentPassword(t *testing.T) {
	s := newSite(t)
	const right, next = "a long way round", "many a slip twixt"
	ada, err := s.Dir.Admins.Find(t.Context(), "ada")
	if err == nil {
		err = s.Dir.Admins.SetPassword(t.Context(), ada.Number, right)
	}
	if err != nil {
		t.Fatal(err)
	}
	by := operations.Actor{Name: "ada", Role: admins.Owner, Credential: "password"}
	change := func(current string) error {
		_, err := operations.RunAs[accounts.PasswordChange, accounts.View](t.Context(), s.Dir, by, "admin password", accounts.PasswordChange{Name: "ada", Password: next, Current: current})
		return err
	}
	for range 9 {
		if err := change("wrong"); err == nil || !strings.Contains(err.Error(), "password is wrong") {
			t.Fatal(err)
		}
	}
	if err := change(right); err == nil || !strings.Contains(err.Error(), "wrong too often") {
		t.Errorf("the tenth guess: %v", err)
	}
	if err := s.Dir.Admins.CheckCurrent(t.Context(), ada, right, s.Dir.Now().Add(time.Minute)); err != nil {
		t.Errorf("the right one a minute later: %v", err)
	}
	other := add(t, s, "bob", admins.Viewer)
	if err := s.Dir.Admins.CheckCurrent(t.Context(), other, "wrong", s.Dir.Now()); !errors.Is(err, admins.ErrNotFound) {
		t.Errorf("another account: %v", err)
	}
}
