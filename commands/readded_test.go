package commands

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// TestAddedAgain gives the client_id of a removed tenant to another organisation. That one sees
// nothing of what the earlier one used and was billed, by its commands, the admin API and its own
// view. The operator keeps all of it, under the name client_id~number.
func TestAddedAgain(t *testing.T) {
	h := billed(t)
	h.set(h.at().AddDate(0, 0, 7))
	h.must("tenant", "remove", "acme", "--yes")
	if out := h.must("statement", "show", "acme", "2026-11"); !strings.Contains(out, "0.0475 EUR") {
		t.Errorf("a removed tenant: %s", out)
	}
	h.serve()
	h.must("tenant", "add", "acme", "--name", "Another Ltd")
	h.must("admin", "add", "alice")
	token := adminToken.FindString(h.must("admin", "token", "add", "alice", "x"))
	for args, want := range map[string]string{
		"usage --tenant acme --json":            "[]\n",
		"usage --tenant acme~1 --json":          `"tenant":"acme~1","day":"2026-11-20","route":"item","calls":25,`,
		"usage --json":                          `"tenant":"acme~1"`,
		"statement list --tenant acme --json":   "[]\n",
		"statement list --tenant acme~1 --json": `"tenant":"acme~1","name":"=Acme`,
		"statement list --json":                 `"tenant":"acme~1","name":"=Acme`,
		"statement show acme~1 2026-11":         "0.0475 EUR",
		"statement show acme --json":            `"calls":0`,
		"tenant show acme --json":               `"name":"Another Ltd"`,
	} {
		if out := h.must(strings.Fields(args)...); !strings.Contains(out, want) || want == "[]\n" && out != want {
			t.Errorf("stile %s: %s", args, out)
		}
	}
	for _, args := range []string{"statement show acme 2026-11", "statement export acme 2026-11", "statement prove acme 2026-11 --line 1"} {
		if _, err, code := h.run(strings.Fields(args)...); code != failed || !strings.Contains(err, "there is no statement of acme for 2026-11") {
			t.Errorf("stile %s: exit %d %s", args, code, err)
		}
	}
	file := filepath.Join(h.dir, "acme.csv")
	h.must("statement", "export", "acme~1", "2026-11", file)
	if out := h.must("usage", "verify", file); !strings.Contains(out, "acme") {
		t.Errorf("the earlier tenant's file: %s", out)
	}
	for path, want := range map[string]string{
		"statements?tenant=acme": `200 {"data":[]`, "statements/acme/2026-11": "404 ", "usage?tenant=acme": `200 `,
		"statements?tenant=acme~1": `200 {"data":[{"tenant":"acme~1"`, "statements/acme~1/2026-11": "200 ",
	} {
		status, body := h.send("GET", h.admin+"/api/v1/"+path, "", "Authorization", "Bearer "+token)
		if got := fmt.Sprint(status, " ", body); !strings.HasPrefix(got, want) || strings.HasPrefix(path, "usage") && strings.Contains(body, "2026-11-20") {
			t.Errorf("GET %s: %s", path, got)
		}
	}
	h.ownViewHidesEarlier()
}

// ownViewHidesEarlier opens the view of acme's developers, and checks that it has nothing of
// November.
func (h *harness) ownViewHidesEarlier() {
	h.t.Helper()
	cookie := h.openLink(linkSecret.FindString(h.must("tenant", "link", "add", "acme", "--name", "agency")))
	status, page := h.send("GET", h.public+"/developers/usage", "", "Cookie", cookie)
	if status != http.StatusOK || !strings.Contains(page, "<th scope=\"row\">2026-12") || strings.Contains(page, "/2026-11/") || strings.Contains(page, "0.0475") {
		h.t.Errorf("the page of usage: %d %s", status, page)
	}
	for _, format := range []string{"html", "csv", "json", "ndjson"} {
		if status, body := h.send("GET", h.public+"/developers/statements/2026-11/statement."+format, "", "Cookie", cookie); status != http.StatusNotFound {
			h.t.Errorf("the statement as %s: %d %s", format, status, body)
		}
	}
}

// openLink opens a link to a tenant's own view, and returns the cookie of the session.
func (h *harness) openLink(secret string) string {
	h.t.Helper()
	resp, err := untilRedirected.PostForm(h.public+"/developers/open", url.Values{"link": {secret}})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || len(resp.Cookies()) != 1 {
		h.t.Fatalf("the link: %d %v", resp.StatusCode, err)
	}
	return resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
}
