package operations

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/evidence"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lists"
	"stile.example/stile/operations/statements"
	"stile.example/stile/refusals"
	"stile.example/stile/tokens"
)

// twoTenants returns a data directory with the tenants acme and globex, and with a refusal and
// evidence of each.
func twoTenants(t *testing.T) *datadir.Dir {
	t.Helper()
	d := openDirWith(t, map[string]string{"public_url": "https://api.example"})
	y, m, _ := time.Now().UTC().AddDate(0, -2, 0).Date()
	day := int32(time.Date(y, m, 3, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	for i, name := range []string{"acme", "globex"} {
		if _, err := AddTenant(t.Context(), d, TenantChange{ClientID: name}); err != nil {
			t.Fatal(err)
		}
		number, _ := d.TenantNumber(name)
		ref := fmt.Sprintf("000%d-%s", i, "0000")
		d.Refusals.Note(refusals.Refusal{Ref: ref, At: time.Now(), Tenant: name, Code: "client_mismatch", Rule: "sites", Page: "https://" + name + ".example", Identity: "token of-" + name}, true)
		for range 5 {
			d.Evidence.Note(number, evidence.Observation{At: time.Now(), Kind: evidence.Refused, Key: "client_mismatch sites", Ref: ref})
			d.Evidence.Note(number, evidence.Observation{At: time.Now(), Kind: evidence.Page, Key: "https://" + name + ".example", Ref: ref})
		}
		err := d.Store.Update(t.Context(), tokens.ID{byte(i)}, func(tokens.State) tokens.State {
			return tokens.State{Tenant: number, Day: day, Expires: int64(day+1) * 86400, Used: tokens.Usage{{{Calls: uint32(10 + i), Records: 20}}}}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if made, err := d.Statements.CloseDue(t.Context(), time.Now()); err != nil || len(made) < 2 {
		t.Fatal(made, err)
	}
	return d
}

// TestRefusalLines checks that each line of a list has its number of refusals, also if
// that is one: the lines of an export are added up.
func TestRefusalLines(t *testing.T) {
	d := twoTenants(t)
	page, err := RunAs[lists.RefusalQuery, lists.RefusalPage](t.Context(), d, Actor{Name: "root", Role: Owner}, "refusal list", lists.RefusalQuery{})
	if err != nil || len(page.Refusals) != 2 {
		t.Fatal(page, err)
	}
	for _, r := range page.Refusals {
		if r.Count != 1 {
			t.Errorf("%s stands for %d", r.Ref, r.Count)
		}
	}
}

// TestDevelopersMay lists what a tenant's developers may call. Adding an operation here
// means that a tenant sees it: its scope must fix the tenant.
func TestDevelopersMay(t *testing.T) {
	want := []string{"doctor", "statement export", "statement list", "statement show", "tenant refusals", "tenant show", "token issue", "usage"}
	if got := slices.Sorted(maps.Keys(scopes)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestDevelopersSeeOneTenant calls every operation of the registry as a developer of acme, with an
// input about globex. Either it is forbidden, or the result is about acme only.
func TestDevelopersSeeOneTenant(t *testing.T) {
	d := twoTenants(t)
	developer := Actor{Name: "agency", Role: Developer, Tenant: "acme", Credential: "link"}
	for _, op := range All() {
		for _, in := range []string{op.Example, strings.ReplaceAll(op.Example, "acme", "globex"),
			`{"client_id":"globex","tenant":"globex"}`, `{"client_id":"globex"}`, `{"tenant":"globex","Tenant":"globex","TENANT":"globex"}`, `{"Client_ID":"globex"}`, `{}`} {
			var out bytes.Buffer
			result, err := op.Run(t.Context(), d, Call{Actor: developer, Input: json.RawMessage(in), Out: &out})
			if _, may := scopes[op.Name]; !may {
				if failure.KindOf(err) != failure.Forbidden {
					t.Errorf("%s %s: %v, %v", op.Name, in, result, err)
				}
				continue
			}
			text, _ := json.Marshal(result)
			text = append(text, out.Bytes()...)
			if strings.Contains(string(text), "globex") || err != nil && strings.Contains(err.Error(), "globex") {
				t.Errorf("%s %s: %s, %v", op.Name, in, text, err)
			}
			if op.Name != "usage" && in == op.Example && err == nil && len(text) < 10 {
				t.Errorf("%s %s shows nothing: %s", op.Name, in, text)
			}
		}
	}
}

// TestStatementsOfOthers checks that a developer gets the own statements only, whatever tenant,
// month or cursor is asked for.
func TestStatementsOfOthers(t *testing.T) {
	d := twoTenants(t)
	month := time.Now().UTC().AddDate(0, -2, 0)
	closed := time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
	developer := Actor{Name: "agency", Role: Developer, Tenant: "acme", Credential: "link"}
	page, err := RunAs[statements.Query, statements.Page](t.Context(), d, developer, "statement list", statements.Query{Tenant: "globex", After: "9999-12 globex"})
	if err != nil || len(page.Statements) == 0 {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, s := range page.Statements {
		if s.Tenant != "acme" {
			t.Errorf("the list has %+v", s)
		}
	}
	v, err := RunAs[statements.Name, statements.View](t.Context(), d, developer, "statement show", statements.Name{Tenant: "globex", Month: closed})
	if err != nil || v.Tenant != "acme" || v.Calls != 10 || v.Preliminary {
		t.Errorf("%+v, %v", v, err)
	}
	op, _ := Find("statement export")
	for _, format := range []string{"html", "csv", "json", "ndjson"} {
		var out bytes.Buffer
		in := fmt.Sprintf(`{"tenant":"globex","TENANT":"globex","month":%q,"format":%q}`, closed, format)
		if _, err := op.Run(t.Context(), d, Call{Actor: developer, Input: json.RawMessage(in), Out: &out}); err != nil || !strings.Contains(out.String(), "acme") || strings.Contains(out.String(), "globex") {
			t.Errorf("%s: %v: %s", format, err, out.String())
		}
	}
	for _, forged := range []any{statements.Page{Statements: []statements.Info{{Tenant: "globex"}}}, statements.View{}, nil} {
		if _, err := listedStatements("acme", forged); err == nil {
			t.Errorf("%+v passes as a list", forged)
		}
		if _, err := shownStatement("acme", forged); err == nil {
			t.Errorf("%+v passes as a statement", forged)
		}
	}
}

// TestHalfDevelopersMayNothing checks that an actor that names a tenant and has another role, and a
// developer of no tenant, may call nothing.
func TestHalfDevelopersMayNothing(t *testing.T) {
	d := twoTenants(t)
	for _, a := range []Actor{{Role: Developer}, {Role: Owner, Tenant: "acme"}, {Role: Viewer, Tenant: "acme"}, {Tenant: "acme"}, {}} {
		for _, op := range All() {
			if result, err := op.Run(t.Context(), d, Call{Actor: a, Input: json.RawMessage(op.Example)}); failure.KindOf(err) != failure.Forbidden {
				t.Errorf("%+v: %s: %v, %v", a, op.Name, result, err)
			}
		}
	}
}

// TestReferencesOfOthers checks that a developer finds refusals of the own tenant only, and that
// those of others look like those that don't exist.
func TestReferencesOfOthers(t *testing.T) {
	d := twoTenants(t)
	developer := Actor{Name: "agency", Role: Developer, Tenant: "acme", Credential: "link"}
	find := func(ref string) ([]TenantRefusal, error) {
		return RunAs[RefusalsOf, []TenantRefusal](t.Context(), d, developer, "tenant refusals", RefusalsOf{ClientID: "globex", Ref: ref})
	}
	if list, err := find("0000-0000"); err != nil || len(list) != 1 || list[0].Page != "https://acme.example" || list[0].Token != "of-acme" || !strings.Contains(list[0].Fix, "registered the origins") {
		t.Errorf("the own refusal: %+v, %v", list, err)
	}
	_, others := find("0001-0000")
	_, nobodys := find("0002-0000")
	if failure.KindOf(others) != failure.NotFound || failure.KindOf(nobodys) != failure.NotFound || strings.ReplaceAll(others.Error(), "0001", "0002") != nobodys.Error() {
		t.Errorf("another's: %v; nobody's: %v", others, nobodys)
	}
	if list, err := find(""); err != nil || len(list) != 1 || list[0].Ref != "0000-0000" || list[0].Count != 5 {
		t.Errorf("the latest: %+v, %v", list, err)
	}
}

// TestTestTokens checks that a token to try out is limited, whatever a developer asks for.
func TestTestTokens(t *testing.T) {
	d := twoTenants(t)
	developer := Actor{Name: "agency", Role: Developer, Tenant: "acme", Credential: "link"}
	made, err := RunAs[TokenRequest, IssuedToken](t.Context(), d, developer, "token issue", TokenRequest{Tenant: "globex", Subject: "x", Scope: "all"})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := d.Verifier.Verify(made.AccessToken, time.Now())
	if err != nil || claims.Client != "acme" || claims.MaxCalls != TestCalls || made.ExpiresIn != int64(TestLifetime/time.Second) {
		t.Errorf("%+v, %+v, %v", claims, made, err)
	}
	page, err := RunAs[AuditQuery, AuditPage](t.Context(), d, Actor{Name: "root", Role: Owner}, "audit list", AuditQuery{Limit: 1})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Operation != "token issue" || page.Entries[0].Actor != "agency" || page.Entries[0].Role != "developer" {
		t.Errorf("the audit log: %+v, %v", page, err)
	}
}

// TestZeroTimes checks that no operation that only reads says the year 1: a time that is not known
// is left out, or null.
func TestZeroTimes(t *testing.T) {
	d := twoTenants(t)
	for _, op := range All() {
		if op.trail != nil || op.Name == "policy compare" || op.Stream == ItemsIn {
			continue
		}
		for _, in := range []string{op.Example, `{}`, `{"tenant":"acme"}`, `{"client_id":"acme"}`} {
			var out bytes.Buffer
			result, err := op.Run(t.Context(), d, Call{Actor: Actor{Name: "root", Role: Owner}, Input: json.RawMessage(in), Out: &out})
			if err != nil {
				continue // not there, or not its input
			}
			if text, _ := json.Marshal(result); strings.Contains(string(text)+out.String(), "0001-01-01") {
				t.Errorf("%s %s: %s", op.Name, in, text)
			}
		}
	}
}
