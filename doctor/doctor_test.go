package doctor

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"stile.example/stile/evidence"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// healthy is a tenant without any problem.
func healthy() Facts {
	return Facts{ClientID: "acme", API: "https://api.example", Sites: []string{"https://www.acme.example"}, Secrets: 1, Calls: 1000, EverCalled: true}
}

// entry returns an entry of today.
func entry(k evidence.Kind, key string, n int64, callers int) evidence.Entry {
	e := evidence.Entry{Tenant: 1, Day: evidence.DayOf(noon), Kind: k, Key: key, Count: n, First: noon.Add(-time.Hour), Last: noon, Ref: "7QK2-M4TD"}
	for i := range callers {
		e.Few = append(e.Few, uint32(i+1))
	}
	return e
}

// visitors returns a sketch of n callers.
func visitors(t *testing.T, n int) evidence.Sketch {
	t.Helper()
	c, err := evidence.NewCollector(&sketches{}, []byte("0123456789abcdef0123456789abcdef"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c.Note(1, evidence.Observation{At: noon, Kind: evidence.Bound, Caller: fmt.Sprint(i)})
	}
	list, _ := c.Of(t.Context(), 1, noon)
	return list[0].Many
}

// TestFindings has the evidence of each finding, and the nearest evidence that is normal.
func TestFindings(t *testing.T) {
	many := func(k evidence.Kind, tokens int, n int64, callers int) (list []evidence.Entry) {
		for i := range tokens {
			list = append(list, entry(k, fmt.Sprint("token", i), n, callers))
		}
		return list
	}
	traffic := func(issued, bound int64, browsers int) []evidence.Entry {
		b := entry(evidence.Bound, "", bound, 0)
		b.Many, b.Ref = visitors(t, browsers), ""
		return []evidence.Entry{entry(evidence.Issued, "", issued, 0), b}
	}
	brief := many(evidence.Expired, 5, 9, 1)
	for i := range brief {
		brief[i].First = brief[i].Last
	}
	others := []Traffic{{1000, 5}, {1000, 10}, {2000, 10}, {10, 10}}
	for _, c := range []struct {
		name     string
		facts    func(*Facts)
		list     []evidence.Entry
		severity Severity // "": nothing is found
		finding  string
		evidence string
		fix      string
	}{
		{"six tokens of five browsers", nil, many(evidence.Foreign, 6, 4, 4), Critical, "caches tokens", "6 tokens were used by several browsers each, one of them by 5 browsers", `Cache-Control: no-store`},
		{"one token of five browsers", nil, many(evidence.Foreign, 1, 4, 4), Critical, "caches tokens", "1 token was used by several", "publisher.Token(ctx)"},
		{"one token of all browsers", nil, many(evidence.Foreign, 1, 400, 16), Critical, "caches tokens", "at least 17 browsers", "header('Cache-Control: no-store');"},
		{"an ended token of many browsers", nil, many(evidence.Expired, 3, 40, 8), Critical, "caches tokens", "3 tokens", "CDN"},
		{"visitors who change networks", nil, many(evidence.Foreign, 50, 1, 1), "", "", "", ""},
		{"a copied token", nil, many(evidence.Foreign, 1, 10, 3), "", "", "", ""},
		{"tokens that are not renewed", nil, many(evidence.Expired, 3, 5, 1), Warning, "not renewed", "3 tokens were presented again after the end, one of them 5 times (15 refusals)", `data-token-url="/stile/token"`},
		{"one token for a day", nil, many(evidence.Expired, 1, 20, 1), Warning, "not renewed", "1 token was", `data-client-id="acme"`},
		{"one ended token", nil, many(evidence.Expired, 2, 19, 1), "", "", "", ""},
		{"calls that were waiting together", nil, brief, "", "", "", ""},
		{"tokens in HTML", nil, many(evidence.Late, 3, 1, 1), Warning, "long before", "3 calls were refused", "data-token-url"},
		{"far more tokens than visitors", nil, traffic(2000, 1900, 100), Warning, "far more tokens", "2000 tokens were issued and 1900 were used, by about", `data-token-store="session"`},
		{"a token for each tab", nil, traffic(900, 900, 100), "", "", "", ""},
		{"a developer who reloads", nil, traffic(150, 150, 1), "", "", "", ""},
		{"unused tokens", nil, traffic(1000, 200, 190), Notice, "never used", "1000 tokens were issued, and 200 were used", "page view"},
		{"another page", nil, []evidence.Entry{entry(evidence.Page, "https://shop.acme.example", 5, 2), entry(evidence.Page, "null", 1, 1)}, Warning, "outside the listed sites", "https://shop.acme.example (5), null (1)", "stile tenant set acme --add-site https://shop.acme.example"},
		{"most calls from another page", nil, []evidence.Entry{entry(evidence.Page, "http://intranet", 5000, 2)}, Critical, "outside the listed sites", "", "--insecure-site http://intranet"},
		{"somebody tries a page", nil, []evidence.Entry{entry(evidence.Page, "https://x.example", 2, 1)}, "", "", "", ""},
		{"hidden pages", nil, []evidence.Entry{entry(evidence.Unmarked, "no origin", 7, 1)}, Warning, "hide their origin", "7 calls", `crossorigin="anonymous"`},
		{"images", nil, []evidence.Entry{entry(evidence.Unmarked, "fetch metadata", 3, 1)}, Warning, "mark the requests", "3 calls", "fetch"},
		{"programs", nil, []evidence.Entry{entry(evidence.Unmarked, "site", 3, 1)}, Warning, "name no page", "", "stile tenant set acme site=if-sent"},
		{"another client_id", nil, []evidence.Entry{entry(evidence.Client, "globex", 3, 1)}, Critical, "another client_id", "3 calls were refused because of another client_id: globex (3)", `data-client-id="acme"`},
		{"another tenant's tokens", nil, []evidence.Entry{entry(evidence.OtherToken, "", 3, 1)}, Critical, "issued to another one", "3 calls", "STILE_CLIENT_ID=acme"},
		{"callbacks", func(f *Facts) { f.Callbacks = []string{"old.prefix"} }, []evidence.Entry{entry(evidence.Callback, "angular.callbacks", 3, 0)}, Warning, "Callbacks", "angular.callbacks (3)", "callbacks=angular.callbacks,old.prefix"},
		{"bad callbacks", nil, []evidence.Entry{entry(evidence.Callback, "a name with brackets", 3, 0)}, Warning, "Callbacks", "", "callback=show"},
		{"the tenant's clock", nil, []evidence.Entry{entry(evidence.Clock, "server 5 to 60 minutes ahead", 3, 0)}, Critical, "clock of the tenant's server", "5 to 60 minutes ahead (3)", "timedatectl"},
		{"the issuer's clock", nil, []evidence.Entry{entry(evidence.Clock, "issuer hours ahead", 3, 0)}, Critical, "authorization server", "hours ahead", "date -u"},
		{"some browsers' clocks", nil, []evidence.Entry{entry(evidence.Clock, "browser hours behind", 25, 3)}, Notice, "browsers have a wrong clock", "hours behind (25)", "iat: error.now"},
		{"this server's clock", nil, []evidence.Entry{entry(evidence.Clock, "browser under 5 minutes behind", 250, 16)}, Warning, "this server's clock", "at least 16 browsers", "timedatectl"},
		{"a visitor's clock", nil, []evidence.Entry{entry(evidence.Clock, "browser hours behind", 19, 1)}, "", "", "", ""},
		{"a slash too many", nil, []evidence.Entry{claim("aud https://api.example/", "https://api.example", 3)}, Warning, "The audience of tokens is misspelt", "aud is https://api.example/ (3), and https://api.example is accepted", `"aud": "https://api.example"`},
		{"another audience", nil, []evidence.Entry{claim("aud account", "https://api.example", 3)}, Warning, "another audience", "account", `"aud"`},
		{"a misspelt issuer", nil, []evidence.Entry{claim("iss https://id.example/realms/acme/", "https://id.example/realms/acme", 3)}, Warning, "The issuer of tokens is misspelt", "", "issuers: [{issuer: \"https://id.example/realms/acme/\"}]"},
		{"an old secret", nil, []evidence.Entry{entry(evidence.Secret, "expired secret", 1, 0)}, Critical, "old secret", "1 request", "--overlap 24h"},
		{"wrong secrets", nil, []evidence.Entry{entry(evidence.Secret, "wrong secret", 3, 0)}, Warning, "credentials", "wrong secret (3)", "HTTP Basic"},
		{"more refusals than others", func(f *Facts) { f.Others = others }, []evidence.Entry{entry(evidence.Refused, "bad_request", 60, 0)}, Warning, "more refusals", "5.7 % of the requests were refused (60 of 1060); the median of the other tenants is 0.5 %", "/problems/bad_request"},
		{"challenges", func(f *Facts) { f.Others = others }, []evidence.Entry{entry(evidence.Refused, "challenge_required spike.calls", 900, 0)}, "", "", "", ""},
		{"too few others", func(f *Facts) { f.Others = others[1:] }, []evidence.Entry{entry(evidence.Refused, "bad_request", 60, 0)}, "", "", "", ""},
		{"quota nearly used", func(f *Facts) { f.Quota, f.Used = 1000, 900 }, nil, Warning, "nearly", "900 of 1000", "--calls-per-month"},
		{"quota used", func(f *Facts) { f.Quota, f.Used = 1000, 1000 }, nil, Critical, "used up", "1000 of 1000", "--calls-per-month"},
		{"quota half used", func(f *Facts) { f.Quota, f.Used = 1000, 899 }, nil, "", "", "", ""},
		{"suspended", func(f *Facts) { f.Suspended = true }, nil, Critical, "suspended", "", "stile tenant resume acme"},
		{"no secret", func(f *Facts) { f.Secrets = 0 }, nil, Critical, "no valid secret", "", "stile tenant rotate-secret acme"},
		{"keys", func(f *Facts) { f.Secrets, f.HasKeys = 0, true }, nil, "", "", "", ""},
		{"no sites", func(f *Facts) { f.Sites = nil }, nil, Notice, "any page", "1000 calls", "--site"},
		{"no calls yet", func(f *Facts) { f.Calls, f.EverCalled = 0, false }, nil, Notice, "no calls yet", "", "<stile-search"},
		{"no more calls", func(f *Facts) { f.Calls = 0 }, nil, Warning, "no more calls", "", "stile.js"},
		{"only refusals", func(f *Facts) { f.Calls = 0 }, []evidence.Entry{entry(evidence.Refused, "token_missing", 2, 0)}, Critical, "All calls are refused", "token_missing (2)", "stile explain 7QK2-M4TD"},
		{"healthy", nil, traffic(500, 480, 300), "", "", "", ""},
	} {
		f := healthy()
		if c.facts != nil {
			c.facts(&f)
		}
		found := Examine(f, c.list)
		if c.severity == "" {
			if len(found) != 0 {
				t.Errorf("%s: %+v", c.name, found)
			}
			continue
		}
		if len(found) != 1 {
			t.Errorf("%s: %d findings: %+v", c.name, len(found), found)
			continue
		}
		g := found[0]
		if g.Severity != c.severity || !strings.Contains(g.Finding, c.finding) || !strings.Contains(g.Evidence, c.evidence) || !strings.Contains(g.Fix, c.fix) {
			t.Errorf("%s:\n%s: %s\n%s\n%s", c.name, g.Severity, g.Finding, g.Evidence, g.Fix)
		}
		if strings.ContainsAny(g.Finding, "0123456789%") {
			t.Errorf("%s: the finding depends on counts: %s", c.name, g.Finding)
		}
		checkForTenant(t, c.name, f, c.list)
	}
}

func claim(key, want string, n int64) evidence.Entry {
	e := entry(evidence.Claim, key, n, 0)
	e.Note = want
	return e
}

// checkForTenant checks that a tenant gets the same findings, without commands and without other
// tenants.
func checkForTenant(t *testing.T, name string, f Facts, list []evidence.Entry) {
	t.Helper()
	f.ForTenant = true
	for _, g := range Examine(f, list) {
		text := g.Finding + g.Evidence + g.Fix
		for _, not := range []string{"stile tenant", "stile explain", "globex", "median"} {
			if strings.Contains(text, not) {
				t.Errorf("%s, for the tenant: %q in %s", name, not, text)
			}
		}
	}
}

// TestSeverestFirst checks the order of findings.
func TestSeverestFirst(t *testing.T) {
	f := healthy()
	f.Suspended, f.Sites = true, nil
	found := Examine(f, []evidence.Entry{entry(evidence.Page, "https://x.example", 5, 1), entry(evidence.OtherToken, "", 5, 1)})
	var order []Severity
	for _, g := range found {
		order = append(order, g.Severity)
	}
	if want := []Severity{Critical, Critical, Warning, Notice}; !reflect.DeepEqual(order, want) {
		t.Errorf("%v", order)
	}
}

// TestJSON checks that a finding has the contract's members, and that no finding is an empty list.
func TestJSON(t *testing.T) {
	text, err := json.Marshal(Examine(healthy(), nil))
	if err != nil || string(text) != "[]" {
		t.Errorf("%s, %v", text, err)
	}
	text, err = json.Marshal(Finding{"a", Notice, "b", "c"})
	if err != nil || string(text) != `{"finding":"a","severity":"notice","evidence":"b","fix":"c"}` {
		t.Errorf("%s, %v", text, err)
	}
}

// TestLinesAreInTheExamples checks that the lines of code that a finding shows are those of the
// example back-ends.
func TestLinesAreInTheExamples(t *testing.T) {
	for _, b := range Backends {
		text, err := os.ReadFile("../examples/backends/" + b.Example)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{b.NoStore, b.Fresh} {
			if !strings.Contains(string(text), line) || !strings.Contains(noCache, line) {
				t.Errorf("%s: %q is not in %s or not in the fix", b.Language, line, b.Example)
			}
		}
	}
}

// TestNear checks which values are another spelling.
func TestNear(t *testing.T) {
	for _, c := range []struct {
		got, want string
		near      bool
	}{
		{"https://api.example/", "https://api.example", true}, {"http://api.example", "https://api.example", true},
		{"https://api.example:443", "https://api.example", true}, {"API.example", "https://api.example", true},
		{"https://api.exmaple", "https://api.example", true}, {"https://other.example", "https://api.example", false},
		{"account", "https://api.example or acme", false}, {"acm", "https://api.example or acme", true}, {"https://api.example/oauth/token/", "https://api.example", true},
	} {
		if isNear(c.got, c.want) != c.near {
			t.Errorf("%s and %s: %v", c.got, c.want, !c.near)
		}
	}
}
