package commands

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// What commands print once: one-time passwords, admin tokens, and the secrets of links.
var (
	oneTime    = regexp.MustCompile(`([a-z0-9]{5}-){3}[a-z0-9]{5}`)
	adminToken = regexp.MustCompile(`stile_adm_[\w-]{43}`)
	linkSecret = regexp.MustCompile(`stile_dev_[\w-]{43}`)
)

// untilRedirected is a client that returns a redirection as the response.
var untilRedirected = http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// TestFirstOwner checks that the first start adds an owner and prints its one-time password once,
// not in the log, and that the password signs in at the URL that is printed.
func TestFirstOwner(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	password := oneTime.FindString(h.out.String())
	if password == "" || !strings.Contains(h.out.String(), "The console is at "+h.console()+". Sign in as owner ") {
		t.Fatalf("printed: %s", h.out)
	}
	h.signIn("owner", password)
	if list := h.must("admin", "list"); !strings.Contains(list, "owner  owner  one-time password") {
		t.Errorf("admins: %s", list)
	}
	h.end()
	if strings.Contains(h.log.String(), password) {
		t.Error("the log has the password")
	}
	h.serve()
	if text := h.out.String(); text != "" {
		t.Errorf("the second start prints %s", text)
	}
}

// TestAdminSecrets checks that what admins authenticate with is neither in the log nor in the audit
// log (S10), and that the demo prints the first owner's password with the console's URL.
func TestAdminSecrets(t *testing.T) {
	h := newHarness(t, "log: {level: debug}\n")
	h.serve("--demo", "--demo-listen", "127.0.0.1:0")
	if text := h.out.String(); oneTime.FindString(text) == "" || !strings.Contains(text, "the console       http://localhost:") {
		t.Errorf("the demo prints\n%s", text)
	}
	h.must("admin", "add", "alice", "--json")
	secrets := oneTime.FindAllString(h.must("admin", "add", "bob")+h.must("admin", "set", "alice", "--reset-password"), -1)
	token := adminToken.FindString(h.must("admin", "token", "add", "alice", "x"))
	h.in = "the bard sang badly\n"
	h.must("admin", "password", "alice")
	h.send("GET", h.admin+"/api/v1/tenants", "", "Authorization", "Bearer "+token)
	secrets = append(secrets, token, token[len("stile_adm_"):], "bard sang")
	if len(secrets) != 5 {
		t.Fatalf("%q", secrets)
	}
	where := map[string]string{"audit log": h.must("audit", "list", "--json"), "list of tokens": h.must("admin", "token", "list", "--json"), "list of admins": h.must("admin", "list", "--json")}
	h.end()
	where["log"] = h.log.String()
	for name, text := range where {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("the %s has %s", name, secret)
			}
		}
	}
}

// TestAPIWithCookies checks that the admin API refuses a program whose requests have any cookie,
// but no token, with 401 in JSON. Only a person who follows a link is sent to sign in.
func TestAPIWithCookies(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	for _, c := range []struct {
		method, accept string
		status         int
	}{{"GET", "", 401}, {"GET", "*/*", 401}, {"POST", "", 401}, {"GET", "text/html,*/*;q=0.8", 303}} {
		req, err := http.NewRequest(c.method, h.admin+"/api/v1/tenants", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Cookie": {"stile-session=x; theme=dark"}, "Accept": {c.accept}}
		res, err := untilRedirected.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != c.status || c.status == 401 && !strings.HasPrefix(string(text), `{"error":{"type":"/api/v1/#token_missing"`) {
			t.Errorf("%s, Accept: %s: %d %s", c.method, c.accept, res.StatusCode, text)
		}
	}
}
