package statements_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	ops "stile.example/stile/operations/statements"
	"stile.example/stile/settings"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

var noon = time.Date(2026, 11, 11, 12, 0, 0, 0, time.UTC)

// openDir opens a data directory with a tenant that has 10 calls and 20 records on each of the
// days before noon, and 4 calls today.
func openDir(t *testing.T) *datadir.Dir {
	t.Helper()
	s, err := settings.Load(settings.Source{Flags: map[string]string{"data": t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := datadir.Open(t.Context(), s, func() time.Time { return noon }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.UseOrigin("https://api.example"); err != nil {
		t.Fatal(err)
	}
	set(t, d, "tenant add", operations.TenantChange{ClientID: "acme", Prices: []operations.PriceChange{
		{Since: "2026-01-01", Micros: new(int64(100)), RecordMicros: new(int64(1)), Tiers: &[]tenants.Tier{{Unit: tenants.Calls, From: 101, Micros: 10}, {Unit: tenants.Records, From: 201, Micros: 0}}}}})
	number, _ := d.TenantNumber("acme")
	for n := range int32(11) {
		c := tokens.Count{Calls: 10, Records: 20}
		if n == 10 {
			c = tokens.Count{Calls: 4}
		}
		day := int32(noon.Unix()/86400) - 10 + n
		err := d.Store.Update(t.Context(), tokens.NewID("x", fmt.Sprint(n)), func(tokens.State) tokens.State {
			return tokens.State{Tenant: number, Day: day, Expires: int64(day+1) * 86400, Used: tokens.Usage{{c}}}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return d
}

var owner = operations.Actor{Name: "ada", Role: operations.Owner}

func set(t *testing.T, d *datadir.Dir, name string, ch operations.TenantChange) {
	t.Helper()
	var err error
	if name == "tenant add" {
		_, err = operations.RunAs[operations.TenantChange, operations.Credentials](t.Context(), d, owner, name, ch)
	} else {
		_, err = operations.RunAs[operations.TenantChange, operations.TenantInfo](t.Context(), d, owner, name, ch)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestUsageFromWithin checks that the amounts of some days are those of the month: tiers count from
// its first day.
func TestUsageFromWithin(t *testing.T) {
	d := openDir(t)
	whole, err := operations.RunAs[operations.UsageQuery, []operations.UsageRow](t.Context(), d, owner, "usage", operations.UsageQuery{})
	if err != nil || len(whole) != 11 || whole[9].Amount != 10*100+20 || whole[10].Amount != 4*10 {
		t.Fatalf("%+v %v", whole, err)
	}
	for i := range whole {
		part, err := operations.RunAs[operations.UsageQuery, []operations.UsageRow](t.Context(), d, owner, "usage", operations.UsageQuery{Tenant: "acme", From: whole[i].Day, To: whole[i].Day})
		if err != nil || len(part) != 1 || part[0] != whole[i] {
			t.Errorf("%+v, want %+v: %v", part, whole[i], err)
		}
	}
}

// TestPreliminary checks the statement of an open month: it agrees with the usage, and its
// projection has each remaining day as the average of those that are over, at the prices of then.
func TestPreliminary(t *testing.T) {
	d := openDir(t)
	v, err := operations.RunAs[ops.Name, ops.View](t.Context(), d, owner, "statement show", ops.Name{Tenant: "acme"})
	if err != nil || !v.Preliminary || v.Note != "" || v.Number != 0 || v.Calls != 104 || v.Records != 200 || v.Amount != 100*100+4*10+200 || v.Month != "2026-11" {
		t.Fatalf("%+v %v", v, err)
	}
	// 19 days of 10 calls are left, 6 of today's, all above the tiers
	want := ops.Projection{Days: 10, Calls: 104 + 6 + 190, Records: 200 + 20 + 380, Amount: v.Amount + 196*10}
	if v.Projection == nil || *v.Projection != want {
		t.Errorf("%+v, want %+v", v.Projection, want)
	}
	// Nothing was used then, so the month is not closed either.
	if v, err := operations.RunAs[ops.Name, ops.View](t.Context(), d, owner, "statement show", ops.Name{Tenant: "acme", Month: "2026-10"}); failure.KindOf(err) != failure.NotFound {
		t.Errorf("a month before: %+v %v", v, err)
	}
}

// TestErrors checks the kinds and texts of errors.
func TestErrors(t *testing.T) {
	d := openDir(t)
	for name, c := range map[string]struct {
		in   any
		kind failure.Kind
		text string
	}{
		"statement export": {ops.Export{Tenant: "acme", Month: "2026-11"}, failure.Conflict, "is open until 2026-12-03 00:00 UTC"},
		"statement prove":  {ops.LineName{Tenant: "acme", Month: "2026-13", Line: 1}, failure.Invalid, "must be YYYY-MM"},
		"statement list":   {ops.Query{Limit: 1001}, failure.Invalid, "must be from 1 to 1000"},
		"statement show":   {ops.Name{Tenant: "nobody"}, failure.NotFound, "there is no tenant nobody"},
	} {
		o, _ := operations.Find(name)
		_, err := o.Run(t.Context(), d, operations.Call{Actor: owner, Input: marshal(t, c.in), Out: &strings.Builder{}})
		if err == nil || failure.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSetPrice checks that a change of prices leaves what it does not name.
func TestSetPrice(t *testing.T) {
	d := openDir(t)
	set(t, d, "tenant set", operations.TenantChange{ClientID: "acme", Prices: []operations.PriceChange{{Since: "2026-12-01", Micros: new(int64(7))}}})
	set(t, d, "tenant set", operations.TenantChange{ClientID: "acme", Prices: []operations.PriceChange{{Since: "2026-12-05", Tiers: &[]tenants.Tier{}}}})
	acme, _ := d.Tenants.Find("acme")
	got := fmt.Sprint(acme.PriceOn("2026-12-04"), acme.PriceOn("2026-12-05"))
	if want := "{2026-12-01 7 1 [{calls 101 10} {records 201 0}]} {2026-12-05 7 1 []}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func marshal(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
