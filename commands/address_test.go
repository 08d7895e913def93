package commands

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/simulate"
)

// call makes a call with a token of the tenant acme. It returns the code of the refusal, "" if the
// call was answered, and the reference. headers are as in [harness.get].
func (h *harness) call(token string, headers ...string) (code, ref string) {
	h.t.Helper()
	_, body := h.get("/v1/items?client_id=acme", token, headers...)
	return h.refusalIn(body)
}

// refusalIn returns the code and the reference of a refusal, or "".
func (h *harness) refusalIn(body string) (code, ref string) {
	h.t.Helper()
	var said struct{ Error struct{ Code, Ref string } }
	if err := json.Unmarshal([]byte(body), &said); err != nil {
		h.t.Fatalf("%v: %s", err, body)
	}
	return said.Error.Code, said.Error.Ref
}

func (h *harness) token() string { return strings.TrimSpace(h.must("token", "issue", "acme")) }

// TestAddressChanges checks that a change of the address list affects the next call, and survives a
// restart.
func TestAddressChanges(t *testing.T) {
	h := newHarness(t, "public_url: https://api.example\n")
	h.serve()
	h.must("tenant", "add", "acme")
	token := h.token()
	want := func(code string) {
		t.Helper()
		if got, _ := h.call(token); got != code {
			t.Errorf("the call: %q, want %q", got, code)
		}
	}
	want("")
	h.must("address", "block", "127.0.0.0/8", "--for", "24h")
	want("address_blocked")
	h.must("address", "allow", "127.0.0.1")
	want("")
	h.must("address", "remove", "127.0.0.1")
	want("address_blocked")
	h.end()
	h.serve()
	want("address_blocked")
	h.must("address", "remove", "127.0.0.0/8")
	want("")
	if metrics := h.metrics(); !strings.Contains(metrics, `stile_addresses{kind="block"} 0`) {
		t.Errorf("the metrics:\n%s", metrics)
	}
}

func (h *harness) metrics() string {
	h.t.Helper()
	public := h.public
	h.public = h.admin
	defer func() { h.public = public }()
	_, text := h.get("/metrics", "")
	return text
}

// TestBlockOfProxies checks that a range that contains a trusted proxy is blocked only with --yes.
func TestBlockOfProxies(t *testing.T) {
	h := newHarness(t, "trusted_proxies: [10.1.2.3, '2001:db8::/32']\n")
	for _, r := range []string{"10.1.0.0/16", "10.1.2.3", "2001:db8:7::/48"} {
		if _, err, code := h.run("address", "block", r); code != failed || !strings.Contains(err, "trusted proxies") {
			t.Errorf("%s: exit %d, %s", r, code, err)
		}
	}
	h.must("address", "block", "10.1.3.0/24")
	h.must("address", "block", "10.1.2.3", "--yes")
	h.must("address", "block", "0.0.0.0/0", "--yes")
	h.must("address", "allow", "::/0", "--yes")
}

// TestCrowdedAfterReload checks that a running server adopts a new binding budget, and that a
// crowded address is listed, counted and explained.
func TestCrowdedAfterReload(t *testing.T) {
	h := newHarness(t, "public_url: https://api.example\n")
	h.serve()
	h.must("tenant", "add", "acme")
	if code, _ := h.call(h.token()); code != "" {
		t.Fatalf("the first token: %s", code)
	}
	h.hangup(h.read("stile.yaml")+"policy: {address: {bindings: 1}}\n", "settings read again")
	token := h.token()
	code, ref := h.call(token)
	if code != "challenge_required" {
		t.Fatalf("the second token: %q", code)
	}
	out := h.must("address", "list", "--json")
	if want := `^\[\{"range":"127.0.0.1/32","kind":"crowded","until":null,"reason":"[^"]+","origin":"rule","tenant":"acme"\}\]\n$`; !regexp.MustCompile(want).MatchString(out) {
		t.Errorf("the list: %s", out)
	}
	if out := h.must("address", "list"); !regexp.MustCompile(`127\.0\.0\.1/32 +crowded +acme +- +rule`).MatchString(out) {
		t.Errorf("the list: %s", out)
	}
	if metrics := h.metrics(); !strings.Contains(metrics, `stile_addresses{kind="crowded"} 1`) {
		t.Errorf("the metrics:\n%s", metrics)
	}
	if out := h.must("token", "show", token); !regexp.MustCompile(`challenges +1\nopen +work, level \d, because of its address, 5 calls left, until 20`).MatchString(out) {
		t.Errorf("the token: %s", out)
	}
	for range 2 { // from memory, then from the store
		out = h.must("explain", strings.ToLower(ref), "--json")
		want := `^\{"ref":"` + ref + `","at":"[^"]+","tenant":"acme","code":"challenge_required","rule":"address.bindings","limit":1,"seen":2,"identity":"address 127.0.0.0/24","address":"127.0.0.0/24"\}\n$`
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("explain: %s", out)
		}
		out = h.must("explain", ref)
		for _, want := range []string{"A challenge must be solved before calls continue", "the server's setting policy.address."} {
			if !strings.Contains(out, want) {
				t.Errorf("explain does not say %q in:\n%s", want, out)
			}
		}
		if h.stop != nil {
			h.end()
		}
	}
	h.must("address", "remove", "127.0.0.1")
	if out := h.must("address", "list", "--json"); out != "[]\n" {
		t.Errorf("after it was removed: %s", out)
	}
}

// TestObservedAddress checks that calls from a crowded address are admitted and recorded if the
// rule is only observed.
func TestObservedAddress(t *testing.T) {
	h := newHarness(t, "policy: {address: {bindings: 1}, observe: [crowd]}\n")
	h.serve()
	h.must("tenant", "add", "acme")
	for range 2 {
		if code, _ := h.call(h.token()); code != "" {
			t.Fatalf("a call: %s", code)
		}
	}
	ref := regexp.MustCompile(`"msg":"observed".*"ref":"([^"]+)"`).FindStringSubmatch(h.log.String())
	if ref == nil {
		t.Fatalf("the log: %s", h.log)
	}
	if out := h.must("explain", ref[1]); !strings.Contains(out, "address.bindings: 1 allowed, 2 seen") || !strings.Contains(out, "only observed (policy.observe): the request was admitted") {
		t.Errorf("explain: %s", out)
	}
	if metrics := h.metrics(); !strings.Contains(metrics, `stile_observed_total{code="challenge_required",tenant="acme"} 1`) {
		t.Errorf("the metrics:\n%s", metrics)
	}
}

// TestShownAddresses checks that an explanation shows addresses as log_addresses says.
func TestShownAddresses(t *testing.T) {
	h := newHarness(t, "log_addresses: full\n")
	h.serve()
	h.must("tenant", "add", "acme")
	if _, ref := h.call("none"); !strings.Contains(h.must("explain", ref, "--json"), `"rule":null,"limit":null,"seen":null,"identity":"address 127.0.0.1","address":"127.0.0.1","detail":"not three parts"}`) {
		t.Errorf("explain: %s", h.must("explain", ref, "--json"))
	}
}

// TestSimulate checks that the policy of a file is simulated, and that the simulation has the same
// defaults as the settings.
func TestSimulate(t *testing.T) {
	h := newHarness(t, "")
	s, d := mustLoad(t, h), simulate.Default()
	if !reflect.DeepEqual(s.Policy.Tokens(), d.Policy) || !reflect.DeepEqual(s.Addresses(), d.Addresses) {
		t.Errorf("settings: %+v %+v\nsimulation: %+v %+v", s.Policy.Tokens(), s.Addresses(), d.Policy, d.Addresses)
	}
	base := h.must("simulate", "--group", "one", "--seed", "3")
	if again := h.must("simulate", "--group", "one", "--seed", "3"); again != base || !strings.HasPrefix(base, "seed 3, days 1") || !strings.Contains(base, "held") {
		t.Errorf("twice:\n%s\n%s", base, again)
	}
	file := h.write("loose.yaml", "policy: {address: {bindings: 30000, records: 0}}\n")
	out, progress, code := h.run("simulate", "--group", "one", "--policy", file, "--json")
	var said struct {
		Goals []struct{ Held bool }
	}
	if err := json.Unmarshal([]byte(out), &said); code != done || err != nil || len(said.Goals) != 1 || said.Goals[0].Held {
		t.Errorf("a loose policy: %d %v\n%s", code, err, out)
	}
	if progress != "1 of 2 done\n2 of 2 done\n" {
		t.Errorf("progress: %q", progress)
	}
	h.write("bad.yaml", "policy: {spike: {calls: 0}}\n")
	if _, err, code := h.run("simulate", "--policy", filepath.Join(h.dir, "bad.yaml")); code != failed || !strings.Contains(err, "bad.yaml:1: policy.spike.calls") {
		t.Errorf("a bad file: %d %s", code, err)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "data")); !os.IsNotExist(err) {
		t.Errorf("it created a data directory: %v", err)
	}
}

// TestCheckWarns checks that check warns of settings that are allowed but probably a mistake.
func TestCheckWarns(t *testing.T) {
	h := newHarness(t, "public_url: http://localhost:8080\npolicy: {challenge: {ladder: [picture]}}\n")
	if out := h.must("check"); !regexp.MustCompile(`settings +warning +policy.challenge.ladder: has pictures only`).MatchString(out) {
		t.Errorf("check: %s", out)
	}
}

// TestExplainSpike checks that the explanation of a spike has its limit, the count, and the command
// that changes the limit for the tenant.
func TestExplainSpike(t *testing.T) {
	h := newHarness(t, "policy: {spike: {calls: 2}}\n")
	h.serve()
	h.must("tenant", "add", "acme")
	token := h.token()
	h.call(token)
	h.call(token)
	code, ref := h.call(token)
	out := h.must("explain", ref)
	for _, want := range []string{"spike.calls: 2 allowed, 2 seen", "tenant  acme", "from    127.0.0.0/24", "stile tenant set acme policy.spike.calls=…", "who     token "} {
		if code != "challenge_required" || !strings.Contains(out, want) {
			t.Errorf("%s: no %q in\n%s", code, want, out)
		}
	}
	h.must("tenant", "set", "acme", "policy.observe=spike")
	if code, _ := h.call(h.token()); code != "" {
		t.Errorf("observed: %s", code)
	}
}

// TestS50AnyPage checks that adding a tenant without sites warns that any page may use its tokens.
func TestS50AnyPage(t *testing.T) {
	h := newHarness(t, "")
	if _, said, code := h.run("tenant", "add", "open"); code != 0 || !strings.Contains(said, "any page may use this tenant's tokens") || !strings.Contains(said, "stile tenant set open --site") {
		t.Errorf("exit %d: %q", code, said)
	}
	if _, said, code := h.run("tenant", "add", "acme", "--site", "https://acme.example"); code != 0 || strings.Contains(said, "any page") {
		t.Errorf("with a site: exit %d: %q", code, said)
	}
}
