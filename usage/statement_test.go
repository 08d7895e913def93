package usage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stile.example/stile/tenants"
	"stile.example/stile/usage"
)

func TestParseAmount(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "0.0": "0", "12": "12", "0.0015": "0.0015", "0.10": "0.1", "1.000001": "1.000001", "007.5": "7.5",
		"9223372036854.775807": "9223372036854.775807", "9223372036854.775808": "", "99999999999999999999": "",
		"": "", ".": "", ".5": "", "5.": "", "-1": "", "+1": "", "1e3": "", "1,5": "", "0.0000001": "", "1.2.3": "", " 1": "", "1 ": "", "0x1": "", "٣": "", "NaN": "",
	} {
		a, err := usage.ParseAmount(in)
		if (err == nil) != (want != "") || err == nil && a.String() != want {
			t.Errorf("%q = %v, %v; want %q", in, a, err, want)
		}
	}
	for a, want := range map[usage.Amount]string{-1: "-0.000001", -1_500_000: "-1.5", math.MinInt64: "-9223372036854.775808"} {
		if a.String() != want {
			t.Errorf("%d = %s, want %s", int64(a), a, want)
		}
	}
}

// TestLawAmount checks that text and JSON round-trip.
func TestLawAmount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := usage.Amount(rapid.Int64Min(0).Draw(t, "micros"))
		if back, err := usage.ParseAmount(a.String()); err != nil || back != a {
			t.Fatalf("%s became %s, %v", a, back, err)
		}
		var n json.Number
		text, err := json.Marshal(a)
		if err != nil || json.Unmarshal(text, &n) != nil || n.String() != a.String() {
			t.Fatalf("%s in JSON: %s, %v", a, text, err)
		}
	})
}

func FuzzParseAmount(f *testing.F) {
	f.Add("0.0015")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := usage.ParseAmount(text)
		if err != nil {
			return
		}
		r, ok := new(big.Rat).SetString(text)
		if !ok || r.Mul(r, big.NewRat(1e6, 1)).Cmp(new(big.Rat).SetInt64(int64(a))) != 0 {
			t.Errorf("%q = %d", text, int64(a))
		}
	})
}

var lines = []usage.Line{
	{Tenant: "beta", Day: "2026-11-02", Route: "items", Calls: 1, Records: 20},
	{Tenant: "acme", Day: "2026-11-02", Route: "items", Calls: 3, Records: 60},
	{Tenant: "acme", Day: "2026-11-01", Route: "items", Calls: 7, Records: 9},
	{Tenant: "acme", Day: "2026-11-01", Route: "item", Calls: 2, Records: 2},
	{Tenant: "acme", Day: "2026-11-02", Route: "items", Calls: 1, Records: 1},
}

func price(tenant string) []tenants.Price {
	if tenant == "beta" {
		return nil
	}
	return []tenants.Price{{Since: "2026-01-01", Micros: 1500}, {Since: "2026-11-02", Micros: 333_333}}
}

func TestStatement(t *testing.T) {
	rows, err := usage.Statement(lines, price)
	if err != nil {
		t.Fatal(err)
	}
	for f, want := range map[usage.Format]string{
		usage.Table: "TENANT  DAY         ROUTE  CALLS  RECORDS  AMOUNT\n" +
			"acme    2026-11-01  item   2      2        0.003\n" +
			"acme    2026-11-01  items  7      9        0.0105\n" +
			"acme    2026-11-02  items  4      61       1.333332\n" +
			"beta    2026-11-02  items  1      20       0\n" +
			"total                      14     92       1.346832\n",
		usage.CSV: "tenant,day,route,calls,records,amount\n" +
			"acme,2026-11-01,item,2,2,0.003\nacme,2026-11-01,items,7,9,0.0105\n" +
			"acme,2026-11-02,items,4,61,1.333332\nbeta,2026-11-02,items,1,20,0\n",
		usage.JSON: `[{"tenant":"acme","day":"2026-11-01","route":"item","calls":2,"records":2,"amount":0.003},` +
			`{"tenant":"acme","day":"2026-11-01","route":"items","calls":7,"records":9,"amount":0.0105},` +
			`{"tenant":"acme","day":"2026-11-02","route":"items","calls":4,"records":61,"amount":1.333332},` +
			`{"tenant":"beta","day":"2026-11-02","route":"items","calls":1,"records":20,"amount":0}]` + "\n",
		usage.NDJSON: `{"tenant":"acme","day":"2026-11-01","route":"item","calls":2,"records":2,"amount":0.003}` + "\n" +
			`{"tenant":"acme","day":"2026-11-01","route":"items","calls":7,"records":9,"amount":0.0105}` + "\n" +
			`{"tenant":"acme","day":"2026-11-02","route":"items","calls":4,"records":61,"amount":1.333332}` + "\n" +
			`{"tenant":"beta","day":"2026-11-02","route":"items","calls":1,"records":20,"amount":0}` + "\n",
	} {
		var out strings.Builder
		if err := usage.Write(&out, rows, f); err != nil || out.String() != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", f, err, &out, want)
		}
	}
}

func TestStatementOfNothing(t *testing.T) {
	rows, err := usage.Statement(nil, price)
	if err != nil {
		t.Fatal(err)
	}
	for f, want := range map[usage.Format]string{usage.CSV: "tenant,day,route,calls,records,amount\n", usage.JSON: "[]\n", usage.NDJSON: ""} {
		for _, none := range [][]usage.Row{rows, nil} {
			var out strings.Builder
			if err := usage.Write(&out, none, f); err != nil || out.String() != want {
				t.Errorf("%s: %q, %v", f, &out, err)
			}
		}
	}
}

// TestStatementOverflow checks that an amount that is out of range is an error and is not rounded.
func TestStatementOverflow(t *testing.T) {
	for _, bad := range [][2]int64{{math.MaxInt64, 2}, {math.MaxInt64, math.MaxInt64}, {1, -1}, {-1, 1}} {
		rows, err := usage.Statement([]usage.Line{{Tenant: "a", Calls: bad[0]}}, func(string) []tenants.Price { return []tenants.Price{{Micros: bad[1]}} })
		if err == nil {
			t.Errorf("%v: %+v", bad, rows)
		}
	}
	rows, err := usage.Statement([]usage.Line{{Tenant: "a", Calls: math.MaxInt64}}, func(string) []tenants.Price { return []tenants.Price{{Micros: 1}} })
	if err != nil || rows[0].Amount != math.MaxInt64 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestTiers checks amounts against a count of each call and record.
func TestTiers(t *testing.T) {
	p := tenants.Price{Micros: 2000, RecordMicros: 7, Tiers: []tenants.Tier{
		{Unit: tenants.Calls, From: 11, Micros: 1000}, {Unit: tenants.Calls, From: 31, Micros: 1}, {Unit: tenants.Records, From: 100}}}
	later := tenants.Price{Since: "2026-11-20", Micros: 5}
	rows, err := usage.Statement([]usage.Line{
		{Tenant: "a", Day: "2026-11-01", Route: "items", Calls: 4, Records: 50},
		{Tenant: "a", Day: "2026-11-02", Route: "items", Calls: 5, Records: 60}, // crosses records
		{Tenant: "a", Day: "2026-11-02", Route: "item", Calls: 30},              // crosses both of calls
		{Tenant: "a", Day: "2026-11-20", Route: "item", Calls: 3, Records: 3},
		{Tenant: "a", Day: "2026-12-01", Route: "item", Calls: 1}, // a month of its own
	}, func(string) []tenants.Price { return []tenants.Price{p, later} })
	want := []usage.Amount{4*2000 + 50*7, 6*2000 + 20*1000 + 4, 5 + 49*7, 15, 5}
	if err != nil || len(rows) != len(want) {
		t.Fatalf("%+v %v", rows, err)
	}
	for i, r := range rows {
		if r.Amount != want[i] {
			t.Errorf("%+v, want %v", r, want[i])
		}
	}
}

// TestLawTiers checks that the amount of any tiers, days and routes is what a count of each unit
// gives, and that it does not depend on the order or the division of the lines.
func TestLawTiers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		price := tenants.Price{Micros: rapid.Int64Range(0, 9).Draw(t, "call"), RecordMicros: rapid.Int64Range(0, 9).Draw(t, "record")}
		from := int64(1)
		for range rapid.IntRange(0, 3).Draw(t, "tiers") {
			from += rapid.Int64Range(1, 20).Draw(t, "step")
			price.Tiers = append(price.Tiers, tenants.Tier{Unit: tenants.Calls, From: from, Micros: rapid.Int64Range(0, 9).Draw(t, "micros")})
		}
		var lines []usage.Line
		var calls, records int64
		for range rapid.IntRange(0, 8).Draw(t, "lines") {
			l := usage.Line{Tenant: "a", Day: fmt.Sprintf("2026-11-%02d", rapid.IntRange(1, 3).Draw(t, "day")), Route: rapid.SampledFrom([]string{"item", "items"}).Draw(t, "route"),
				Calls: rapid.Int64Range(0, 30).Draw(t, "calls"), Records: rapid.Int64Range(0, 30).Draw(t, "records")}
			lines = append(lines, l)
			calls, records = calls+l.Calls, records+l.Records
		}
		want := usage.Amount(records * price.RecordMicros)
		for n := int64(1); n <= calls; n++ {
			micros := price.Micros
			for _, tier := range price.Tiers {
				if n >= tier.From {
					micros = tier.Micros
				}
			}
			want += usage.Amount(micros)
		}
		rows, err := usage.Statement(lines, func(string) []tenants.Price { return []tenants.Price{price} })
		var sum usage.Amount
		for _, r := range rows {
			sum += r.Amount
		}
		if err != nil || sum != want {
			t.Fatalf("%v for %+v, want %v: %v", sum, price, want, err)
		}
	})
}

// TestS42_Formulas checks that no cell of the CSV is a formula in a spreadsheet.
func TestS42_Formulas(t *testing.T) {
	for _, name := range []string{"=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"} {
		var out strings.Builder
		if err := usage.Write(&out, []usage.Row{{Tenant: name, Route: name}}, usage.CSV); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "'"+name[:1]); n != 2 {
			t.Errorf("%q: %q", name, &out)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("disk is full")

func TestWriteFails(t *testing.T) {
	for _, f := range usage.Formats() {
		if got, err := usage.ParseFormat(string(f)); got != f || err != nil {
			t.Errorf("ParseFormat(%s) = %s, %v", f, got, err)
		}
		if err := usage.Write(full{}, make([]usage.Row, 10_000), f); !errors.Is(err, errFull) {
			t.Errorf("%s on a full disk: %v", f, err)
		}
	}
	if err := usage.Write(full{}, nil, "xlsx"); err == nil {
		t.Error("wrote xlsx")
	}
	if _, err := usage.ParseFormat("xlsx"); err == nil || !strings.Contains(err.Error(), "ndjson") {
		t.Errorf("xlsx: %v", err)
	}
}
