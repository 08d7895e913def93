package tenantpages_test

import (
	"strings"
	"testing"

	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/frame"
	"stile.example/stile/console/tenantpages"
	"stile.example/stile/operations"
	"stile.example/stile/tenants"
)

func TestAddTenant(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add)
	consoletest.Has(t, s.Get("/tenants", 200), "No tenant yet", `href="/add/tenant"`)
	page := consoletest.Has(t, s.Post("/add/tenant", 200, "client_id", "acme", "name", "Acme Ltd", "sites", "https://www.acme.example\r\n\r\n https://acme.example ", "calls_per_month", "1000"),
		"Tenant added", "client_secret", "data-client-id=&#34;acme&#34;", "stile_")
	secret := page[strings.Index(page, "stile_"):][:49]
	tenant, _ := s.Dir.Tenants.Find("acme")
	if strings.Join(tenant.Sites, " ") != "https://acme.example https://www.acme.example" || tenant.CallsPerMonth != 1000 {
		t.Errorf("tenant %+v", tenant)
	}
	if _, err := s.Dir.Tenants.Authenticate("acme", secret, s.Dir.Now()); err != nil {
		t.Errorf("the secret %s is not the tenant's", secret)
	}
	for _, path := range []string{"/tenants", "/tenants/acme", "/usage", "/tenants/acme/edit"} {
		if strings.Contains(s.Get(path, 200), secret) {
			t.Errorf("%s shows the secret again", path)
		}
	}
	consoletest.Has(t, s.Refuse("/add/tenant", "client_id", "acme", "name", "Typed"), "exists already", `value="Typed"`, `aria-invalid="true"`)
	consoletest.Has(t, s.Refuse("/add/tenant", "client_id", "a b"), "must be 1 to 64")
	consoletest.Has(t, s.Refuse("/add/tenant", "client_id", "b", "calls_per_month", "many"), "must be a whole number")
	consoletest.Has(t, s.Refuse("/add/tenant", "client_id", "b", "sites", "ftp://x"), "field-sites-error")
	consoletest.Has(t, s.Refuse("/add/tenant", "client_id", "a b", "name", strings.Repeat("x", 201)), "Check the fields client_id, Name of the organisation.", "field-client_id-error", "field-name-error")
}

// TestEditSites checks that sites are added and removed, that plain http must be allowed, and that
// removing the last site, which lets any page in, must be confirmed.
func TestEditSites(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add)
	s.Post("/add/tenant", 200, "client_id", "acme", "sites", "https://a.example")
	sites := func() string {
		tenant, _ := s.Dir.Tenants.Find("acme")
		return strings.Join(tenant.Sites, " ")
	}
	for _, c := range []struct {
		typed, insecure, any string
		done                 bool
		want                 string
	}{
		{"https://b.example\nhttps://c.example", "", "", true, "https://b.example https://c.example"},
		{"http://192.168.1.20:3000\nhttps://b.example", "", "", false, "https://b.example https://c.example"},
		{"http://192.168.1.20:3000\nhttps://b.example", "yes", "", true, "http://192.168.1.20:3000 https://b.example"},
		{"", "", "", false, "http://192.168.1.20:3000 https://b.example"},
		{"", "", "yes", true, ""},
	} {
		send := func(pairs ...string) string { return s.Post("/tenants/acme/edit", 303, pairs...) }
		if !c.done {
			send = func(pairs ...string) string { return s.Refuse("/tenants/acme/edit", pairs...) }
		}
		send("sites", c.typed, "insecure", c.insecure, "any", c.any)
		if got := sites(); got != c.want {
			t.Errorf("after %q the sites are %q, want %q", c.typed, got, c.want)
		}
	}
	consoletest.Has(t, s.Get("/tenants/acme", 200), "any page")
}

// TestEditTwice checks that a form that was opened before another change does not undo it silently:
// it is shown again, with what was typed, and replaces the change only if it is sent once more.
func TestEditTwice(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add)
	s.Post("/add/tenant", 200, "client_id", "acme", "sites", "https://a.example")
	version := func(page string) string {
		_, rest, _ := strings.Cut(page, `name="version" value="`)
		value, _, _ := strings.Cut(rest, `"`)
		if value == "" {
			t.Fatalf("the form has no version:\n%s", page)
		}
		return value
	}
	old := version(s.Get("/tenants/acme/edit", 200))
	s.Post("/tenants/acme/edit", 303, "sites", "https://a.example\nhttps://b.example", "version", old)
	// An error does not make the version a new one.
	if page := s.Post("/tenants/acme/edit", 400, "calls_per_month", "many", "version", old); version(page) != old {
		t.Error("after an error, the form has another version")
	}
	page := s.Post("/tenants/acme/edit", 409, "name", "Typed", "sites", "https://a.example", "version", old)
	consoletest.Has(t, page, "nothing was changed", `value="Typed"`)
	if tenant, _ := s.Dir.Tenants.Find("acme"); len(tenant.Sites) != 2 || tenant.Name != "" {
		t.Errorf("the change of another tab was undone: %+v", tenant)
	}
	s.Post("/tenants/acme/edit", 303, "name", "Typed", "sites", "https://a.example", "version", version(page))
	if tenant, _ := s.Dir.Tenants.Find("acme"); len(tenant.Sites) != 1 || tenant.Name != "Typed" {
		t.Errorf("%+v", tenant)
	}
}

func TestSecretAndStatus(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add)
	first := s.Post("/add/tenant", 200, "client_id", "acme")
	old := first[strings.Index(first, "stile_"):][:49]
	consoletest.Has(t, s.Refuse("/tenants/acme/secret", "overlap", "soon"), "field-overlap-error")
	consoletest.Has(t, s.Post("/tenants/acme/secret", 200, "overlap", "24h"), "New secret", "valid for another 24h")
	if _, err := s.Dir.Tenants.Authenticate("acme", old, s.Dir.Now()); err != nil {
		t.Error("the old secret is not valid during the overlap")
	}
	s.Post("/tenants/acme/secret", 200, "overlap", "0s")
	if _, err := s.Dir.Tenants.Authenticate("acme", old, s.Dir.Now()); err == nil {
		t.Error("the old secret is valid without an overlap")
	}
	if to := s.Post("/tenants/acme/suspend", 303); to != "/tenants/acme" {
		t.Errorf("goes to %s", to)
	}
	consoletest.Has(t, s.Get("/tenants/acme", 200), "suspended", "Resume…")
	s.Post("/tenants/acme/resume", 303)
	consoletest.Has(t, s.Refuse("/tenants/acme/remove", "confirm", "acm"), "nothing was removed")
	s.Post("/tenants/acme/remove", 303, "confirm", "acme")
	s.Get("/tenants/acme", 404)
	s.Post("/tenants/acme/suspend", 404)
}

func TestSetting(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add)
	s.Post("/add/tenant", 200, "client_id", "acme")
	consoletest.Has(t, s.Get("/tenants/acme/setting?name=policy.token.calls", 200), "Maximum number of calls of a token.", "whole number")
	consoletest.Has(t, s.Refuse("/tenants/acme/setting", "name", "policy.token.calls", "value", "none"), "whole number", `value="none"`)
	s.Post("/tenants/acme/setting", 303, "name", "policy.token.calls", "value", "500")
	consoletest.Has(t, s.Get("/tenants/acme", 200), "policy.token.calls", "<code>500</code>")
	s.Post("/tenants/acme/setting", 303, "name", "policy.token.calls", "value", "")
	consoletest.Has(t, s.Get("/tenants/acme", 200), "The server’s policy applies")
}

// TestList checks the filter, and that the pages of the list have each tenant once.
func TestList(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add)
	for i := range 120 {
		id := "t" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		if _, err := operations.AddTenant(t.Context(), s.Dir, operations.TenantChange{ClientID: id}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	pages := 0
	for path := "/tenants"; path != ""; pages++ {
		page := s.Get(path, 200)
		for _, part := range strings.Split(page, `href="/tenants/`)[1:] {
			seen[part[:3]]++
		}
		_, rest, _ := strings.Cut(page, `href="/tenants?after=`)
		next, _, more := strings.Cut(rest, `"`)
		if path = ""; more {
			path = "/tenants?after=" + next
		}
	}
	if len(seen) != 120 || pages != 3 || seen["tab"] != 1 {
		t.Errorf("%d tenants on %d pages", len(seen), pages)
	}
	consoletest.Has(t, s.Get("/tenants?q=TAB", 200), "1 of 120 tenants", `value="TAB"`, ">Clear<")
	consoletest.Has(t, s.Get("/tenants?status=suspended", 200), "No tenant matches")
}

func TestUsage(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add)
	consoletest.Has(t, s.Get("/usage", 200), "No calls in this period")
	for _, query := range []string{"from=x", "from=2026-11-02&to=2026-11-01", "from=2020-01-01&to=2026-11-01"} {
		s.Get("/usage?"+query, 400)
	}
	s.Get("/usage?tenant=nobody", 404)
}

// TestPart checks that a part of another package is on the page of a tenant, and that a part that
// fails does not prevent the page.
func TestPart(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add, func(f *frame.Frame) {
		f.Part(tenantpages.TenantPage, frame.Part{Role: operations.Viewer, Order: 2, Template: `<section><h2>Doctor</h2>{{.Data}}</section>`,
			Data: func(r *frame.Request) (any, error) { return "about " + r.PathValue("client_id"), nil }})
		f.Part(tenantpages.TenantPage, frame.Part{Role: operations.Viewer, Order: 1, Template: `{{.Data.Missing.Field}}`, Data: func(*frame.Request) (any, error) { return "", nil }})
		f.Part(tenantpages.TenantPage, frame.Part{Role: operations.Viewer, Template: `never`, Data: func(*frame.Request) (any, error) { return nil, nil }})
	})
	s.Post("/add/tenant", 200, "client_id", "acme")
	page := consoletest.Has(t, s.Get("/tenants/acme", 200), "about acme", "A part of this page can’t be shown", "Reference:")
	if strings.Contains(page, "never") || strings.Contains(page, "Missing") {
		t.Error(page)
	}
}

// TestPrices checks that a tenant's page says every price in the tenant's currency.
func TestPrices(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add)
	s.Post("/add/tenant", 200, "client_id", "acme")
	_, err := s.Dir.Tenants.Update(t.Context(), "acme", func(tenant *tenants.Tenant) error {
		tenant.Currency = "EUR"
		tenant.Prices = []tenants.Price{{Since: "2026-01-01", Micros: 2000, RecordMicros: 100, Tiers: []tenants.Tier{{Unit: "calls", From: 11, Micros: 1000}}}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	consoletest.Has(t, s.Get("/tenants/acme", 200), "0.002 EUR a call, 0.0001 EUR a record since 2026-01-01", "0.001 EUR from the 11th call of the month on", "0 EUR")
}

// TestAddWithPrices checks that a tenant can be added with all that the command sets of prices, and
// that each error is at its field.
func TestAddWithPrices(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add)
	for field, value := range map[string]string{"currency": "EURO", "call": "-1", "record": "x", "tiers": "calls=1", "since": "2026-02-30"} {
		page := s.Refuse("/add/tenant", "client_id", "acme", field, value, "call", "1")
		consoletest.Has(t, page, `id="field-`+field+`-error"`, value)
	}
	for range 50 { // the first wrong price, not any of them
		consoletest.Has(t, s.Refuse("/add/tenant", "client_id", "acme", "call", "x", "record", "y"), `id="field-call-error"`)
	}
	s.Post("/add/tenant", 200, "client_id", "acme", "currency", "eur", "call", "0.002", "record", "0.0001", "tiers", "records:50001=0.00005\ncalls:10001=0.0015\n", "since", "2026-01-02")
	consoletest.Has(t, s.Get("/tenants/acme", 200), "0.002 EUR a call, 0.0001 EUR a record since 2026-01-02", "0.0015 EUR from the 10,001st call", "0.00005 EUR from the 50,001st record")
	s.Post("/add/tenant", 200, "client_id", "free")
	consoletest.Has(t, s.Get("/tenants/free", 200), "no price")
}

// TestReload checks that reloading the page of a new secret neither fails nor makes another one,
// and leads to the tenant and to a new secret.
func TestReload(t *testing.T) {
	s := consoletest.New(t, tenantpages.Add)
	s.Post("/add/tenant", 200, "client_id", "acme", "sent", "1")
	page := s.Post("/add/tenant", 200, "client_id", "acme", "sent", "1")
	consoletest.Has(t, page, "Tenant added", `href="/tenants/acme"`, `href="/tenants/acme/secret"`)
	s.Post("/tenants/acme/secret", 200, "overlap", "24h", "sent", "2")
	page = s.Post("/tenants/acme/secret", 200, "overlap", "24h", "sent", "2")
	consoletest.Has(t, page, "can’t be shown again")
	consoletest.Has(t, s.Get("/tenants/acme", 200), "2 valid secrets")
}
