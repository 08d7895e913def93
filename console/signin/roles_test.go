package signin_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/admins"
	"stile.example/stile/audit"
	"stile.example/stile/operations"
)

var pathValue = regexp.MustCompile(`\{[^}]*\}`)

// TestViewer sends every form of the console as a viewer, with the token, except those about the
// viewer's own account, and checks that nothing changes.
func TestViewer(t *testing.T) {
	s := newSite(t)
	s.admin("root", admins.Owner)
	s.admin("alice", admins.Viewer)
	b := s.browser("192.0.2.1")
	b.signInAs("alice", password)
	token := b.token("/account")
	forms := s.frame.Forms()
	if len(forms) < 15 {
		t.Fatalf("only %d forms", len(forms))
	}
	for _, form := range forms {
		if strings.HasPrefix(form.Path, "/account/") { // the viewer's own account
			continue
		}
		path := pathValue.ReplaceAllString(form.Path, "root")
		status, page := b.do("POST", path, url.Values{"csrf": {token}, "id": {"1"}, "name": {"x"}, "client_id": {"x"}, "confirm": {"root"}, "role": {"owner"}, "range": {"192.0.2.0/24"}})
		if form.Role != operations.Viewer && status != 403 {
			t.Errorf("%s: role %s, status %d\n%s", form.Path, form.Role, status, page)
		}
	}
	list, err := s.dir.Audit.Entries(t.Context(), audit.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Operation != "sign in" {
			t.Errorf("a viewer changed something: %+v", e)
		}
	}
	if a, err := s.dir.Admins.Find(t.Context(), "alice"); err != nil || a.Role != admins.Viewer {
		t.Errorf("%+v %v", a, err)
	}
}
