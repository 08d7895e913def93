package protection

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	addresslist "stile.example/stile/addresses"
	"stile.example/stile/console/consoletest"
	"stile.example/stile/operations"
	refusallog "stile.example/stile/refusals"
	"stile.example/stile/tenants"
	tokenstate "stile.example/stile/tokens"
)

// site returns a console with a tenant, some tokens, refusals and addresses.
func site(t *testing.T) (*consoletest.Site, tokenstate.ID) {
	t.Helper()
	s := consoletest.New(t, Add)
	d := s.Dir
	if _, err := operations.RunAs[operations.TenantChange, operations.Credentials](t.Context(), d, s.Caller().Actor, "tenant add", operations.TenantChange{ClientID: "acme"}); err != nil {
		t.Fatal(err)
	}
	var acme *tenants.Tenant
	acme, _ = d.Tenants.Find("acme")
	now := d.Now()
	id := tokenstate.NewID("https://api.example", "one")
	for n := range 60 {
		of := id
		if n > 0 {
			of = tokenstate.NewID("https://api.example", fmt.Sprint(n))
		}
		state := tokenstate.State{Tenant: acme.Number, IssuedAt: now.Unix() - 300, Expires: now.Unix() + 86000, Bound: tokenstate.BindTo(netip.MustParseAddr("203.0.113.9")),
			BoundAfter: 3, Day: int32(now.Unix() / 86400), ChallengesIssued: 1}
		state.Calls.Since = uint32(now.Unix()) - 60
		state.Used[0][0] = tokenstate.Count{Calls: 25, Records: 75}
		if n == 0 {
			state.Dead = tokenstate.Hijacked
		}
		if err := d.Store.Update(t.Context(), of, func(tokenstate.State) tokenstate.State { return state }); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 50 {
		f := refusallog.Refusal{Ref: fmt.Sprintf("7QK2-%04d", n), At: now.Add(-time.Duration(n) * time.Minute), Tenant: "acme", Code: "challenge_required", Rule: "spike.calls", Limit: 60, Seen: 61,
			Identity: "token one", Address: "203.0.113.9", Token: id}
		if n == 0 {
			f.Code, f.Rule, f.Limit, f.Seen, f.Detail = "token_hijacked", "binding", 0, 0, "the token is bound to the address <script>"
		}
		if n == 1 {
			f.Token = tokenstate.NewID("https://api.example", "never admitted")
		}
		d.Refusals.Note(f, true)
	}
	for range 80 {
		e := addresslist.Bind{At: now, Records: 1}
		if _, err := d.Addresses.Apply(t.Context(), netip.MustParseAddr("198.51.100.7"), acme.Number, now, e); err != nil {
			t.Fatal(err)
		}
	}
	return s, id
}

func TestRefusals(t *testing.T) {
	s, id := site(t)
	page := s.Get("/refusals", 200)
	consoletest.Has(t, page, "7QK2-0000", "The token made 61 calls within policy.spike.per", `href="/refusals/7QK2-0003"`, "Older")
	older := regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(page)[1]
	if next := s.Get(strings.ReplaceAll(older, "&amp;", "&"), 200); !strings.Contains(next, "7QK2-0049") || strings.Contains(next, "7QK2-0000") {
		t.Error("the second page is not the rest")
	}
	if page := s.Get("/refusals?code=token_hijacked&tenant=acme", 200); !strings.Contains(page, "7QK2-0000") || strings.Contains(page, "7QK2-0001") {
		t.Error("the filter does not select")
	}
	s.Get("/refusals?from=soon", 400)
	s.Get("/refusals?after=x", 400)
	s.Get("/refusals/AAAA-AAAA", 404)
	consoletest.Has(t, s.Get("/refusals/7QK2-0003", 200), "policy.spike.calls", "stile explain 7QK2-0003", "/tokens/"+id.String(), "The token stays valid")
	consoletest.Has(t, s.Get("/refusals/7QK2-0000", 200), "&lt;script&gt;", "used from outside its binding")
	never := tokenstate.NewID("https://api.example", "never admitted").String()
	if page := s.Get("/refusals/7QK2-0001", 200); !strings.Contains(page, "/refusals?token="+never) || strings.Contains(page, "/tokens/"+never) {
		t.Error("the refusal links to a token that has no page")
	}
}

func TestTokens(t *testing.T) {
	s, id := site(t)
	consoletest.Has(t, s.Get("/tokens", 200), "Older", "live", "acme")
	if page := s.Get("/tokens?state=dead", 200); !strings.Contains(page, id.String()) || strings.Contains(page, ">live</span>") {
		t.Error("the dead token is not alone")
	}
	consoletest.Has(t, s.Get("/tokens/"+id.String(), 200), "It died: it was used from outside its binding", "Its first call bound it", "25 admitted calls", "75 records", "7QK2-0000")
	if to := s.Post("/tokens/find", 303, "token", id.String()); to != "/tokens/"+id.String() {
		t.Errorf("found at %s", to)
	}
	pasted := "eyJhbGciOiJFZERTQSJ9.eyJjYW5hcnkiOjF9.c2lnbmF0dXJl"
	if page := s.Post("/tokens/find", 400, "token", pasted); strings.Count(page, pasted) != 1 {
		t.Errorf("the token is shown %d times", strings.Count(page, pasted))
	}
	for _, unknown := range []string{"none", "C5-sbF16Tw4LnyxsXXpPDg", strings.Repeat("0", 32), "a.b.c"} {
		s.Get("/tokens/"+unknown, 404)
	}
	live := tokenstate.NewID("https://api.example", "7").String()
	s.Role = operations.Viewer
	s.Post("/tokens/"+live+"/revoke", 403)
	s.Role = operations.Operator
	s.Post("/tokens/"+live+"/revoke", 303)
	consoletest.Has(t, s.Get("/tokens/"+live, 200), "ada revoked it.", "token_revoked")
}

func TestAddresses(t *testing.T) {
	s, _ := site(t)
	consoletest.Has(t, s.Get("/addresses", 200), "198.51.100.7/32", "crowded")
	consoletest.Has(t, s.Get("/addresses/of/198.51.100.7", 200), "bindings", "No token is bound to it")
	consoletest.Has(t, s.Get("/addresses/of/203.0.113.9", 200), "live", "Clear")
	s.Get("/addresses/of/nowhere", 400)
	s.Post("/addresses/keep", 409, "range", "198.51.100.7") // it is crowded, not blocked
	if to := s.Post("/addresses/lift", 303, "range", "198.51.100.7/32", "to", "/addresses?kind=crowded"); to != "/addresses?kind=crowded" {
		t.Errorf("goes to %s", to)
	}
	if page := s.Get("/addresses", 200); strings.Contains(page, "198.51.100.7") {
		t.Error("it is still crowded")
	}
	s.Post("/addresses/block", 400, "range", "0.0.0.0/0")
	s.Post("/addresses/block", 303, "range", "192.0.2.0/24", "for", "24h", "reason", "=cmd <b>")
	s.Post("/addresses/allow", 303, "range", "203.0.113.0/24", "bindings", "5000")
	consoletest.Has(t, s.Get("/addresses?origin=person", 200), "192.0.2.0/24", "=cmd &lt;b&gt;", "each address may bind 5,000 tokens", "in 2")
	consoletest.Has(t, s.Get("/addresses/proposals", 200), "No proposals")
	s.Role = operations.Viewer
	if page := s.Get("/addresses", 200); strings.Contains(page, "/addresses/lift") {
		t.Error("a viewer is offered to lift a block")
	}
	s.Post("/addresses/lift", 403, "range", "192.0.2.0/24")
}

// TestConfirm checks that a wide range says how the console confirms it, not how a command does.
func TestConfirm(t *testing.T) {
	s := consoletest.New(t, Add)
	for _, path := range []string{"/addresses/block", "/addresses/allow"} {
		page := s.Post(path, 400, "range", "0.0.0.0/0")
		consoletest.Has(t, page, "confirm it with yes", "Yes: I know")
		if regexp.MustCompile("[\\s`(]--[a-z]").MatchString(page) { // not a part of a random value
			t.Error("the page has a flag of a command")
		}
	}
}
