package e2e

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/console"
	"stile.example/stile/console/consoletest"
)

// mayViewers are the forms that viewers may send, because they change nothing, or only what is the
// viewer's own.
var mayViewers = regexp.MustCompile(`^/(search|tokens/find|policy/compare|policy/runs/.*/stop|account/.*|sign-out|sign-in/password)$`)

// consoleData adds one of everything that the console has a form for.
func (s *server) consoleData() {
	s.t.Helper()
	s.write("own.jsonl", `{"id":"own","title":"Own"}`)
	s.command("content", "import", "own.jsonl", "--tenant", "acme")
	s.command("tenant", "add", "globe")
	s.command("tenant", "suspend", "globe")
	s.command("tenant", "set", "acme", "policy.token.calls=100")
	s.command("tenant", "link", "add", "acme")
	s.command("address", "block", "198.51.100.0/24", "--for", "7d", "--reason", "scraper")
	s.command("address", "allow", "203.0.113.0/24", "--reason", "school")
	s.command("webhook", "add", "https://ops.example/stile")
	token := s.tokens(1)[0]
	if _, err := s.get("/v1/items", token, ""); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.get("/v1/items", "wrong", ""); err != nil {
		s.t.Fatal(err)
	}
}

// looks are what commands print of all that a form or the admin API can change.
var looks = []string{"audit list", "tenant list", "tenant show acme", "tenant show globe", "tenant link list acme", "content list", "content export", "content export --tenant acme", "token list",
	"address list", "key list", "issuer list", "admin list", "webhook list", "statement list", "refusal list"}

// uses are when an admin token or a session was last used, and how far a delivery has come.
var uses = regexp.MustCompile(`"(last_used|last_seen|last_sign_in|waiting|last_delivery)": *("[^"]*"|[0-9]+|null)`)

// state returns all that may not change. Nothing of it depends on the time.
func (s *server) state() string {
	s.t.Helper()
	var all strings.Builder
	for _, look := range looks {
		fields := strings.Fields(look)
		if fields[1] != "export" {
			fields = append(fields, "--json")
		}
		fmt.Fprintf(&all, "%s\n%s\n", look, uses.ReplaceAllString(s.command(fields...), ""))
	}
	return all.String()
}

// unchanged checks that the state is as it was before.
func (s *server) unchanged(before, what string) {
	s.t.Helper()
	if after := s.state(); after != before {
		s.t.Errorf("%s changed the state from\n%s\nto\n%s", what, before, after)
	}
}

// registered returns the paths of all forms of the console, with values in them, and which of them
// are uploads.
func registered(t *testing.T) map[string]bool {
	t.Helper()
	site := consoletest.New(t)
	if _, err := console.New(console.Options{Frame: site.Frame, SignIn: site, Log: slog.New(slog.DiscardHandler), Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range site.Frame.Forms() {
		found[strings.NewReplacer("{client_id}", "acme", "{name}", "alice", "{id}", "1").Replace(f.Path)] = f.Upload
	}
	return found
}

// consoleForms returns the forms that the pages of an owner have, and those that no page has now.
func (s *server) consoleForms(t *testing.T, owner *browser) (all []webForm, shown int) {
	t.Helper()
	var actions []string
	for _, p := range owner.walk("/") {
		for _, f := range p.forms() {
			if !slices.Contains(actions, f.Action) {
				actions, all = append(actions, f.Action), append(all, f)
			}
		}
	}
	shown = len(all)
	for path, isUpload := range registered(t) {
		if !slices.Contains(actions, path) {
			all = append(all, webForm{path, url.Values{"name": {"alice"}, "range": {"198.51.100.0/24"}, "id": {"1"}}, isUpload})
		}
	}
	// the script sends the first two
	for _, path := range []string{"/account/passkeys/options", "/account/passkeys/add", "/sign-in/password"} {
		all = append(all, webForm{Action: path, Fields: url.Values{"name": {"laptop"}}})
	}
	return all, shown
}

// TestViewersChangeNothing walks the console as an owner, and sends each form that it has with a
// viewer's session and token, as an owner without the token of the session, and as an owner from
// another origin. Then it sends the example of each change in the OpenAPI document with a viewer's
// admin token, and with an owner's cookie. All are refused, and nothing that commands show changes.
func TestViewersChangeNothing(t *testing.T) {
	s := newServer(t, "")
	s.consoleData()
	owner, viewer := s.addAdmin("alice", "owner"), s.addAdmin("victor", "viewer")
	alice, victor := s.signIn(owner), s.signIn(viewer)
	forms, shown := s.consoleForms(t, alice)
	before := s.state()
	refuse := func(who string, f webForm, p page) {
		t.Helper()
		if p.Status != http.StatusForbidden {
			t.Errorf("POST %s %s: %d, want 403\n%.300s", f.Action, who, p.Status, textOf(p.root))
		}
	}
	viewers := 0
	for _, f := range forms {
		kind, body := f.encode(t, "")
		refuse("without the token", f, alice.send(f.Action, kind, body))
		kind, body = f.encode(t, victor.csrf)
		refuse("with another's token", f, alice.send(f.Action, kind, body))
		kind, body = f.encode(t, alice.csrf)
		refuse("from another site", f, alice.send(f.Action, kind, body, "Sec-Fetch-Site", "cross-site"))
		refuse("from another origin", f, alice.send(f.Action, kind, body, "Origin", "https://evil.example"))
		if mayViewers.MatchString(f.Action) {
			viewers++
			continue
		}
		kind, body = f.encode(t, victor.csrf)
		refuse("by a viewer", f, victor.send(f.Action, kind, body))
	}
	s.unchanged(before, "forms")
	t.Logf("%d forms, of which %d are on pages and %d are for viewers", len(forms), shown, viewers)
	if shown < 25 || len(forms) < 40 || viewers > 14 {
		t.Errorf("%d forms, of which %d are on pages and %d are for viewers", len(forms), shown, viewers)
	}
	for _, p := range victor.walk("/") {
		for _, f := range p.forms() {
			if !mayViewers.MatchString(f.Action) {
				t.Errorf("%s shows a viewer the form %s", p.Path, f.Action)
			}
		}
	}
	s.refusesChangesOf(viewer)
	s.unchanged(before, "the admin API")
	s.refusesCookies(alice, owner.Token)
	s.unchanged(before, "the admin API with a cookie")
}

// refusesCookies sends each example of a change to the admin API with an owner's session instead of
// a token, as a page of the console and one of another site could make a browser do.
func (s *server) refusesCookies(owner *browser, token string) {
	s.t.Helper()
	for _, o := range s.apiOperations(token, "POST", "PUT", "PATCH", "DELETE") {
		path, kind, body := o.example(s.t)
		for _, header := range []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site", "Origin: https://evil.example"} {
			req, err := http.NewRequest(o.Method, s.AdminURL+"/api/v1"+path, strings.NewReader(body))
			s.must(err)
			req.Header.Set("Content-Type", kind)
			name, value, _ := strings.Cut(header, ": ")
			req.Header.Set(name, value)
			want := http.StatusForbidden
			if value == "same-origin" {
				want = http.StatusUnauthorized
			}
			if p := owner.do(req); p.Status != want {
				s.t.Errorf("%s with a cookie and %s: %d, want %d: %.200s", o, header, p.Status, want, p.Text)
			}
		}
	}
}

// refusesChangesOf sends each example of a change in the OpenAPI document with a viewer's token.
func (s *server) refusesChangesOf(viewer account) {
	s.t.Helper()
	n := 0
	for _, o := range s.apiOperations(viewer.Token, "POST", "PUT", "PATCH", "DELETE") {
		path, kind, body := o.example(s.t)
		n++
		if status, _, text := s.api(viewer.Token, o.Method, path, kind, body); status != http.StatusForbidden {
			s.t.Errorf("%s by a viewer: %d, want 403: %s", o, status, text)
		}
	}
	s.t.Logf("%d changes of the admin API", n)
	if n < 25 {
		s.t.Errorf("the document has only %d changes", n)
	}
}
