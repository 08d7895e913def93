package commands

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/simulate"
	"stile.example/stile/tokens"
)

// call makes a call with a fresh token of acme's, and returns the code of its
// refusal, "" if it was answered, and the reference.
func (h *home) call(token string) (code, ref string) {
	h.t.Helper()
	_, body := h.get("/v1/items?client_id=acme", token)
	var said struct{ Error struct{ Code, Ref string } }
	if err := json.Unmarshal([]byte(body), &said); err != nil {
		h.t.Fatalf("%v: %s", err, body)
	}
	return said.Error.Code, said.Error.Ref
}

func (h *home) token() string { return strings.TrimSpace(h.must("token", "issue", "acme")) }

// TestAddressChangesHoldAtOnce: the running server does what a command says
// with the next call, and still after a restart.
func TestAddressChangesHoldAtOnce(t *testing.T) {
	h := newHome(t, "public_url: https://api.example\n")
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

func (h *home) metrics() string {
	h.t.Helper()
	public := h.public
	h.public = h.admin
	defer func() { h.public = public }()
	_, text := h.get("/metrics", "")
	return text
}

// TestBlockOfProxies: a range that holds a trusted proxy is not blocked by
// mistake.
func TestBlockOfProxies(t *testing.T) {
	h := newHome(t, "trusted_proxies: [10.1.2.3, '2001:db8::/32']\n")
	for _, r := range []string{"10.1.0.0/16", "10.1.2.3", "2001:db8:7::/48"} {
		if _, err, code := h.run("address", "block", r); code != failed || !strings.Contains(err, "trusted proxies") {
			t.Errorf("%s: exit %d, %s", r, code, err)
		}
	}
	h.must("address", "block", "10.1.3.0/24")
	h.must("address", "block", "10.1.2.3", "--yes")
	h.must("address", "block", "0.0.0.0/0", "--yes")
	h.must("address", "allow", "::/0")
}

// TestCrowdBySIGHUP: the budget of an address is taken over by a running
// server; a crowd is listed, counted and explained.
func TestCrowdBySIGHUP(t *testing.T) {
	h := newHome(t, "public_url: https://api.example\n")
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
		for _, want := range []string{"A challenge must be solved before calls go on", "the server's setting policy.address."} {
			if !strings.Contains(out, want) {
				t.Errorf("explain says no %q:\n%s", want, out)
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

// TestObservedCrowd: a crowd that is only observed is let through, and told.
func TestObservedCrowd(t *testing.T) {
	h := newHome(t, "policy: {address: {bindings: 1}, observe: [crowd]}\n")
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
	if out := h.must("explain", ref[1]); !strings.Contains(out, "address.bindings: 1 allowed, 2 seen") || !strings.Contains(out, "only observed (policy.observe): the request was let through") {
		t.Errorf("explain: %s", out)
	}
	if metrics := h.metrics(); !strings.Contains(metrics, `stile_observed_total{code="challenge_required",tenant="acme"} 1`) {
		t.Errorf("the metrics:\n%s", metrics)
	}
}

// TestShownAddresses: log_addresses holds for what is explained.
func TestShownAddresses(t *testing.T) {
	h := newHome(t, "log_addresses: full\n")
	h.serve()
	h.must("tenant", "add", "acme")
	if _, ref := h.call("none"); !strings.Contains(h.must("explain", ref, "--json"), `"rule":null,"limit":null,"seen":null,"identity":"address 127.0.0.1","address":"127.0.0.1"}`) {
		t.Errorf("explain: %s", h.must("explain", ref, "--json"))
	}
	v4, v6 := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8:1:2::")
	for how, want := range map[string][2]string{"full": {"203.0.113.9", "2001:db8:1:2::"}, "prefix": {"203.0.113.0/24", "2001:db8:1::/48"}} {
		s, err := newAddressShower(how, make([]byte, 32))
		if err != nil || s.show(v4) != want[0] || s.show(v6) != want[1] || s.show(netip.Addr{}) != "" {
			t.Errorf("%s: %s %s, %v", how, s.show(v4), s.show(v6), err)
		}
	}
	one, _ := newAddressShower("hash", make([]byte, 32))
	other, _ := newAddressShower("hash", []byte(strings.Repeat("k", 32)))
	if a := one.show(v4); a != one.show(v4) || a == one.show(v6) || a == other.show(v4) || !regexp.MustCompile(`^hash:[0-9a-f]{16}$`).MatchString(a) {
		t.Errorf("hashes: %s %s", a, other.show(v4))
	}
}

// TestEveryCodeIsExplained: an operator is told what to make of each of them.
func TestEveryCodeIsExplained(t *testing.T) {
	source, err := os.ReadFile("../handlers/codes/codes.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`Code = "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(found) != len(adviceByCode) || len(found) < 20 {
		t.Errorf("%d codes, %d advices", len(found), len(adviceByCode))
	}
	for _, c := range found {
		if a := adviceByCode[codes.Code(c[1])]; a.cause == "" || a.fix == "" {
			t.Errorf("%s: %+v", c[1], a)
		}
	}
}

// TestNeighbours translates every standing; one that is not known is a block.
func TestNeighbours(t *testing.T) {
	for standing, want := range map[addresses.Status]tokens.AddressVerdict{
		addresses.Blocked:    {Blocked: true},
		addresses.Clear:      {},
		addresses.Crowded:    {Kind: tokens.Work},
		addresses.Suspicious: {Kind: tokens.Picture},
		99:                   {Blocked: true},
	} {
		v := addresses.Verdict{Status: standing, Allowance: 7}
		if standing != addresses.Clear {
			v.Level, v.Limit, v.Seen, v.OverRecords = 2, 3, 4, true
			want.Limit, want.Seen, want.OverRecords = 3, 4, true
		}
		if !want.Blocked {
			want.Level, want.Allowance = v.Level, v.Allowance
		}
		if got := addressVerdict(v); got != want {
			t.Errorf("standing %d: %+v, want %+v", standing, got, want)
		}
	}
	h := newHome(t, "policy: {address: {bindings: 1}}\n")
	p, err := h.program(os.Stdout, os.Stderr).connect(t.Context(), mustLoad(t, h))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	n, at := p.(*local).app.gate.Addresses, time.Now()
	from := netip.MustParseAddr("203.0.113.9")
	bound := func(fresh bool) tokens.Kind {
		t.Helper()
		c, err := n.Check(t.Context(), tokens.AddressUse{From: from, Tenant: 1, At: at, NewBinding: fresh, Records: 1})
		if err != nil {
			t.Fatal(err)
		}
		return c.Kind
	}
	for _, fresh := range []bool{true, false, false} { // only the first one is a binding
		if got := bound(fresh); got != tokens.NoKind {
			t.Errorf("within its budget: %v", got)
		}
	}
	if got := bound(true); got != tokens.Work {
		t.Errorf("over it: %v", got)
	}
	if err := n.ChallengeSolved(t.Context(), tokens.AddressChallenge{From: from, Tenant: 1, At: at}); err != nil {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := n.Check(gone, tokens.AddressUse{From: from, Tenant: 1, At: at, NewBinding: true, Records: 1}); err == nil && !c.Blocked && c.Kind == tokens.NoKind {
		t.Errorf("a fault lets through: %+v", c)
	}
}

// TestSimulate: the policy of a file is tried, and the defaults of the settings
// are those that the simulation begins with.
func TestSimulate(t *testing.T) {
	h := newHome(t, "")
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
		t.Errorf("it made a data directory: %v", err)
	}
}

// TestCheckDoubts: check warns of what is hardly meant, and that is no fault.
func TestCheckDoubts(t *testing.T) {
	h := newHome(t, "public_url: http://localhost:8080\npolicy: {challenge: {ladder: [picture]}}\n")
	if out := h.must("check"); !regexp.MustCompile(`settings +warning +policy.challenge.ladder: asks people for pictures only`).MatchString(out) {
		t.Errorf("check: %s", out)
	}
}

// TestExplainSpike: a token's own spike is told with its limit, what was seen,
// and the command that changes it for its tenant.
func TestExplainSpike(t *testing.T) {
	h := newHome(t, "policy: {spike: {calls: 2}}\n")
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

// TestS50AnyPage: who adds a tenant without sites is told that any page may use
// its tokens.
func TestS50AnyPage(t *testing.T) {
	h := newHome(t, "")
	if _, said, code := h.run("tenant", "add", "open"); code != 0 || !strings.Contains(said, "any page may use this tenant's tokens") || !strings.Contains(said, "stile tenant set open --site") {
		t.Errorf("exit %d: %q", code, said)
	}
	if _, said, code := h.run("tenant", "add", "acme", "--site", "https://acme.example"); code != 0 || strings.Contains(said, "any page") {
		t.Errorf("with a site: exit %d: %q", code, said)
	}
}
