package commands

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// signIn signs in at the console. The client keeps the session.
func (h *harness) signIn(name, password string) *http.Client {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	form := h.page(c.Get(h.console()))
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(form)
	if csrf == nil {
		h.t.Fatalf("no form\n%s", form)
	}
	if got := h.page(c.PostForm(h.console()+"/sign-in", url.Values{"csrf": {csrf[1]}, "name": {name}, "password": {password}})); !strings.Contains(got, "Choose a password") {
		h.t.Fatalf("%s can't sign in:\n%s", name, got)
	}
	return c
}

// console returns the URL of the console. Its cookies need a name of a host.
func (h *harness) console() string { return strings.Replace(h.admin, "127.0.0.1", "localhost", 1) }

func (h *harness) page(resp *http.Response, err error) string {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if err := resp.Write(&b); err != nil {
		h.t.Fatal(err)
	}
	return b.String()
}

// TestAdminAccess checks what happens to sessions and tokens of an admin: a new password and
// another role end the sessions, and the tokens stay, with at most the new role, unless they are
// removed. A removed admin has no access.
func TestAdminAccess(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	var bob struct{ Password, Token string }
	add := func() {
		t.Helper()
		if err := json.Unmarshal([]byte(h.must("admin", "add", "bob", "--role", "operator", "--json")), &bob); err != nil {
			t.Fatal(err)
		}
	}
	isIn := func(c *http.Client) bool { return strings.Contains(h.page(c.Get(h.console())), "Choose a password") }
	may := func(method, path string) int {
		t.Helper()
		body := ""
		if method == "POST" {
			body = `{"client_id":"acme"}`
		}
		status, _ := h.send(method, h.admin+"/api/v1/"+path, body, "Authorization", "Bearer "+bob.Token, "Content-Type", "application/json")
		return status
	}
	add()
	c := h.signIn("bob", bob.Password)
	if !isIn(c) || may("POST", "tenants") != 201 {
		t.Fatal("bob can't do anything")
	}
	h.must("admin", "set", "bob", "--role", "viewer")
	if isIn(c) || may("GET", "tenants") != 200 || may("POST", "tenants") != 403 {
		t.Errorf("another role: session %t, token %d and %d", isIn(c), may("GET", "tenants"), may("POST", "tenants"))
	}
	c = h.signIn("bob", bob.Password)
	out, said, _ := h.run("admin", "set", "bob", "--reset-password")
	if !strings.Contains(said, "bob still has valid tokens (1). `stile admin set bob --remove-tokens` removes them") {
		t.Errorf("%s%s", out, said)
	}
	if isIn(c) || may("GET", "tenants") != 200 {
		t.Errorf("a new password: session %t, token %d", isIn(c), may("GET", "tenants"))
	}
	c = h.signIn("bob", oneTime.FindString(out))
	h.must("admin", "set", "bob", "--remove-tokens")
	if !isIn(c) || may("GET", "tenants") != 401 {
		t.Errorf("without tokens: session %t, token %d", isIn(c), may("GET", "tenants"))
	}
	if _, said, _ := h.run("admin", "set", "bob", "--reset-password", "--remove-tokens"); strings.Contains(said, "tokens") {
		t.Errorf("%s", said)
	}
	h.must("admin", "remove", "bob", "--yes")
	add()
	c = h.signIn("bob", bob.Password)
	h.must("admin", "remove", "bob", "--yes")
	if isIn(c) || may("GET", "tenants") != 401 {
		t.Errorf("removed: session %t, token %d", isIn(c), may("GET", "tenants"))
	}
}
