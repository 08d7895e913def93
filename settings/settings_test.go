package settings

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

var update = flag.Bool("update", false, "write docs/settings.md")

// contract is the file that the contract shows.
const contract = `listen: ":8080"
admin_listen: "127.0.0.1:8081"
public_url: https://api.example
data: ./data                       # keys, and the SQLite database of the embedded store
store: sqlite                      # or postgres://…
state: store
trusted_proxies: []
tls: {domains: [], certificate: "", key: ""}
issuers: []
binding: auto
policy:
  token:     {lifetime: 24h, calls: 2000, records: 20000, bind_within: 10m}
  spike:     {calls: 60, suggestions: 240, per: 1m}
  challenge: {ladder: [work, work, picture], ignored: 5, per_token: 6, expires: 5m}
  address:   {bindings: 25, per: 1h, then: challenge, solve_ratio: 0.2, block: [10m, 1h, 4h, 24h, 168h], permanent_after: 0}
  roaming:   {addresses: 8, per: 24h}
  observe:   []
`

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "stile.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func load(t *testing.T, text string) *Settings {
	t.Helper()
	s, err := Load(Source{File: file(t, text)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestContractsFile checks that the file in the contract has the defaults.
func TestContractsFile(t *testing.T) {
	s, base := load(t, contract), load(t, "")
	for _, k := range table {
		if k.Name != "public_url" && s.texts[k.Name] != base.texts[k.Name] {
			t.Errorf("%s: %q, the default is %q", k.Name, s.texts[k.Name], base.texts[k.Name])
		}
	}
	if s.PublicURL != "https://api.example" {
		t.Errorf("%+v", s)
	}
	token := tokens.Policy{Calls: 2000, Records: 20000, BindWithin: 10 * time.Minute,
		SpikeCalls: 60, SpikeSuggestions: 240, SpikePer: time.Minute,
		Ladder: []tokens.Kind{tokens.Work, tokens.Work, tokens.Picture}, Ignored: 5, PerToken: 6, Expires: 5 * time.Minute,
		RoamAddresses: 8, RoamPer: 24 * time.Hour}
	if p := s.Policy; p.Lifetime != 24*time.Hour || !reflect.DeepEqual(p.Tokens(), token) || p.QueryTokens != "yes" || p.JSONP != "yes" || p.Site != "if-sent" || len(p.Callbacks)+len(p.Observe) != 0 {
		t.Errorf("the policy is %+v", p)
	}
	address := addresses.Policy{Bindings: 25, Per: time.Hour, Records: 375, SolveRatio: 0.2,
		Block: []time.Duration{10 * time.Minute, time.Hour, 4 * time.Hour, 24 * time.Hour, 168 * time.Hour}}
	if !reflect.DeepEqual(s.Addresses(), address) {
		t.Errorf("the addresses' policy is %+v", s.Addresses())
	}
}

// TestExampleIsTheDefaults checks that the example, and so docs/settings.md, has the defaults.
func TestExampleIsTheDefaults(t *testing.T) {
	s, base := load(t, Example()), load(t, "")
	for _, k := range table {
		if s.texts[k.Name] != base.texts[k.Name] {
			t.Errorf("%s: %q, the default is %q", k.Name, s.texts[k.Name], base.texts[k.Name])
		}
		if k.Doc == "" || !strings.HasSuffix(k.Doc, ".") || k.Type() == "" || k.Allowed() == "" {
			t.Errorf("%s has no complete description", k.Name)
		}
	}
}

func TestDocsAreUpToDate(t *testing.T) {
	const name = "../docs/settings.md"
	if *update {
		if err := os.WriteFile(name, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil || string(have) != Markdown() {
		t.Errorf("docs/settings.md differs from the table; run go test ./settings -update (%v)", err)
	}
}

// TestLaterSourcesOverride checks the order: file, then environment, then flags.
func TestLaterSourcesOverride(t *testing.T) {
	src := Source{File: file(t, "policy: {token: {calls: 1, records: 2, lifetime: 1h}}\ntrusted_proxies: [10.0.0.0/8]")}
	src.Env = []string{"STILE_POLICY_TOKEN_RECORDS=3", "STILE_POLICY_TOKEN_LIFETIME=2h", "STILE_TRUSTED_PROXIES=192.0.2.1, 2001:db8::/32",
		"HOME=/", "STILE_CONFIG=x", "STILE_PORT=tcp://10.0.0.1:80", "STILE_SERVICE_HOST=10.0.0.1",
		"STILE_DATA_SERVICE_PORT_HTTP=80", "STILE_DATA_PORT=tcp://10.0.0.1:80", "STILE_DATA_PORT_80_TCP_ADDR=10.0.0.1"}
	src.Flags = map[string]string{"policy.token.lifetime": "3h"}
	s, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}
	if p := s.Policy; p.Token.Calls != 1 || p.Token.Records != 3 || p.Lifetime != 3*time.Hour {
		t.Errorf("%+v", p)
	}
	if len(s.TrustedProxies) != 2 || s.TrustedProxies[0].String() != "192.0.2.1/32" {
		t.Errorf("proxies: %v", s.TrustedProxies)
	}
}

// TestProblems checks that a problem names its location and the allowed values.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"listne: x", "F:1: listne: unknown setting; did you mean listen?"},
		{"\npolicy:\n  token:\n    calsl: 5", "F:4: policy.token.calsl: unknown setting; did you mean policy.token.calls?"},
		{"calls: 5", "F:1: calls: unknown setting; did you mean policy.token.calls?"},
		{"zzz: 5", "F:1: zzz: unknown setting; `stile help settings` lists all settings"},
		{"policy: 5", "F:1: policy: is a section: its settings must be below it"},
		{"policy:\n  token: {calls: 0}", `F:2: policy.token.calls: "0": must be a whole number from 1 to 2147483647`},
		{"policy:\n  token: {calls: -1}", `F:2: policy.token.calls: "-1": must be a whole number from 1 to 2147483647`},
		{"policy: {token: {calls: [1]}}", "F:1: policy.token.calls: must be one value, not a list: a whole number from 1 to 2147483647"},
		{"policy: {token: {calls: }}", "F:1: policy.token.calls: has no value; must be a whole number from 1 to 2147483647"},
		{"policy: {token: {lifetime: 25h}}", "F:1: policy.token.lifetime: \"25h\": must be a duration from 1m to 24h, such as 90s, 10m, 24h or 7d"},
		{"policy: {token: {lifetime: soon}}", `F:1: policy.token.lifetime: "soon": must be a duration from 1m to 24h, such as 90s, 10m, 24h or 7d`},
		{"policy: {token: {lifetime: 5m, bind_within: 10m}}", "F:1: policy.token.bind_within: is longer than policy.token.lifetime"},
		{"listen: 8080", `F:1: listen: "8080": must be HOST:PORT or :PORT, such as :8080 or 127.0.0.1:8081`},
		{"listen: :99999", `F:1: listen: ":99999": must be HOST:PORT or :PORT, such as :8080 or 127.0.0.1:8081`},
		{"admin_listen: :8080", "F:1: admin_listen: must not be the same as listen: the two listeners need two addresses"},
		{"public_url: https://a.example/api", `F:1: public_url: "https://a.example/api": must be http(s)://HOST or http(s)://HOST:PORT, without a path`},
		{"public_url: ftp://a.example", `F:1: public_url: "ftp://a.example": must be http(s)://HOST or http(s)://HOST:PORT, without a path`},
		{"binding: keys", `F:1: binding: "keys": must be auto, address or key`},
		{"policy: {observe: [theft]}", `F:1: policy.observe: "theft": must be hijack, spike, crowd, block or client`},
		{"policy: {challenge: {ladder: []}}", "F:1: policy.challenge.ladder: must not be empty: 1 to 16 of: work, picture"},
		{"policy: {challenge: {ignored: 256}}", `F:1: policy.challenge.ignored: "256": must be a whole number from 1 to 100`},
		{"policy: {spike: {per: 1500ms}}", "F:1: policy.spike.per: \"1500ms\": must be a whole number of seconds"},
		{"policy: {address: {bindings: 0}}", `F:1: policy.address.bindings: "0": must be a whole number from 1 to 30000`},
		{"policy: {address: {block: []}}", "F:1: policy.address.block: must not be empty: 1 to 16 of: a duration from 1s to 8760h, such as 90s, 10m, 24h or 7d"},
		{"policy: {address: {then: pray}}", `F:1: policy.address.then: "pray": must be challenge or block`},
		{"log_addresses: all", `F:1: log_addresses: "all": must be full, prefix or hash`},
		{"policy: {challenge: {ladder: [work, riddle]}}", `F:1: policy.challenge.ladder: "riddle": must be work or picture`},
		{"policy: {address: {solve_ratio: 2}}", `F:1: policy.address.solve_ratio: "2": must be a number from 0 to 1`},
		{"policy: {address: {solve_ratio: .nan}}", `F:1: policy.address.solve_ratio: ".nan": must be a number from 0 to 1`},
		{"trusted_proxies: [0.0.0.0/0]", `F:1: trusted_proxies: "0.0.0.0/0" would trust every client to name its own address; must be up to 256 of: an address or a range such as 10.0.0.0/8 (never 0.0.0.0/0 or ::/0)`},
		{"trusted_proxies: ['::/0']", `F:1: trusted_proxies: "::/0" would trust every client to name its own address; must be up to 256 of: an address or a range such as 10.0.0.0/8 (never 0.0.0.0/0 or ::/0)`},
		{"trusted_proxies: [10.1.2.3/8]", `F:1: trusted_proxies: "10.1.2.3/8" has bits set beyond its length; the range is 10.0.0.0/8; must be up to 256 of: an address or a range such as 10.0.0.0/8 (never 0.0.0.0/0 or ::/0)`},
		{"tls: {key: k.pem}", "tls.certificate: tls.certificate and tls.key must be set together"},
		{"tls: {domains: [a.example], certificate: c, key: k}", "F:1: tls.domains: tls.domains (a certificate by ACME) and tls.certificate (your own) must not both be set"},
		{"callbacks: [a b]", `F:1: callbacks: "a b" has a part that is not a name of letters, digits, _ and $: "a b"; must be up to 16 of: a prefix, such as angular.callbacks, or a pattern with one free name, such as __gwt_jsonp__.*.onSuccess`},
		{"callbacks: [a.*.*]", `F:1: callbacks: "a.*.*" has more than one *; must be up to 16 of: a prefix, such as angular.callbacks, or a pattern with one free name, such as __gwt_jsonp__.*.onSuccess`},
		{"log: {level: loud}", `F:1: log.level: "loud": must be debug, info, warn or error`},
		{"site: \"a\\e[31m\"", `F:1: site: "a\x1b[31m": must be if-sent or required`},
		{"listen: ':1'\nlisten: ':2'", "F:2: listen: is set twice; first on line 1"},
		{"log: {level: info}\nlog: {level: info}", "F:2: log: is set twice; first on line 1\nF:2: log.level: is set twice; first on line 1"},
		{"- a", "F:1: must be a mapping of settings, such as `listen: \":8080\"`"},
		{"listen: &a ':1'", "F:1: listen: must not contain anchors, aliases or tags"},
		{"listen: ':1'\n---\nlisten: ':2'", "F:3: must not be a second document: a settings file has one"},
		{"a: b: c", "F:1: invalid YAML: mapping value is not allowed in this context"},
		{"listen: \xff", "F: is not UTF-8"},
		{"zzz: 1\nsite: no\nhijack: 5", "F:1: zzz: unknown setting; `stile help settings` lists all settings\nF:2: site: \"no\": must be if-sent or required\nF:3: hijack: \"5\": must be " + anotherKey + " or kill"},
	} {
		name := file(t, c.file)
		_, err := Load(Source{File: name})
		if err == nil {
			t.Errorf("%q is accepted", c.file)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), name+":", "F:"); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.file, got, c.want)
		}
	}
}

// TestProblemsOfAllSources checks that the problems of all sources are reported together.
func TestProblemsOfAllSources(t *testing.T) {
	_, err := Load(Source{
		File:  file(t, "site: x"),
		Env:   []string{"STILE_POLICY_TOKEN_CALLS=many", "STILE_LISTNE=:1", "STILE_SITE=required"},
		Flags: map[string]string{"listen": "1"},
	})
	want := []string{":1: site: ", "STILE_LISTNE: unknown setting; did you mean STILE_LISTEN?", `STILE_POLICY_TOKEN_CALLS: "many": must be a whole number`, `--listen: "1": must be HOST:PORT`}
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("no %q in:\n%v", w, err)
		}
	}
	if _, err = Load(Source{File: "/nowhere/stile.yaml"}); err == nil || err.Error() != "/nowhere/stile.yaml: no such file or directory" {
		t.Errorf("a missing file: %v", err)
	}
}

// TestUnknownVariables checks that a variable that is probably a misspelt setting is an error, and
// that others are ignored with a warning.
func TestUnknownVariables(t *testing.T) {
	for v, meant := range map[string]string{
		"STILE_LISTNE": "LISTEN", "STILE_DATE": "DATA", "STILE_PUBLICURL": "PUBLIC_URL", "STILE_CALLS": "POLICY_TOKEN_CALLS",
		"STILE_POLICY_TOKEN_CALL": "POLICY_TOKEN_CALLS", "STILE_POLICY_TOKENS_CALLS": "POLICY_TOKEN_CALLS", "STILE_LOG_LEVLE": "LOG_LEVEL",
		"STILE_TRUSTED_PROXY": "TRUSTED_PROXIES", "STILE_TRUST_PROXIES": "TRUSTED_PROXIES",
		"STILE_CONFIGS": "CONFIG", "STILE_CONF": "CONFIG", "STILE_CONFIG_FILE": "CONFIG", "STILE_CONFIGFILE": "CONFIG", "STILE_config": "CONFIG",
		"STILE_DATA_DIR": "DATA", "STILE_DATADIR": "DATA", "STILE_LISTEN_ADDR": "LISTEN", "STILE_LISTEN_PORT": "LISTEN", "STILE_PUBLIC": "PUBLIC_URL",
		"STILE_policy_token_calls": "POLICY_TOKEN_CALLS", "stile_listen": "LISTEN", "Stile_Data": "DATA",
	} {
		_, err := Load(Source{Env: []string{v + "=1"}})
		if want := v + ": unknown setting; did you mean STILE_" + meant + "?"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	_, err := Load(Source{Env: []string{"STILE_LOG=debug"}})
	if err == nil || err.Error() != "STILE_LOG: is a section, not a setting: set its settings, such as STILE_LOG_LEVEL" {
		t.Errorf("a section: %v", err)
	}
	for _, v := range []string{"VERSION", "HOME", "IMAGE", "SECRET", "TOKEN", "URL", "TEST_WIDGETS", "COMMIT", "CLIENT_ID", "CLIENT_SECRET", "BIN", "API", "VECTORS", "ENV"} {
		s, err := Load(Source{Env: []string{"STILE_" + v + "=1"}})
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		want := "STILE_" + v + ": is not a setting and is ignored; `stile help settings` lists all settings"
		if got := s.Warnings(); len(got) != 1 || got[0].Error() != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

// TestBindings checks that the settings of key bindings reach the policy of the rules.
func TestBindings(t *testing.T) {
	p := load(t, "").Policy.Tokens()
	if p.Binding != tokens.Auto || p.KillOnForeignKey || p.RoamAddresses != 8 || p.RoamPer != 24*time.Hour {
		t.Errorf("the defaults: %+v", p)
	}
	s := load(t, "binding: key\nhijack: kill\npolicy: {roaming: {addresses: 3, per: 1h}}")
	if p := s.Policy.Tokens(); p.Binding != tokens.ByKey || !p.KillOnForeignKey || p.RoamAddresses != 3 || p.RoamPer != time.Hour {
		t.Errorf("%+v", p)
	}
	own, err := s.For(&tenants.Tenant{Policy: map[string]string{"binding": "address", "hijack": "stranger", "policy.roaming.addresses": "32"}})
	if p := own.Tokens(); err != nil || p.Binding != tokens.ByAddress || p.KillOnForeignKey || p.RoamAddresses != 32 || p.RoamPer != time.Hour {
		t.Errorf("a tenant's own: %+v, %v", p, err)
	}
}

// anotherKey is a value of the setting hijack.
const anotherKey = "stranger"

const tenantSettings = "binding, site, query_tokens, jsonp, callbacks, hijack, policy.token.lifetime, policy.token.calls, policy.token.records, policy.token.bind_within, " +
	"policy.spike.calls, policy.spike.suggestions, policy.spike.per, policy.challenge.ladder, policy.challenge.ignored, policy.challenge.per_token, " +
	"policy.challenge.expires, policy.roaming.addresses, policy.roaming.per, policy.observe"

func TestTenantSettings(t *testing.T) {
	s := load(t, "policy: {token: {calls: 7, lifetime: 1h}}\nsite: required")
	p, err := s.For(&tenants.Tenant{Policy: map[string]string{"policy.token.records": "9", "site": "if-sent", "callbacks": "angular.callbacks,__gwt_jsonp__.*.onSuccess"}})
	if err != nil || p.Token.Calls != 7 || p.Token.Records != 9 || p.Site != "if-sent" || len(p.Callbacks) != 2 || p.Lifetime != time.Hour {
		t.Errorf("%+v, %v", p, err)
	}
	if s.Policy.Token.Records != 20000 || s.Policy.Site != "required" || s.texts["site"] != "required" {
		t.Errorf("the server's policy changed: %+v", s.Policy)
	}
	p, err = s.For(&tenants.Tenant{Policy: map[string]string{"policy.token.calls": "none", "policy.token.lifetime": "2m"}})
	if err == nil || p.Token.Calls != 7 || p.Token.BindWithin != 2*time.Minute {
		t.Errorf("a setting that is no longer allowed must be omitted: %+v, %v", p, err)
	}
	for name, want := range map[string]string{
		"listen":                   "listen: can't be set for a tenant, only for the server; must be one of " + tenantSettings,
		"policy.address.bindings":  "policy.address.bindings: can't be set for a tenant, only for the server; must be one of " + tenantSettings,
		"policy.token.callz":       "policy.token.callz: unknown setting; did you mean policy.token.calls?",
		"policy.token.bind_within": "policy.token.bind_within: is longer than policy.token.lifetime",
	} {
		if err := s.CheckTenant(map[string]string{name: "2h"}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBindWithinFollowsLifetime checks that a bind_within that nobody has set is as long as the
// lifetime at most, for the server and for a tenant.
func TestBindWithinFollowsLifetime(t *testing.T) {
	for file, lifetimes := range map[string]map[string]time.Duration{
		"policy: {token: {lifetime: 5m}}": {"": 5 * time.Minute, "2m": 2 * time.Minute, "8m": 8 * time.Minute, "1h": 10 * time.Minute},
		"":                                {"": 10 * time.Minute, "2m": 2 * time.Minute},
	} {
		s := load(t, file)
		for lifetime, want := range lifetimes {
			own := map[string]string{}
			if lifetime != "" {
				own["policy.token.lifetime"] = lifetime
			}
			if p, err := s.For(&tenants.Tenant{Policy: own}); err != nil || p.Token.BindWithin != want {
				t.Errorf("%q, a tenant's lifetime %q: bind_within %v, %v, want %v", file, lifetime, p.Token.BindWithin, err, want)
			}
		}
	}
	if _, err := Load(Source{Flags: map[string]string{"policy.token.lifetime": "5m", "policy.token.bind_within": "6m"}}); err == nil {
		t.Error("set by flags: no error")
	}
}

func TestReload(t *testing.T) {
	s, fresh := load(t, "listen: ':1'"), load(t, "listen: ':2'\npolicy: {token: {calls: 5}}")
	next := s.Reload(fresh)
	if next.Listen != ":1" || next.Policy.Token.Calls != 5 || s.Policy.Token.Calls != 2000 {
		t.Errorf("%+v", next)
	}
	if got := s.Restart(fresh); len(got) != 1 || got[0] != "listen" {
		t.Errorf("needs a restart: %v", got)
	}
}

// TestObserve checks that rules are observed for the server or the tenant that names them.
func TestObserve(t *testing.T) {
	s := load(t, "policy: {observe: [spike, block]}")
	if got := s.Policy.Tokens().Observe; got != (tokens.Observe{Spike: true}) || !s.Addresses().ObserveBlock || s.Addresses().ObserveCrowd || s.Policy.Observes("client") {
		t.Errorf("the server's: %+v, %+v", got, s.Addresses())
	}
	p, err := s.For(&tenants.Tenant{Policy: map[string]string{"policy.observe": "hijack, client"}})
	if got := p.Tokens().Observe; err != nil || got != (tokens.Observe{Hijack: true}) || !p.Observes("client") {
		t.Errorf("a tenant's: %+v, %v", got, err)
	}
	err = s.CheckTenant(map[string]string{"policy.observe": "spike, crowd"})
	if err == nil || err.Error() != "policy.observe: crowd can't be set for a tenant, because tenants share the addresses; must be hijack, spike or client" {
		t.Errorf("a rule about addresses: %v", err)
	}
	next := s.Reload(load(t, "policy: {observe: [crowd], address: {bindings: 9}}"))
	if a := next.Addresses(); a.Bindings != 9 || !a.ObserveCrowd || a.ObserveBlock || s.Addresses().Bindings != 25 {
		t.Errorf("reloaded: %+v", a)
	}
	if got := s.Restart(next); len(got) != 0 {
		t.Errorf("needs a restart: %v", got)
	}
}

// TestWarnings checks that each warning has its cause, and that the defaults cause none.
func TestWarnings(t *testing.T) {
	if got := load(t, "").Warnings(); len(got) != 0 {
		t.Errorf("of the defaults: %v", got)
	}
	for text, key := range map[string]string{
		"token: {records: 100}":                              "policy.token.records",
		"spike: {calls: 2000}":                               "policy.spike.calls",
		"challenge: {ladder: [picture]}":                     "policy.challenge.ladder",
		"challenge: {per_token: 2}":                          "policy.challenge.ladder",
		"{token: {lifetime: 10m}, challenge: {expires: 1h}}": "policy.challenge.expires",
		"address: {bindings: 4}":                             "policy.address.bindings",
		"address: {records: 9}":                              "policy.address.records",
		"address: {solve_ratio: 0}":                          "policy.address.solve_ratio",
		"address: {solve_ratio: 0.9}":                        "policy.address.solve_ratio",
		"address: {block: [1h, 10m]}":                        "policy.address.block",
		"address: {block: [1h], permanent_after: 2}":         "policy.address.permanent_after",
		"observe: [crowd]":                                   "policy.observe",
	} {
		got := load(t, "policy:\n  "+text).Warnings()
		if len(got) != 1 || got[0].Key != key {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestOrigin(t *testing.T) {
	for _, c := range []struct{ file, addr, want string }{
		{"", "[::]:8080", "http://localhost:8080"},
		{"", "127.0.0.1:9", "http://localhost:9"},
		{"", "192.0.2.1:9", "http://192.0.2.1:9"},
		{"public_url: https://A.example/", "127.0.0.1:9", "https://a.example"},
		{"tls: {domains: [a.example]}", "[::]:443", "https://a.example"},
		{"tls: {certificate: c, key: k}", ":443", "https://localhost:443"},
	} {
		if got := load(t, c.file).Origin(c.addr); got != c.want {
			t.Errorf("%q on %s: %s, want %s", c.file, c.addr, got, c.want)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "90s": 90 * time.Second, "0d": 0} {
		if d, err := ParseDuration(text); err != nil || d != want {
			t.Errorf("%s: %v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "1dx", "1d-1h", "99999999d", "1d25h", "5"} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("%q is %v", text, d)
		}
	}
	for text, tooLong := range map[string]bool{"99999d": true, "10000000h": true, "99999999999999999999s": true, "5": false, "1d25h": false, "h": false} {
		if _, err := ParseDuration(text); errors.Is(err, ErrTooLong) != tooLong {
			t.Errorf("%s is too long: %t, %v", text, !tooLong, err)
		}
	}
	for d, want := range map[time.Duration]string{24 * time.Hour: "24h", 90 * time.Minute: "1h30m", 90 * time.Second: "1m30s", 10 * time.Second: "10s", 0: "0s"} {
		if Short(d) != want {
			t.Errorf("%v is written %s", d, Short(d))
		}
	}
}

// FuzzFile checks that any file results in settings or problems, and never in a panic.
func FuzzFile(f *testing.F) {
	for _, s := range []string{contract, Example(), "", "a", "- a", "{", "a: &b [*b]", "? a\n: b", "<<: {a: b}", "a: !!binary x", "a: |\n  b", "{[]: 1}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, problems := parseYAML("f", []byte(text))
		s := &Settings{texts: map[string]string{}, written: map[string]string{}}
		for _, p := range append(problems, s.apply(all)...) {
			if !strings.HasPrefix(p.Error(), "f") || p.Problem == "" {
				t.Errorf("a problem without a location: %q", p.Error())
			}
		}
	})
}
