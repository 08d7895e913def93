package commands

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// sitesOf returns the sites of the tenant acme, as tenant show prints them.
func (h *harness) sitesOf() string {
	h.t.Helper()
	for line := range strings.Lines(h.must("tenant", "show", "acme")) {
		if rest, ok := strings.CutPrefix(line, "sites"); ok {
			return strings.TrimSpace(rest)
		}
	}
	h.t.Fatal("tenant show prints no sites")
	return ""
}

// TestTenantSites checks how flags change a tenant's sites, on the directory and through the
// server, and what they refuse without changing anything.
func TestTenantSites(t *testing.T) {
	for _, serving := range []bool{false, true} {
		h := newHarness(t, "")
		if serving {
			h.serve()
		}
		h.must("tenant", "add", "acme", "--site", "https://www.acme.example")
		for _, c := range []struct{ flags, sites, said string }{
			{"--add-site https://shop.acme.example/", "https://shop.acme.example https://www.acme.example", ""},
			{"--add-site HTTPS://Shop.acme.example:443", "https://shop.acme.example https://www.acme.example", ""}, // it is there already
			{"--add-site https://acme.example --remove-site https://shop.acme.example/", "https://acme.example https://www.acme.example", ""},
			{"--insecure-site http://192.168.1.20:3000", "http://192.168.1.20:3000 https://acme.example https://www.acme.example", "take their tokens"},
			{"--remove-site http://192.168.1.20:3000/ --remove-site https://acme.example", "https://www.acme.example", ""},
			{"--site https://a.example", "https://a.example", "--add-site https://www.a.example"},
			{"--site https://www.a.example --site https://a.example", "https://a.example https://www.a.example", ""},
			{"--site https://a.example --insecure-site http://intranet", "http://intranet https://a.example", "take their tokens"},
			{"--clear-sites", "-", "any page may use its tokens"},
			{"--add-site https://shop.b.example", "https://shop.b.example", "no other sites"},
		} {
			_, said, code := h.run(append([]string{"tenant", "set", "acme"}, strings.Fields(c.flags)...)...)
			if got := h.sitesOf(); code != done || got != c.sites || !strings.Contains(said, c.said) || c.said == "" && said != "" {
				t.Errorf("serving %v, %s: exit %d, %q, sites %q, want %q and %q", serving, c.flags, code, said, got, c.sites, c.said)
			}
		}
		for flags, want := range map[string]string{
			"--remove-site https://x.example":                                          "site https://x.example: is not one of the tenant's sites: https://shop.b.example",
			"--remove-site https://shop.b.example":                                     "last site",
			"--add-site https://c.example --remove-site https://c.example":             "added and removed",
			"--add-site https://c.example --remove-site https://x.example":             "is not one of the tenant's sites",
			"--add-site acme.example":                                                  "did you mean https://acme.example?",
			"--add-site https://acme.example/shop":                                     "did you mean https://acme.example?",
			"--add-site http://acme.example":                                           "did you mean https://acme.example?",
			"--site http://192.168.1.20:3000":                                          "use --insecure-site",
			"--insecure-site https://acme.example":                                     "for https, use --site or --add-site",
			"--insecure-site 192.168.1.20":                                             "must be an origin",
			"--site https://a.example --add-site https://b.example":                    "--site replaces all sites",
			"--site https://a.example --remove-site https://b.example":                 "--site replaces all sites",
			"--clear-sites --site https://a.example":                                   "use --site instead",
			"--clear-sites --add-site https://a.example":                               "use --site instead",
			"--clear-sites --insecure-site http://a.example":                           "use --site instead",
			"--add-site null":                                                          "sandboxed frames",
			"--add-site https://*.acme.example":                                        "each host name",
			"--add-site acme.example --add-site b.example --remove-site http://x.test": "did you mean https://b.example?",
		} {
			_, said, code := h.run(append([]string{"tenant", "set", "acme"}, strings.Fields(flags)...)...)
			if got := h.sitesOf(); code == done || !strings.Contains(said, want) || got != "https://shop.b.example" {
				t.Errorf("serving %v, %s: exit %d, %q, sites %q, want %q", serving, flags, code, said, got, want)
			}
		}
		if _, said, code := h.run("tenant", "add", "phone", "--insecure-site", "http://192.168.1.20:3000"); code != done || !strings.Contains(said, "take their tokens") || strings.Contains(said, "any page") {
			t.Errorf("tenant add: exit %d, %q", code, said)
		}
	}
}

// callFrom calls the API from a page, and returns the code and ref of a refusal.
func (h *harness) callFrom(clientID, token string, header http.Header) (code, ref string) {
	h.t.Helper()
	body := url.Values{"client_id": {clientID}, "access_token": {token}}.Encode()
	r, err := http.NewRequest("POST", h.public+"/v1/items", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header = header.Clone()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.refusalIn(string(text))
}

// TestExplainMismatch checks that an explanation names the page, the cause and the command that
// helps, also after a restart, and that the command does help.
func TestExplainMismatch(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	h.must("tenant", "add", "acme", "--site", "https://acme.example")
	h.must("tenant", "add", "other")
	from := func(origin string) http.Header { return http.Header{"Origin": {origin}} }
	refs := map[string]string{}
	for _, c := range []struct {
		client string
		header http.Header
		want   []string
	}{
		{"acme", from("https://x.example"), []string{"page    https://x.example", "stile tenant set acme --add-site https://x.example"}},
		{"acme", from("https://www.acme.example"), []string{"similar to the site https://acme.example", "--add-site https://www.acme.example"}},
		{"acme", from("http://192.168.1.20:3000"), []string{"stile tenant set acme --insecure-site http://192.168.1.20:3000"}},
		{"acme", from("capacitor://localhost"), []string{"page    capacitor://localhost", "can't be registered"}},
		{"acme", from("null"), []string{"page    null", "sandboxed frame"}},
		{"acme", from("x y"), []string{"page    invalid", "not an origin"}},
		{"acme", http.Header{"Sec-Fetch-Site": {"cross-site"}}, []string{"rule    no origin", "referrerpolicy"}},
		{"acme", http.Header{"Sec-Fetch-Dest": {"image"}}, []string{"rule    fetch metadata", "image"}},
		{"other", http.Header{}, []string{"rule    client_id", "another tenant's client_id"}},
		{"othr", http.Header{}, []string{"rule    unknown client_id", "does not exist"}},
	} {
		code, ref := h.callFrom(c.client, h.token(), c.header)
		out := h.must("explain", ref)
		for _, want := range c.want {
			if code != "client_mismatch" || !strings.Contains(out, want) {
				t.Errorf("%s %v: %s, no %q in\n%s", c.client, c.header, code, want, out)
			}
		}
		refs[c.header.Get("Origin")] = ref
	}
	const json = `"page":"https://x.example"`
	if out := h.must("explain", refs["https://x.example"], "--json"); !strings.Contains(out, json) {
		t.Errorf("--json: %s", out)
	}
	if log := h.log.String(); !strings.Contains(log, "page=https://x.example") && !strings.Contains(log, json) {
		t.Errorf("the log: %s", log)
	}
	h.must("tenant", "set", "acme", "--add-site", "https://x.example", "--insecure-site", "http://192.168.1.20:3000")
	for _, origin := range []string{"https://x.example", "http://192.168.1.20:3000", "https://acme.example"} {
		if code, _ := h.callFrom("acme", h.token(), from(origin)); code != "" {
			t.Errorf("%s is registered: %s", origin, code)
		}
	}
	if out := h.must("explain", refs["https://x.example"]); !strings.Contains(out, "It is one now") {
		t.Errorf("explain: %s", out)
	}
	h.end()
	h.must("tenant", "set", "acme", "--remove-site", "https://x.example")
	if out := h.must("explain", refs["https://x.example"]); !strings.Contains(out, "page    https://x.example") {
		t.Errorf("explain, from the store: %s", out)
	}
}
