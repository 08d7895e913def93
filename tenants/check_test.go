package tenants_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"stile.example/stile/tenants"
)

func TestOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"https://acme.example":               "https://acme.example",
		"https://acme.example/":              "https://acme.example",
		"HTTPS://WWW.Acme.Example:443":       "https://www.acme.example",
		"https://acme.example:8443":          "https://acme.example:8443",
		"https://acme.example:08443":         "https://acme.example:8443",
		"https://xn--mnchen-3ya.example":     "https://xn--mnchen-3ya.example",
		"https://203.0.113.9":                "https://203.0.113.9",
		"https://[2001:DB8:0:0::1]:443":      "https://[2001:db8::1]",
		"http://localhost:8090":              "http://localhost:8090",
		"http://localhost:80":                "http://localhost",
		"http://shop.localhost":              "http://shop.localhost",
		"http://127.0.0.1:8090":              "http://127.0.0.1:8090",
		"http://[::1]:8090":                  "http://[::1]:8090",
		"https://a.example:80":               "https://a.example:80",
		"http://acme.example":                "",
		"http://localhost.evil.example":      "",
		"http://203.0.113.9":                 "",
		"acme.example":                       "",
		"":                                   "",
		"/":                                  "",
		"*":                                  "",
		"null":                               "",
		"https://":                           "",
		"https://*.acme.example":             "",
		"https://acme.example/shop":          "",
		"https://acme.example//":             "",
		"https://acme.example?x":             "",
		"https://acme.example#x":             "",
		"https://acme.example?":              "",
		"https://user@acme.example":          "",
		"https://user:pass@acme.example":     "",
		"https://acme.example:0":             "",
		"https://acme.example:65536":         "",
		"https://acme.example:":              "",
		"https://acme.example:x":             "",
		"https://acme..example":              "",
		"https://acme.example.":              "",
		"https://münchen.example":            "",
		"https://acme.example\\.evil":        "",
		"https://acme.example\r\nX: y":       "",
		"https://ac me.example":              "",
		"https://[fe80::1%25eth0]":           "",
		"javascript:alert(1)":                "",
		"https:acme.example":                 "",
		"ftp://acme.example":                 "",
		"file:///etc/passwd":                 "",
		"https://" + strings.Repeat("a", 64): "",
	} {
		got, err := tenants.Origin(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Origin(%q) = %q, %v; want %q", in, got, err, want)
		}
		if again, _ := tenants.Origin(got); again != got {
			t.Errorf("%q becomes %q when read again", got, again)
		}
	}
}

func FuzzOrigin(f *testing.F) {
	f.Add("https://acme.example:443/")
	f.Add("http://[::1]:80")
	f.Fuzz(func(t *testing.T, site string) {
		got, err := tenants.Origin(site)
		if err != nil {
			return
		}
		if again, err := tenants.Origin(got); err != nil || again != got || strings.ContainsAny(got, " \r\n\t/?#@\\"+"\x00") && strings.Count(got, "/") != 2 {
			t.Errorf("%q became %q, and that %q, %v", site, got, again, err)
		}
	})
}

func TestServes(t *testing.T) {
	anywhere, bound := tenants.Tenant{}, tenants.Tenant{Sites: []string{"https://acme.example"}}
	if !anywhere.Serves("https://x.example") || !bound.Serves("https://acme.example") ||
		bound.Serves("https://acme.example.evil.example") || bound.Serves("http://acme.example") || bound.Serves("null") || bound.Serves("") {
		t.Error("sites are not compared whole")
	}
}

func TestCheckNormalises(t *testing.T) {
	tenant := tenants.Tenant{
		ClientID: "acme", Name: "Łódź 日本 می\u200cخواهم 👩\u200d🍳",
		Sites:  []string{"https://b.example", "https://A.example/", "https://a.example:443"},
		Prices: []tenants.Price{{Since: "2026-12-01", Micros: 2}, {Since: "2026-01-01", Micros: 1}},
	}
	if err := tenant.Check(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tenant.Sites, []string{"https://a.example", "https://b.example"}) || tenant.Status != tenants.Active || tenant.Prices[0].Micros != 1 {
		t.Errorf("became %+v", tenant)
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, change := range map[string]func(*tenants.Tenant){
		"no client_id":       func(t *tenants.Tenant) { t.ClientID = "" },
		"a long client_id":   func(t *tenants.Tenant) { t.ClientID = strings.Repeat("a", 65) },
		"a slash":            func(t *tenants.Tenant) { t.ClientID = "../x" },
		"not ASCII":          func(t *tenants.Tenant) { t.ClientID = "é" },
		"a long name":        func(t *tenants.Tenant) { t.Name = strings.Repeat("é", 201) },
		"a line break":       func(t *tenants.Tenant) { t.Name = "a\r\nb" },
		"a terminal escape":  func(t *tenants.Tenant) { t.Name = "\x1b[31m" },
		"a turned direction": func(t *tenants.Tenant) { t.Name = "a\u202eb" },
		"not UTF-8":          func(t *tenants.Tenant) { t.Name = "\xff" },
		"another status":     func(t *tenants.Tenant) { t.Status = "paused" },
		"negative calls":     func(t *tenants.Tenant) { t.CallsPerMonth = -1 },
		"a site that is one": func(t *tenants.Tenant) { t.Sites = []string{"https://a.example", "a.example/x"} },
		"too many sites":     func(t *tenants.Tenant) { t.Sites = sites(101) },
		"too many secrets":   func(t *tenants.Tenant) { t.Secrets = make([]tenants.Secret, 5) },
		"long keys":          func(t *tenants.Tenant) { t.Keys = strings.Repeat(" ", 16<<10+1) },
		"a large policy":     func(t *tenants.Tenant) { t.Policy = policy(65) },
		"a price below 0":    func(t *tenants.Tenant) { t.Prices = []tenants.Price{{Since: "2026-01-01", Micros: -1}} },
		"a price too high":   func(t *tenants.Tenant) { t.Prices = []tenants.Price{{Since: "2026-01-01", Micros: 1000_000_001}} },
		"no such day":        func(t *tenants.Tenant) { t.Prices = []tenants.Price{{Since: "2026-02-30"}} },
		"a day twice":        func(t *tenants.Tenant) { t.Prices = []tenants.Price{{Since: "2026-01-01"}, {Since: "2026-01-01"}} },
		"too many prices":    func(t *tenants.Tenant) { t.Prices = make([]tenants.Price, 1001) },
		"a record's price":   func(t *tenants.Tenant) { t.Prices = []tenants.Price{{Since: "2026-01-01", RecordMicros: -1}} },
		"a tier of bytes":    tiers(tenants.Tier{Unit: "bytes", From: 2}),
		"a tier from 1":      tiers(tenants.Tier{Unit: tenants.Calls, From: 1}),
		"a tier too high":    tiers(tenants.Tier{Unit: tenants.Calls, From: 2, Micros: 1000_000_001}),
		"a tier twice":       tiers(tenants.Tier{Unit: tenants.Calls, From: 2}, tenants.Tier{Unit: tenants.Records, From: 2}, tenants.Tier{Unit: tenants.Calls, From: 2}),
		"too many tiers":     tiers(make([]tenants.Tier, 41)...),
		"a small currency":   func(t *tenants.Tenant) { t.Currency = "eur" },
		"no such currency":   func(t *tenants.Tenant) { t.Currency = "EUX" },
		"no currency":        func(t *tenants.Tenant) { t.Currency = "XXX" },
	} {
		tenant := tenants.Tenant{ClientID: "acme"}
		change(&tenant)
		if err := tenant.Check(); err == nil || strings.ContainsAny(err.Error(), "\x1b\r\u202e") {
			t.Errorf("%s: %q", name, err)
		}
	}
	both := tenants.Tenant{ClientID: "a b", CallsPerMonth: -1}
	if err := both.Check(); err == nil || !strings.Contains(err.Error(), "client_id") || !strings.Contains(err.Error(), "calls_per_month") {
		t.Errorf("not all faults at once: %v", err)
	}
}

func sites(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("https://%d.example", i))
	}
	return list
}

func policy(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("policy.x", i)] = "1"
	}
	return m
}

func tiers(some ...tenants.Tier) func(*tenants.Tenant) {
	return func(t *tenants.Tenant) { t.Prices = []tenants.Price{{Since: "2026-01-01", Tiers: some}} }
}

// TestTiersAreSorted checks that prices of before tiers are read, and that tiers are sorted.
func TestTiersAreSorted(t *testing.T) {
	tenant := tenants.Tenant{ClientID: "acme", Currency: "EUR"}
	if err := json.Unmarshal([]byte(`[{"Since":"2026-01-01","Micros":5}]`), &tenant.Prices); err != nil {
		t.Fatal(err)
	}
	tenant.Prices[0].Tiers = []tenants.Tier{{Unit: tenants.Records, From: 9}, {Unit: tenants.Calls, From: 20}, {Unit: tenants.Calls, From: 3}}
	if err := tenant.Check(); err != nil {
		t.Fatal(err)
	}
	if got := tenant.PriceOn("2026-02-01"); got.Micros != 5 || got.Tiers[0].From != 3 || got.Tiers[1].From != 20 || got.Tiers[2].Unit != tenants.Records {
		t.Errorf("%+v", got)
	}
}

func TestPriceOn(t *testing.T) {
	var tenant tenants.Tenant
	tenant.SetPrice(tenants.Price{Since: "2026-03-01", Micros: 300})
	tenant.SetPrice(tenants.Price{Since: "2026-01-01", Micros: 9})
	tenant.SetPrice(tenants.Price{Since: "2026-01-01", Micros: 100})
	for day, want := range map[string]int64{"2025-12-31": 0, "2026-01-01": 100, "2026-02-28": 100, "2026-03-01": 300, "2030-01-01": 300} {
		if got := tenant.PriceOn(day).Micros; got != want {
			t.Errorf("on %s: %d, want %d", day, got, want)
		}
	}
}

// TestOriginHints checks that an error names the origin that was probably meant, or another way.
func TestOriginHints(t *testing.T) {
	for site, want := range map[string]string{
		"acme.example":                   "did you mean https://acme.example?",
		" acme.example":                  "did you mean https://acme.example?",
		"www.acme.example/":              "did you mean https://www.acme.example?",
		"https://acme.example/shop?a=1":  "did you mean https://acme.example?",
		"https://acme.example:8443/shop": "did you mean https://acme.example:8443?",
		"localhost:3000":                 "did you mean http://localhost:3000?",
		"http://localhost:3000/x":        "did you mean http://localhost:3000?",
		"http://acme.example":            "did you mean https://acme.example?",
		"http://192.168.1.20:3000":       "use --insecure-site",
		"null":                           "local files and sandboxed frames",
		"https://*.acme.example":         "each host name",
	} {
		if _, err := tenants.Origin(site); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", site, err, want)
		}
	}
	for _, site := range []string{"*", "", "shop", "javascript:alert(1)", "https://\x1b[31m", "https://a b"} {
		if _, err := tenants.Origin(site); err == nil || strings.Contains(err.Error(), "did you mean") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v", site, err)
		}
	}
}

func TestInsecureOrigin(t *testing.T) {
	for site, want := range map[string]string{
		"http://192.168.1.20:3000": "http://192.168.1.20:3000",
		"HTTP://Intranet:80/":      "http://intranet",
		"http://localhost:3000":    "http://localhost:3000",
		"http://[FD00::1]:3000":    "http://[fd00::1]:3000",
		"https://acme.example":     "",
		"192.168.1.20":             "",
		"http://acme.example/shop": "",
		"http://*.acme.example":    "",
		"null":                     "",
		"":                         "",
	} {
		got, err := tenants.InsecureOrigin(site)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("InsecureOrigin(%q) = %q, %v; want %q", site, got, err, want)
		}
	}
	tenant := tenants.Tenant{ClientID: "acme", Sites: []string{"HTTP://192.168.1.20:3000/"}}
	if err := tenant.Check(); err != nil || !tenant.Serves("http://192.168.1.20:3000") {
		t.Errorf("a stored insecure site: %v, %v", err, tenant.Sites)
	}
}

func TestPageOrigin(t *testing.T) {
	for header, want := range map[string]string{
		"https://Acme.Example:443":                        "https://acme.example",
		"https://acme.example/shop?token=secret#x":        "https://acme.example",
		"https://user:pass@acme.example/":                 "https://acme.example",
		"http://192.168.1.20:3000":                        "http://192.168.1.20:3000",
		"capacitor://localhost":                           "capacitor://localhost",
		"chrome-extension://abcdefgh":                     "chrome-extension://abcdefgh",
		"null":                                            "",
		"":                                                "",
		"file:///etc/passwd":                              "",
		"https://a.example\r\nlevel=ERROR":                "",
		"https://<script>alert(1)</script>":               "",
		"https://a\u2028b":                                "",
		"https://\xff\xfe":                                "",
		"eyJhbGciOi.eyJzdWIi.c2ln":                        "",
		"https://" + strings.Repeat("a", 64):              "",
		"https://" + strings.Repeat("a.", 5000):           "",
		strings.Repeat("a", 33) + "://x":                  "",
		"https://" + strings.Repeat("a.", 126) + "b:8443": "https://" + strings.Repeat("a.", 126) + "b:8443",
	} {
		got, ok := tenants.PageOrigin(header)
		if got != want || ok != (want != "") {
			t.Errorf("PageOrigin(%.80q) = %q, %v; want %q", header, got, ok, want)
		}
	}
}

func FuzzPageOrigin(f *testing.F) {
	f.Add("https://acme.example:443/a?b")
	f.Add("http://[::1%25lo]:80")
	f.Fuzz(func(t *testing.T, header string) {
		got, ok := tenants.PageOrigin(header)
		const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/[]+"
		if ok == (got == "") || strings.Trim(got, allowed) != "" || len(got) > 300 {
			t.Errorf("%q became %q, %v", header, got, ok)
		}
	})
}

func TestNear(t *testing.T) {
	tenant := tenants.Tenant{Sites: []string{"https://acme.example", "https://shop.acme.example:8443"}}
	for page, want := range map[string]string{
		"https://www.acme.example":      "https://acme.example",
		"http://acme.example":           "https://acme.example",
		"https://acme.example:444":      "https://acme.example",
		"https://shop.acme.example":     "https://shop.acme.example:8443",
		"https://acme.example.evil.com": "",
		"https://other.example":         "",
		"null":                          "",
		"":                              "",
	} {
		if got := tenant.Near(page); got != want {
			t.Errorf("Near(%q) = %q, want %q", page, got, want)
		}
	}
	for site, want := range map[string]string{
		"https://acme.example": "https://www.acme.example", "https://www.acme.example:8443": "https://acme.example:8443",
		"https://shop.acme.example": "", "https://203.0.113.9": "", "http://localhost:3000": "", "https://[2001:db8::1]": "", "http://intranet": "", "": "",
	} {
		if got := tenants.WithWWW(site); got != want {
			t.Errorf("WithWWW(%q) = %q, want %q", site, got, want)
		}
	}
}
