package statementpages_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/statementpages"
	"stile.example/stile/console/tenantpages"
	"stile.example/stile/operations"
	ops "stile.example/stile/operations/statements"
	"stile.example/stile/statements"
	"stile.example/stile/statements/files"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// site returns a console with a tenant that has used something on every day and route of a month
// that is due, and today. It returns the month.
func site(t *testing.T) (*consoletest.Site, string) {
	t.Helper()
	s := consoletest.New(t, tenantpages.Add, statementpages.Add)
	name, currency := `=<b>"Acme`, "EUR"
	y, m, _ := time.Now().UTC().AddDate(0, -2, 0).Date()
	month := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	day := int32(month.Unix() / 86400)
	ch := operations.TenantChange{ClientID: "acme", Name: &name, Currency: &currency, Prices: []operations.PriceChange{
		{Since: month.Format(time.DateOnly), Micros: new(int64(2000)), RecordMicros: new(int64(7)), Tiers: &[]tenants.Tier{{Unit: tenants.Calls, From: 1000, Micros: 1}}}}}
	if _, err := operations.RunAs[operations.TenantChange, operations.Credentials](t.Context(), s.Dir, s.Caller().Actor, "tenant add", ch); err != nil {
		t.Fatal(err)
	}
	number, _ := s.Dir.TenantNumber("acme")
	use := func(id string, day int32) {
		var used tokens.Usage
		for route := range used[0] {
			used[0][route] = tokens.Count{Calls: 10 + uint32(day%7), Records: 100}
		}
		err := s.Dir.Store.Update(t.Context(), tokens.NewID("x", id), func(tokens.State) tokens.State {
			return tokens.State{Tenant: number, Day: day, Expires: int64(day+1) * 86400, Used: used}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range int32(28) {
		use(fmt.Sprint(n), day+n)
	}
	use("today", int32(time.Now().Unix()/86400))
	s.Dir.Meter.Reserve(number, 0, time.Now())
	s.Dir.Meter.Use(number, time.Now())
	return s, statements.MonthOf(month)
}

// TestPages checks that each number on the pages is the operation's.
func TestPages(t *testing.T) {
	s, month := site(t)
	if text := s.Get("/statements", 200); !strings.Contains(text, "No statement yet") || !strings.Contains(text, "preliminary statement") {
		t.Errorf("before a closing: %s", text)
	}
	if to := s.Post("/statements/close", 303); to != "/statements" {
		t.Errorf("closing leads to %s", to)
	}
	v, err := operations.RunAs[ops.Name, ops.View](t.Context(), s.Dir, s.Caller().Actor, "statement show", ops.Name{Tenant: "acme", Month: month})
	if err != nil || v.Preliminary || v.Calls == 0 {
		t.Fatalf("%+v %v", v, err)
	}
	text := s.Get("/statements/acme/"+month, 200)
	wants := []string{v.Amount.String(), number(v.Calls), number(v.Records), number(v.Lines), v.Root, v.Hash, "each record", "calls from number 1,000 of the month", "closed", "/statements/acme/" + month + "/statement.html", "=&lt;b&gt;&#34;Acme"}
	byDay := map[string][3]int64{}
	for _, r := range v.Rows {
		d := byDay[r.Day]
		byDay[r.Day] = [3]int64{d[0] + r.Calls, d[1] + r.Records, d[2] + int64(r.Amount)}
	}
	for day, sum := range byDay {
		wants = append(wants, day, number(sum[0]), number(sum[1]))
	}
	for _, want := range wants {
		if !strings.Contains(text, want) && !strings.Contains(text, strings.ReplaceAll(want, "+", "&#43;")) {
			t.Errorf("the statement's page lacks %q", want)
		}
	}
	text = s.Get("/statements?tenant=acme&month="+month, 200)
	for _, want := range []string{month, v.Amount.String(), number(v.Calls), number(v.Records), "Amount in EUR", "Clear"} {
		if !strings.Contains(text, want) {
			t.Errorf("the list lacks %q", want)
		}
	}
	text = s.Get("/tenants/acme", 200)
	for _, want := range []string{"0.000007 EUR", "each call", v.Amount.String(), "so far", "/tenants/acme/price"} {
		if !strings.Contains(text, want) {
			t.Errorf("the tenant's page lacks %q", want)
		}
	}
	s.Get("/statements?tenant=nobody", 200)
	s.Get("/statements?month=x", 400)
	s.Get("/statements/acme/2020-01", 404)
	s.Get("/statements/nobody/"+statements.MonthOf(time.Now()), 404)
	s.Get("/statements/acme/x", 400)
}

func number(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// TestAddedAgain checks that the pages of a tenant that got the client_id of a removed one show
// nothing of the earlier one's statements, which stay on pages of their own.
func TestAddedAgain(t *testing.T) {
	s, month := site(t)
	if _, err := operations.RunAs[ops.None, ops.Closing](t.Context(), s.Dir, s.Caller().Actor, "statement close", ops.None{}); err != nil {
		t.Fatal(err)
	}
	earlier := "acme~1"
	if err := s.Dir.Tenants.Remove(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	name := "Another Ltd"
	if _, err := operations.AddTenant(t.Context(), s.Dir, operations.TenantChange{ClientID: "acme", Name: &name}); err != nil {
		t.Fatal(err)
	}
	s.Get("/statements/acme/"+month, 404)
	s.Get("/statements/acme/"+month+"/statement.json", 404)
	for _, page := range []string{"/statements?tenant=acme", "/tenants/acme"} {
		if text := s.Get(page, 200); strings.Contains(text, "/"+month+`"`) || strings.Contains(text, earlier) {
			t.Errorf("%s: %s", page, text)
		}
	}
	if text := s.Get("/statements", 200); !strings.Contains(text, "/statements/"+earlier+"/"+month) {
		t.Errorf("the list of all: %s", text)
	}
	if text := s.Get("/statements/"+earlier+"/"+month, 200); !strings.Contains(text, earlier) || !strings.Contains(text, "/statements/"+earlier+"/"+month+"/statement.json") || strings.Contains(text, `href="/tenants/acme"`) {
		t.Errorf("the earlier tenant's statement: %s", text)
	}
	s.Get("/statements/"+earlier+"/"+month+"/statement.json", 200)
}

// TestOpenMonth checks that a preliminary statement is marked, and has no files.
func TestOpenMonth(t *testing.T) {
	s, _ := site(t)
	month := statements.MonthOf(time.Now())
	text := s.Get("/statements/acme/"+month, 200)
	if !strings.Contains(text, "preliminary") || !strings.Contains(text, "Send no bill from this page") || strings.Contains(text, "statement.json") {
		t.Errorf("%s", text)
	}
	if isLater := time.Now().UTC().Day() > 1; isLater != strings.Contains(text, "Projection") {
		t.Errorf("a projection: %t", !isLater)
	}
	s.Get("/statements/acme/"+month+"/statement.json", 409)
}

// TestFiles checks that each file of a statement can be saved, and verified.
func TestFiles(t *testing.T) {
	s, month := site(t)
	s.Post("/statements/close", 303)
	s.Role = operations.Viewer
	for _, f := range files.Formats() {
		resp := s.Do(httptest.NewRequest("GET", "/statements/acme/"+month+"/statement."+string(f), nil))
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Disposition") != `attachment; filename="statement-acme-`+month+"."+string(f)+`"` || resp.Header.Get("Content-Type") != f.ContentType() {
			t.Errorf("%s: %d %v %v", f, resp.StatusCode, resp.Header, err)
		}
		r, err := files.Verify(bytes.NewReader(text), files.Options{Keys: []string{s.Dir.Statements.Key.Public()}})
		if err != nil || len(r.Problems) > 0 || r.Statement.Name != `=<b>"Acme` {
			t.Errorf("%s: %+v %v", f, r.Problems, err)
		}
	}
	s.Get("/statements/acme/"+month+"/statement.exe", 404)
	if text := s.Get("/statements/acme/"+month+"/proof", 200); strings.Contains(text, "stile proof 1") {
		t.Error("a proof that nobody asked for")
	}
	text := s.Get("/statements/acme/"+month+"/proof?line=7", 200)
	if !strings.Contains(text, "stile proof 1\n6 112\n") {
		t.Errorf("proof: %s", text)
	}
	s.Get("/statements/acme/"+month+"/proof?line=1000", 404)
	s.Get("/statements/acme/"+month+"/proof?line=x", 400)
	// this token has four lines
	s.Get("/statements/acme/"+month+"/proof?token="+tokens.NewID("x", "1").String(), 409)
	if text := s.Post("/statements/close", 403); !strings.Contains(text, "operator") {
		t.Errorf("a viewer closes: %s", text)
	}
	s.Post("/tenants/acme/price", 403, "since", "2099-01-01", "call", "1", "record", "0")
}

// TestPriceForm checks that prices are set from a day on, and that errors are at their fields.
func TestPriceForm(t *testing.T) {
	s, month := site(t)
	s.Post("/statements/close", 303)
	text := s.Get("/tenants/acme/price", 200)
	for _, want := range []string{`value="0.002"`, `value="0.000007"`, "calls:1000=0.000001", `value="EUR"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the form lacks %s", want)
		}
	}
	for field, value := range map[string]string{"since": month + "-05", "call": "1,5", "record": "-1", "tiers": "calls=1", "currency": "EURO"} {
		v := map[string]string{"since": "2099-01-01", "call": "0.5", "record": "0", "tiers": "", "currency": "EUR", field: value}
		pairs := []string{}
		for name, text := range v {
			pairs = append(pairs, name, text)
		}
		status := map[string]int{"since": 409}[field]
		if status == 0 {
			status = 400
		}
		if text := s.Post("/tenants/acme/price", status, pairs...); !strings.Contains(text, `id="field-`+field+`-error"`) {
			t.Errorf("%s %q: %s", field, value, text)
		}
	}
	if to := s.Post("/tenants/acme/price", 303, "since", "2099-01-01", "call", "0.5", "record", "0", "tiers", "records:10=0.1\ncalls: 5 = 0.2", "currency", "usd"); to != "/tenants/acme" {
		t.Errorf("leads to %s", to)
	}
	if text := s.Get("/tenants/acme", 200); !strings.Contains(text, "0.5 USD") || !strings.Contains(text, "records from number 10 of the month") || !strings.Contains(text, "2099-01-01") {
		t.Errorf("%s", text)
	}
}
