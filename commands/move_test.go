package commands

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stile.example/stile/stiletest/engines"
)

// TestMoveServes moves an installation to PostgreSQL and Valkey, and checks that a node serves all
// that was valid before: tokens with their counts, also one that was never used, passwords, admin
// tokens, links, repeated requests, statements and the audit log.
func TestMoveServes(t *testing.T) {
	h := everyTable(t)
	h.serve()
	added := h.must("admin", "add", "carol", "--role", "operator")
	admin := adminToken.FindString(added)
	link := linkSecret.FindString(h.must("tenant", "link", "add", "acme", "--name", "studio"))
	used, unused := strings.TrimSpace(h.must("token", "issue", "acme")), strings.TrimSpace(h.must("token", "issue", "acme"))
	for range 3 {
		h.get("/v1/items/i1?client_id=acme", used)
	}
	first := h.repeat(admin)
	key := h.must("statement", "key")
	old := filepath.Join(h.dir, "old.csv")
	h.must("statement", "export", "acme", "2026-11", old)
	h.end()
	usage := h.must("usage", "--json")
	from := filepath.Join(h.dir, "data")

	url := engines.Postgres(t)
	secret := h.write("store_key", strings.Repeat("5e", 32))
	nodes := "public_url: https://api.example\nstore: " + url + "\nstore_key_file: " + secret +
		"\nstate: valkey://" + engines.Valkey(t, "appendonly yes", "maxmemory-policy noeviction").Addr + "\n"
	r := newHarness(t, nodes)
	r.set(h.at())
	if out := r.must("move", "--from", from, "--dry-run"); !strings.Contains(out, "run the command again without --dry-run") {
		t.Errorf("a trial: %s", out)
	}
	out := r.must("move", "--from", from)
	if !strings.Contains(out, "read back and compared") || strings.Contains(out, "elderflower") {
		t.Errorf("the move: %s", out)
	}
	if out := r.must("move", "--from", from, "--json"); !strings.Contains(out, `"already": true`) && !strings.Contains(out, `"already":true`) {
		t.Errorf("again: %s", out)
	}
	if _, err, code := h.run("usage"); code != failed || !strings.Contains(err, "was moved to postgres://") || strings.Contains(err, "elderflower") {
		t.Errorf("the source: %d %s", code, err)
	}

	if out := r.must("fsck"); !strings.Contains(out, "everything agrees") {
		t.Errorf("fsck without a node: %s", out)
	}
	r.serve()
	if again := r.must("usage", "--json"); again != usage {
		t.Errorf("the usage is %s\nand was %s", again, usage)
	}
	for args, want := range map[string]string{
		"audit verify":                 "",
		"statement key":                key,
		"usage verify " + old:          "acme",
		"statement show acme 2026-11":  "0.0475",
		"address list":                 "198.51.100.7",
		"webhook list":                 "https://hooks.example/stile",
		"tenant link list acme --json": "studio",
	} {
		if out := r.must(strings.Fields(args)...); !strings.Contains(out, want) {
			t.Errorf("stile %s: %s", args, out)
		}
	}
	again := filepath.Join(r.dir, "new.csv")
	r.must("statement", "export", "acme", "2026-11", again)
	if a, b := read(t, old), read(t, again); a != b {
		t.Errorf("the statement was %s\nand is %s", a, b)
	}
	for name, token := range map[string]string{"used": used, "unused": unused} {
		if status, body := r.get("/v1/items/i1?client_id=acme", token); status != 200 {
			t.Errorf("a token that was %s: %d %s", name, status, body)
		}
	}
	r.in = used
	if out := r.must("token", "show", "-", "--json"); !strings.Contains(out, `"calls": 4`) && !strings.Contains(out, `"calls":4`) {
		t.Errorf("the token has other counts: %s", out)
	}
	if again := r.repeat(admin); again != first {
		t.Errorf("a repeated request: %q, and before %q", again, first)
	}
	r.signIn("carol", oneTime.FindString(added))
	r.openLink(link)
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMoveTeaches checks the errors of a move that can't begin.
func TestMoveTeaches(t *testing.T) {
	h := newHarness(t, "")
	for args, want := range map[string]string{
		"move":                                  "--from is missing",
		"move --from " + h.dir:                  "--to must be the URL of a PostgreSQL database",
		"move --from " + h.dir + " --to sqlite": "--to must be the URL of a PostgreSQL database",
		"move --from " + h.write("file", "") + " --to postgres://a:b@c/d": "is a file",
		"move --from postgres://a/b --to x":                               "data can't be moved back out of PostgreSQL",
		"move --from x --to postgres://a:b@c/d":                           "store_key_file",
	} {
		_, err, code := h.run(strings.Fields(args)...)
		if code == done || !strings.Contains(err, want) || strings.Contains(err, "a:b") {
			t.Errorf("stile %s: %d %s", args, code, err)
		}
	}
}

// TestFsckOnPostgres checks that fsck says what to do about a database that it can't read, without
// the password, and changes nothing in one that another program uses.
func TestFsckOnPostgres(t *testing.T) {
	url := engines.Postgres(t)
	h := newHarness(t, "")
	for name, c := range map[string]struct{ url, want string }{
		"a wrong password": {strings.Replace(url, "elderflower", "blackthorn", 1), "the password is wrong"},
		"no database":      {strings.Replace(url, "?", "x?", 1), "create it with CREATE DATABASE"},
		"no server":        {"postgres://stile:blackthorn@127.0.0.1:1/stile", "check the host and the port"},
		"no data":          {url, "start a node with `stile serve`"},
	} {
		h.write("stile.yaml", "data: "+h.dir+"/data\nstore: "+c.url+"\nstore_key: "+strings.Repeat("5e", 32)+"\n")
		_, err, code := h.run("fsck")
		if code != failed || !strings.Contains(err, c.want) || strings.Contains(err, "blackthorn") || strings.Contains(err, "elderflower") {
			t.Errorf("%s: %d %s", name, code, err)
		}
	}
}
