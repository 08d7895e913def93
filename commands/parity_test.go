package commands

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/store/storetest"
)

// TestSameOutput runs every command with a server and without one, in the same order on two data
// directories, and checks that the output is the same.
func TestSameOutput(t *testing.T) {
	offline, online := newHarness(t, "public_url: https://api.example\n"), newHarness(t, "public_url: https://api.example\n")
	for _, h := range []*harness{offline, online} {
		h.must("admin", "add", "ada", "--role", "owner") // else the server adds an owner
	}
	online.serve()
	for _, h := range []*harness{offline, online} {
		h.write("items.jsonl", threeItems)
		h.write("wrong.jsonl", "{\"id\":\"a\"}\n{\"id\":\"b c\",\"title\":\"x\"}\n")
		h.write("less.jsonl", `{"id":"a","collection":"c","title":"Anna Maria"}`)
	}
	var token [2]string
	for _, line := range []string{
		"tenant add acme --name Acme --site https://WWW.acme.example:443/ --calls-per-month 100 --price 0.002",
		"tenant add acme",
		"tenant add other --json",
		"tenant add mal --site ftp://x --name \x1b[31m",
		"tenant list", "tenant list --json", "tenant show acme", "tenant show acme --json", "tenant show nobody",
		"tenant set acme policy.token.calls=5 site=required callbacks=angular.callbacks",
		"tenant set acme policy.token.calls=0 sit=required listen=:1",
		"tenant set acme site= --json",
		"tenant set nobody site=required",
		"tenant suspend acme --json", "token issue acme", "tenant resume acme",
		"tenant rotate-secret acme --overlap 24h", "tenant rotate-secret acme --json", "tenant rotate-secret acme --yes --json", "tenant rotate-secret nobody",
		"content import DIR/items.jsonl", "content import DIR/items.jsonl --json", "content import DIR/wrong.jsonl",
		"content import DIR/items.jsonl --tenant acme", "content import DIR/none.jsonl", "content import DIR/items.jsonl --tenant nobody",
		"content list", "content list --json", "content list --collection c --after a --limit 1", "content list --tenant acme",
		"content show a", "content show a --json", "content show zz", "content export", "content export --collection e",
		"content export DIR/out.jsonl", "content export DIR/out.jsonl", "content export DIR/out.jsonl --yes --json",
		"content import DIR/less.jsonl --prune", "content import DIR/items.jsonl --dry-run --prune", "content import DIR/wrong.jsonl --dry-run", "content import DIR/wrong.jsonl --skip-invalid --json",
		"content remove --collection none --yes", "content remove --collection e", "content list --limit 1 --json",
		"content remove d", "content remove d --json", "content remove a --json", "content list",
		"token issue acme --subject me", "token issue acme --json", "token issue acme --scope all", "token issue --tenant acme",
		"token show TOKEN --json", "token show TOKEN", "token show JTI", "token revoke TOKEN --json", "token show JTI --json", "token revoke nothing",
		"token show TOKEN.", "usage", "usage --json", "usage --format csv", "usage --tenant acme --from 2026-11 --to 2026-12", "usage --tenant nobody",
		"tenant set acme --price-per-record 0.0001 --tier calls:10=0.001 --tier records:100=0 --currency EUR", "tenant set acme --tier none", "tenant show acme",
		"statement list", "statement list --json", "statement show acme", "statement show acme 2020-01 --json", "statement show nobody", "statement close", "statement close --json",
		"statement export acme 2020-01", "statement prove acme 2020-01 --line 1",
		"address list", "address list --json", "address allow 203.0.113.0/24 --bindings 5000 --reason school", "address allow 2001:db8::1 --json",
		"address block 198.51.100.7 --for 24h --reason \x1b[31m", "address block 198.51.100.7 --for 1d --json", "address block 0.0.0.0/0", "address block ::/15", "address allow 10.0.0.0/8",
		"address list", "address list --json", "address remove 2001:db8::/64", "address remove 198.51.100.7 --json", "address remove 198.51.100.7", "explain 7QK2-M4TD",
		"key list", "key list --json", "key rotate", "key rotate --alg ES256 --json", "key list",
		"refusal list", "refusal list --limit 0", "refusal list --ref 7QK2-M4TD --json", "refusal list --observed maybe", "refusal list --from soon", "refusal list --after x",
		"token list --state live", "token list --state odd", "token list --tenant nobody --json", "token list --address here",
		"address proposals", "address list --kind crowded --json", "address list --kind odd", "address keep 203.0.113.99", "address show here", "address show 203.0.113.99 --json",
		"content collections --tenant nobody", "content search Anna --json", "content search --sort odd", "content search --tenant nobody",
		"content undo", "content undo --generation 99 --yes", "content undo --yes --json", "content list", "content undo --yes", "content list",
		"overview show --tenant nobody", "overview show --period year",
		"policy show", "policy show policy.token.calls", "policy show --tenant acme --json", "policy show no.such", "policy show --tenant nobody",
		"policy compare policy.spike.calls=3 --group class", "policy compare policy.spike.calls=3 --group class --tenant acme --json", "policy compare policy.spike.calls=x", "policy compare spike", "policy compare policy.spike.calls=3 --group none",
		"issuer list", "issuer list --json", "issuer refresh", "issuer refresh https://nobody.example --json", "issuer refresh a b",
		"backup DIR/b.tar", "backup DIR/b.tar", "backup DIR/b.tar --yes --json", "fsck", "fsck --json", "restore DIR/none.tar --data DIR/r", "restore DIR/b.tar --data DIR/r", "restore DIR/b.tar --data DIR/r2 --json", "restore DIR/b.tar --data DIR/r2",
		"webhook list", "webhook add https://127.0.0.1/x", "webhook add http://ops.example/x", "webhook add https://ops.example/x?key=k --event no", "webhook add https://ops.example/x --tenant nobody", "webhook add x", "webhook add",
		"webhook add https://ops.example/x?key=k --event tenant.quota --tenant acme", "webhook add https://ops.example/y --json", "webhook list --json", "webhook list",
		"webhook show nothing", "webhook set nothing --enable", "webhook set nothing", "webhook set nothing --enable --disable", "webhook set nothing --event x --all-events", "webhook remove nothing", "webhook remove nothing --yes", "webhook rotate-secret nothing", "webhook rotate-secret nothing --overlap 31d", "webhook test nothing",
		"webhook deliveries", "webhook deliveries nothing", "webhook deliveries --json", "webhook deliveries --state odd", "webhook deliveries --limit 0", "webhook deliveries --limit 1001",
		"webhook replay 4711", "webhook replay", "webhook replay x", "webhook replay --failed-of nothing",
		"doctor acme", "doctor acme --json", "doctor nobody", "tenant refusals acme", "tenant refusals acme --json", "tenant refusals acme 7QK2-M4TD", "tenant refusals nobody", "token issue acme --test",
		"tenant link add acme --name agency", "tenant link add acme --for 30d --json", "tenant link add acme --for 31d", "tenant link add acme --name \x1b", "tenant link add nobody",
		"tenant link list acme", "tenant link list acme --json", "tenant link remove acme nothing", "tenant link list nobody",
		"tenant remove other --yes", "tenant remove acme", "tenant remove acme --yes --json", "tenant remove acme", "tenant list", "content list --tenant acme",
		"admin add alice --role operator", "admin add bob --json", "admin add ALICE", "admin add al/ice", "admin add x --role root", "admin list", "admin list --json",
		"admin show alice", "admin show alice --json", "admin show nobody", "admin set alice --role owner", "admin set alice --reset-password --remove-passkeys --json", "admin set alice", "admin set nobody --role owner",
		"admin set alice --role viewer", "admin set alice --remove-tokens", "admin remove alice --json", "admin set ada --role viewer", "admin remove ada", "admin password bob", "admin password nobody",
		"admin token add bob backup --for 30d --json", "admin token add bob more --role owner", "admin token add bob x --for 400d", "admin token add bob x --for soon", "admin token list", "admin token list bob --json", "admin token list nobody",
		"admin token remove bob 2", "admin token remove bob 2 --json", "admin token remove bob x", "admin session list", "admin session list bob --json", "admin session revoke bob", "admin session revoke bob 7 --json",
		"admin passkey list", "admin passkey list bob --json", "admin passkey remove bob 1", "admin remove bob --json", "admin remove bob",
		"audit list", "audit list --json", "audit list --limit 1", "audit list --operation tenant --subject acme --to 2026-10", "audit list --after -1", "audit verify", "audit verify --json", "audit verify --head 12", "audit verify --head 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --json",
	} {
		var said [2]string
		for i, h := range []*harness{offline, online} {
			args := strings.Fields(strings.NewReplacer("DIR", h.dir, "TOKEN", token[i], "JTI", jtiOf(token[i])).Replace(line))
			out, err, code := h.run(args...)
			if line == "token issue acme --subject me" {
				token[i] = strings.TrimSpace(out)
			}
			said[i] = normal(strings.ReplaceAll(out+"\n--\n"+err, h.dir, "DIR")) + string(rune('0'+code))
		}
		if said[0] != said[1] {
			t.Errorf("stile %s\nwithout a server:\n%s\nwith one:\n%s", line, said[0], said[1])
		}
		if testing.Verbose() {
			t.Logf("stile %s\n%s", line, said[0])
		}
	}
}

// changing is what differs from run to run. A server has a history, and says in one of the other
// tables that it is ready.
var changing = regexp.MustCompile(`stile_dev_[A-Za-z0-9_-]{43}|\bid +[a-z2-7]{8}\b|[a-z2-7]{8}(  |")|stile_adm_[A-Za-z0-9_-]{43}|([a-z0-9]{5}-){3}[a-z0-9]{5}|"last_four":"[^"]+"|…[A-Za-z0-9_-]{4}"|(viewer|operator|owner) +[A-Za-z0-9_-]{4} +|whk_[a-z0-9]{12}|whsec_[A-Za-z0-9+/=]{44}|[0-9a-f]{64}|[0-9a-f]{32}|stile_[A-Za-z0-9_-]{43}|eyJ[A-Za-z0-9_.-]+|[A-Za-z0-9_-]{16}( |")|20\d\d-\d\d-\d\dT[0-9:.]+Z|"bytes":\d+|[0-9.]+ MB|"expires_in":\d+|"undo_until":"[^"…]*…|(history|other tables)"?[ :]+\d+`)

// normal replaces what differs from run to run.
func normal(text string) string { return changing.ReplaceAllString(text, "…") }

// TestJSONShapes compares the output of --json with the contract's table, byte by byte.
func TestJSONShapes(t *testing.T) {
	h := newHarness(t, "")
	items := h.write("items.jsonl", threeItems)
	wrong := h.write("wrong.jsonl", "{\"id\":\"a\",\"title\":\"x\"}\n{\"id\":\"b\"}\n")
	h.serve()
	for _, c := range []struct{ args, want string }{
		{"tenant add acme --site https://acme.example --name Acme", `{"client_id":"acme","client_secret":"…"}`},
		{"tenant rotate-secret acme --overlap 24h", `{"client_id":"acme","client_secret":"…"}`},
		{"tenant set acme site=required", `{"client_id":"acme","name":"Acme","sites":["https://acme.example"],"status":"active","calls_per_month":0,"policy":{"site":"required"}}`},
		{"tenant show acme", `{"client_id":"acme","name":"Acme","sites":["https://acme.example"],"status":"active","calls_per_month":0,"policy":{"site":"required"}}`},
		{"tenant set acme site=", `{"client_id":"acme","name":"Acme","sites":["https://acme.example"],"status":"active","calls_per_month":0,"policy":{}}`},
		{"tenant list", `[{"client_id":"acme","name":"Acme","sites":["https://acme.example"],"status":"active","calls_per_month":0,"policy":{}}]`},
		{"content import " + items, `{"added":3,"updated":0,"unchanged":0,"removed":0,"collections":{"c":2,"e":1}}`},
		{"content import " + items, `{"added":0,"updated":0,"unchanged":3,"removed":0,"collections":{"c":2,"e":1}}`},
		{"content list", `[{"id":"a","collection":"c","title":"Anna"},{"id":"b","collection":"c","title":"Berta"},{"id":"d","collection":"e","title":"Dora"}]`},
		{"content show d", `{"id":"d","collection":"e","title":"Dora","summary":"","body":"","image":null,"url":null,"tags":[],"attributes":{},"published_at":null,"updated_at":null}`},
		{"content show a", `{"id":"a","collection":"c","title":"Anna","summary":"","body":"","image":null,"url":null,"tags":["x"],"attributes":{"f":1.5,"n":9007199254740991},"published_at":null,"updated_at":null}`},
		{"usage", `[]`},
		{"token issue acme", `{"access_token":"…","token_type":"Bearer","expires_in":86400,"scope":"content"}`},
		{"content remove a b", `{"removed":2}`},
		{"address list", `[]`},
		{"address allow 203.0.113.0/24 --bindings 5000 --reason school", `{"range":"203.0.113.0/24","kind":"allow","until":null,"reason":"school","origin":"person"}`},
		{"address block 198.51.100.7 --for 24h", `{"range":"198.51.100.7/32","kind":"block","until":"…","reason":"","origin":"person"}`},
		{"address list", `[{"range":"198.51.100.7/32","kind":"block","until":"…","reason":"","origin":"person"},{"range":"203.0.113.0/24","kind":"allow","until":null,"reason":"school","origin":"person"}]`},
		{"address remove 203.0.113.0/24", `{"removed":"203.0.113.0/24"}`},
		{"key list", `[{"kid":"…","alg":"EdDSA","created_at":"…","signs":true,"verifies_until":null}]`},
		{"key rotate --alg ES256", `{"kid":"…","alg":"ES256","created_at":"…","signs":true,"verifies_until":null}`},
		{"key list", `[{"kid":"…","alg":"ES256","created_at":"…","signs":true,"verifies_until":null},{"kid":"…","alg":"EdDSA","created_at":"…","signs":false,"verifies_until":"…"}]`},
		{"tenant remove acme --yes", `{"removed":"acme"}`},
	} {
		out := h.must(append(strings.Fields(c.args), "--json")...)
		if got := loose.ReplaceAllString(out, `"$1":"…"`); got != c.want+"\n" {
			t.Errorf("stile %s --json\n got %swant %s", c.args, got, c.want)
		}
	}
	out, err, code := h.run("content", "import", wrong, "--json")
	if want := wrong + ":2: "; code != failed || out != "" || !strings.HasPrefix(err, want) || strings.Count(err, "\n") != 2 {
		t.Errorf("a wrong line: exit %d, %q, %q", code, out, err)
	}
	if out := h.must("content", "list", "--json"); out != `[{"id":"d","collection":"e","title":"Dora"}]`+"\n" {
		t.Errorf("after it: %s", out)
	}
}

var loose = regexp.MustCompile(`"(client_secret|access_token|kid|created_at|verifies_until|until)":"[^"]+"`)

// TestShowToken checks the JSON of a token before, during and after its use, and its usage.
func TestShowToken(t *testing.T) {
	h := newHarness(t, "public_url: https://api.example\n")
	h.write("items.jsonl", threeItems)
	h.serve()
	h.must("content", "import", filepath.Join(h.dir, "items.jsonl"))
	h.must("tenant", "add", "acme", "--price", "0.0015")
	h.must("tenant", "set", "acme", "policy.token.calls=2")
	token := strings.TrimSpace(h.must("token", "issue", "acme"))
	times := regexp.MustCompile(`"(issued_at|expires_at)":"[^"]+"`)
	show := func(want string) {
		t.Helper()
		for _, name := range []string{token, jtiOf(token)} {
			if out := times.ReplaceAllString(h.must("token", "show", name, "--json"), `"$1":"…"`); out != want+"\n" {
				t.Errorf("got %swant %s", out, want)
			}
		}
	}
	out := times.ReplaceAllString(h.must("token", "show", token, "--json"), `"$1":"…"`)
	if want := `{"active":true,"client_id":"acme","binding":"none","calls":0,"calls_limit":2,"reason":null,"issued_at":"…","expires_at":"…","challenges":0}`; out != want+"\n" {
		t.Errorf("got %swant %s", out, want)
	}
	for range 3 {
		h.get("/v1/items?client_id=acme&limit=2", token)
	}
	show(`{"active":false,"client_id":"acme","binding":"address","calls":2,"calls_limit":2,"reason":"token_exhausted","issued_at":"…","expires_at":"…","challenges":0}`)

	day := regexp.MustCompile(`"day":"\d{4}-\d\d-\d\d"`)
	if out := day.ReplaceAllString(h.must("usage", "--json"), `"day":"…"`); out != `[{"tenant":"acme","day":"…","route":"items","calls":2,"records":4,"amount":0.003}]`+"\n" {
		t.Errorf("usage: %s", out)
	}

	token = strings.TrimSpace(h.must("token", "issue", "acme"))
	h.get("/v1/items?client_id=acme", token)
	h.must("token", "revoke", jtiOf(token))
	show(`{"active":false,"client_id":"acme","binding":"address","calls":1,"calls_limit":2,"reason":"token_revoked","issued_at":"…","expires_at":"…","challenges":0}`)
	if status, body := h.get("/v1/items?client_id=acme", token); status != 401 || !strings.Contains(body, "token_revoked") {
		t.Errorf("a revoked token: %d %s", status, body)
	}
	h.end()
	show(`{"active":false,"client_id":"acme","binding":"address","calls":1,"calls_limit":2,"reason":"token_revoked","issued_at":"…","expires_at":"…","challenges":0}`)
}

// TestTenantChanges checks that a change of a tenant affects the next call.
func TestTenantChanges(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	h.must("tenant", "add", "acme")
	token := strings.TrimSpace(h.must("token", "issue", "acme"))
	limit := func(want string) {
		t.Helper()
		if status, body := h.get("/v1/items?client_id=acme", token); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%d %s, want %s", status, body, want)
		}
	}
	limit(`"calls_limit":2000`)
	h.must("tenant", "set", "acme", "policy.token.calls=7")
	limit(`"calls_limit":7`)
	h.must("tenant", "set", "acme", "site=required")
	if status, body := h.get("/v1/items?client_id=acme", token); status != 200 { // it has no sites
		t.Errorf("%d %s", status, body)
	}
	h.must("tenant", "set", "acme", "--site", "https://acme.example")
	if status, body := h.get("/v1/items?client_id=acme", token); status != 403 {
		t.Errorf("%d %s", status, body)
	}
	h.must("tenant", "set", "acme", "site=", "policy.token.calls=")
	limit(`"calls_limit":2000`)
	h.must("tenant", "suspend", "acme")
	if status, body := h.get("/v1/items?client_id=acme", token); status != 403 || !strings.Contains(body, "tenant_suspended") {
		t.Errorf("%d %s", status, body)
	}
	h.must("tenant", "resume", "acme")
	limit(`"calls_limit":2000`)
	h.must("tenant", "remove", "acme", "--yes")
	if status, _ := h.get("/v1/items?client_id=acme", token); status != 401 {
		t.Errorf("the token of a removed tenant: %d", status)
	}
	if out := h.must("usage", "--tenant", "acme"); !strings.Contains(out, "items  5") {
		t.Errorf("its usage is gone: %s", out)
	}
}

// TestBackupRestores checks that a backup that was made while serving can be restored completely.
func TestBackupRestores(t *testing.T) {
	h := newHarness(t, "")
	h.write("items.jsonl", threeItems)
	h.serve()
	h.must("tenant", "add", "acme")
	h.must("content", "import", filepath.Join(h.dir, "items.jsonl"))
	token := strings.TrimSpace(h.must("token", "issue", "acme"))
	h.get("/v1/items?client_id=acme", token)
	file := filepath.Join(h.dir, "b.tar")
	h.must("backup", file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the backup: %v %v", info, err)
	}
	public, _ := strings.CutPrefix(h.public, "http://")
	h.end()

	r := newHarness(t, "public_url: http://localhost:"+public[strings.LastIndexByte(public, ':')+1:]+"\n")
	storetest.Unpack(t, file, filepath.Join(r.dir, "data"))
	r.serve()
	if status, body := r.get("/v1/items?client_id=acme", token); status != 200 || !strings.Contains(body, `"calls":2,`) || !strings.Contains(body, "Berta") {
		t.Errorf("after the restore: %d %s", status, body)
	}
}
