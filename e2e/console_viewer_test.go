package e2e

import (
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

// auditEntries returns the entries of the audit log.
func (s *server) auditEntries() string {
	s.t.Helper()
	return s.command("audit", "list", "--json")
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
// admin token. All are refused, and the audit log does not change.
func TestViewersChangeNothing(t *testing.T) {
	s := newServer(t, "")
	s.consoleData()
	owner, viewer := s.addAdmin("alice", "owner"), s.addAdmin("victor", "viewer")
	alice, victor := s.signIn(owner), s.signIn(viewer)
	forms, shown := s.consoleForms(t, alice)
	before := s.auditEntries()
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
	if after := s.auditEntries(); after != before {
		t.Errorf("the audit log has changed from\n%s\nto\n%s", before, after)
	}
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
	if after := s.auditEntries(); after != before {
		t.Errorf("the admin API has changed the audit log from\n%s\nto\n%s", before, after)
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
