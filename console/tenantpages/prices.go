package tenantpages

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	"stile.example/stile/tenants"
	"stile.example/stile/usage"
)

// price is the prices from a day on.
type price struct {
	Since        string         `json:"since"`
	Micros       int64          `json:"micros"`
	RecordMicros int64          `json:"record_micros"`
	Tiers        []tenants.Tier `json:"tiers"`
}

// priceOn returns the prices on a day, all of them zero if there are none yet.
func (t info) priceOn(day string) price {
	var now price
	for _, p := range t.Prices { // ascending
		if p.Since <= day {
			now = p
		}
	}
	return now
}

// price returns the prices on a day, and those that follow, each tier on a line of its own.
func (t info) price(day string) frame.Cell {
	lines := []string{}
	if now := t.priceOn(day); now.Since != "" {
		lines = t.describe(now)
	}
	for _, p := range t.Prices {
		if p.Since > day {
			lines = append(lines, t.describe(p)...)
		}
	}
	if len(lines) == 0 {
		return frame.Text("no price")
	}
	cell := frame.Text(lines[0])
	cell.Note = strings.Join(lines[1:], "\n")
	return cell
}

// describe returns prices as lines.
func (t info) describe(p price) []string {
	first := t.amount(p.Micros) + " a call"
	if p.RecordMicros > 0 {
		first += ", " + t.amount(p.RecordMicros) + " a record"
	}
	lines := []string{first + " since " + p.Since}
	for _, tier := range p.Tiers {
		lines = append(lines, t.amount(tier.Micros)+" from the "+ordinal(tier.From)+" "+strings.TrimSuffix(string(tier.Unit), "s")+" of the month on")
	}
	return lines
}

// ordinal writes a number as a place in an order: 1st, 2nd, 11th.
func ordinal(n int64) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return frame.Number(n) + suffix
}

// PriceFields returns the fields of a tenant's prices, with the values of some.
func PriceFields(now operations.Price, currency, today string) []frame.Field {
	var tiers []string
	for _, t := range now.Tiers {
		tiers = append(tiers, fmt.Sprintf("%s:%d=%s", t.Unit, t.From, usage.Amount(t.Micros)))
	}
	return []frame.Field{
		{Name: "since", Label: "First day (UTC)", Kind: "date", Value: today, Required: true},
		{Name: "call", Label: "Price of a call", Value: usage.Amount(now.Micros).String(), Mono: true, Help: "A decimal such as 0.002, with at most 6 decimals."},
		{Name: "record", Label: "Price of a record", Value: usage.Amount(now.RecordMicros).String(), Mono: true, Help: "For each item that a response delivers, in addition to the price of the call."},
		{Name: "tiers", Label: "Tiers", Kind: "textarea", Mono: true, Value: strings.Join(tiers, "\n"), Placeholder: "calls:10001=0.0015",
			Help: "Other prices from the n-th call or record of the month on, one a line: calls:10001=0.0015 or records:50001=0.0001."},
		{Name: "currency", Label: "Currency", Value: currency, Mono: true, Placeholder: "EUR", Help: "By ISO 4217. Empty: the publisher’s own unit."},
	}
}

// newPriceFields returns the fields of the prices of a new tenant: the day is last, because most
// prices apply from today on.
func newPriceFields(today string) []frame.Field {
	f := PriceFields(operations.Price{}, "", today)
	since := f[0]
	since.Label, since.Help = "First day of the prices (UTC)", "Calls and records before it cost nothing."
	return append(f[1:], since)
}

// ReadPrices reads these fields.
func ReadPrices(v frame.Values) (p operations.PriceChange, currency string, err error) {
	p = operations.PriceChange{Since: v.Text("since"), Micros: new(int64), RecordMicros: new(int64), Tiers: &[]tenants.Tier{}}
	for _, field := range []struct {
		name string
		to   *int64
	}{{"call", p.Micros}, {"record", p.RecordMicros}} {
		a, err := usage.ParseAmount(v.Text(field.name))
		if err != nil {
			return p, "", frame.About(field.name, failure.Of(failure.Invalid, err))
		}
		*field.to = int64(a)
	}
	for _, line := range v.Lines("tiers") {
		t, err := parseTier(line)
		if err != nil {
			return p, "", frame.About("tiers", err)
		}
		*p.Tiers = append(*p.Tiers, t)
	}
	return p, strings.ToUpper(v.Text("currency")), nil
}

// parseTier parses UNIT:N=AMOUNT.
func parseTier(line string) (t tenants.Tier, err error) {
	unit, rest, hasUnit := strings.Cut(line, ":")
	from, price, hasPrice := strings.Cut(rest, "=")
	amount, wrong := usage.ParseAmount(strings.TrimSpace(price))
	t = tenants.Tier{Unit: tenants.Unit(strings.TrimSpace(unit)), Micros: int64(amount)}
	if t.From, err = strconv.ParseInt(strings.TrimSpace(from), 10, 64); err != nil || wrong != nil || !hasUnit || !hasPrice {
		return t, failure.New(failure.Invalid, "tier %.60q: must be UNIT:N=AMOUNT, such as calls:10001=0.0015", line)
	}
	return t, nil
}

// addedPrices reads the prices of a new tenant. One that costs nothing has none.
func addedPrices(v frame.Values, today string, ch *operations.TenantChange) error {
	for name, usual := range map[string]string{"since": today, "call": "0", "record": "0"} {
		if v.Text(name) == "" {
			v.Set(name, usual)
		}
	}
	p, currency, err := ReadPrices(v)
	if err != nil {
		return err
	}
	if _, err := time.Parse(time.DateOnly, p.Since); err != nil {
		return frame.About("since", failure.New(failure.Invalid, "the day %.40q: must be a day as YYYY-MM-DD", p.Since))
	}
	ch.Currency = &currency
	if *p.Micros > 0 || *p.RecordMicros > 0 || len(*p.Tiers) > 0 {
		ch.Prices = []operations.PriceChange{p}
	}
	return nil
}
