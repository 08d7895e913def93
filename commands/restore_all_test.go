package commands

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestRestoreServes makes a backup while calls continue, restores it into an empty directory, and
// checks that a server there answers to everything that was valid before: tokens, passwords, admin
// tokens, links, repeated requests, statements and the audit log.
func TestRestoreServes(t *testing.T) {
	h := everyTable(t)
	h.serve()
	added := h.must("admin", "add", "carol", "--role", "operator")
	admin := adminToken.FindString(added)
	link := linkSecret.FindString(h.must("tenant", "link", "add", "acme", "--name", "studio"))
	token := strings.TrimSpace(h.must("token", "issue", "acme"))
	h.get("/v1/items/i1?client_id=acme", token)
	first := h.repeat(admin)
	key := h.must("statement", "key")
	old := filepath.Join(h.dir, "old.csv")
	h.must("statement", "export", "acme", "2026-11", old)
	file := filepath.Join(h.dir, "b.tar")
	busy := strings.TrimSpace(h.must("token", "issue", "acme")) // another, since a challenge may come
	stop, stopped := make(chan bool), make(chan int)
	go func() { // calls and changes continue
		calls := 0
		defer func() { stopped <- calls }()
		for {
			select {
			case <-stop:
				return
			default:
				h.get("/v1/items?client_id=acme", busy)
				calls++
			}
		}
	}()
	h.must("address", "block", "198.51.100.9")
	h.must("backup", file)
	close(stop)
	if calls := <-stopped; calls == 0 {
		t.Error("no call was made meanwhile")
	}
	h.end()

	r := newHarness(t, "public_url: https://api.example\n")
	r.set(h.at())
	if out := r.must("restore", file); !strings.Contains(out, "statements    1\n") || !strings.Contains(out, "webhooks      1\n") || !strings.Contains(out, "admins        3\n") {
		t.Errorf("%s", out)
	}
	for args, want := range map[string]string{
		"fsck":                         "everything agrees",
		"audit verify":                 "",
		"statement key":                key,
		"usage verify " + old:          "acme",
		"statement show acme 2026-11":  "0.0475",
		"address list":                 "198.51.100.9",
		"webhook list":                 "https://hooks.example/stile",
		"tenant link list acme --json": "studio",
	} {
		if out := r.must(strings.Fields(args)...); !strings.Contains(out, want) {
			t.Errorf("stile %s: %s", args, out)
		}
	}
	r.serve()
	if status, body := r.get("/v1/items/i1?client_id=acme", token); status != 200 {
		t.Errorf("an old token: %d %s", status, body)
	}
	if again := r.repeat(admin); again != first || !strings.HasPrefix(first, `201{"data":`) {
		t.Errorf("a repeated request: %q, and before %q", again, first)
	}
	r.signIn("carol", oneTime.FindString(added))
	r.openLink(link)
}

// repeat rotates a secret by a request that may be repeated, and returns the response.
func (h *harness) repeat(token string) string {
	h.t.Helper()
	return fmt.Sprint(h.send("POST", h.admin+"/api/v1/tenants/globe/secret", "", "Authorization", "Bearer "+token, "Idempotency-Key", `"again"`))
}
