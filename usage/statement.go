package usage

import (
	"cmp"
	"fmt"
	"slices"

	"stile.example/stile/tenants"
)

// Row is a line of a statement: what was used, and its amount.
type Row struct {
	Tenant  string `json:"tenant"`
	Day     string `json:"day"`
	Route   string `json:"route"`
	Calls   int64  `json:"calls"`
	Records int64  `json:"records"`
	Amount  Amount `json:"amount"`
}

// Statement adds up lines of the same tenant, day and route, and returns the amounts. The rows are
// sorted by these three. prices returns a tenant's prices, sorted by their days.
//
// A row's amount is what its calls and records cost, each at the price of its day. Prices are whole
// millionths, so amounts are exact, and nothing is rounded. Tiers count a tenant's calls, and its
// records, from the beginning of the UTC month, in the order of the rows. Within a row, the order
// does not matter. So the lines must begin with the first day of a month.
func Statement(lines []Line, prices func(clientID string) []tenants.Price) ([]Row, error) {
	rows := sum(lines)
	var m meterOfMonth
	for i := range rows {
		r := &rows[i]
		if r.Tenant != m.tenant || month(r.Day) != m.month {
			m = meterOfMonth{tenant: r.Tenant, month: month(r.Day), prices: prices(r.Tenant)}
		}
		var ok bool
		if r.Amount, ok = m.price(*r); !ok {
			return nil, fmt.Errorf("statement: the amount for %d calls and %d records of %s on %s is out of range", r.Calls, r.Records, r.Tenant, r.Day)
		}
	}
	return rows, nil
}

// sum returns a row for each tenant, day and route, without amounts.
func sum(lines []Line) []Row {
	all := make([]Row, len(lines))
	for i, l := range lines {
		all[i] = Row{Tenant: l.Tenant, Day: l.Day, Route: l.Route, Calls: l.Calls, Records: l.Records}
	}
	slices.SortFunc(all, compareRows) // a store returns them sorted, so this is quick
	rows := all[:0]
	for _, r := range all {
		if last := len(rows) - 1; last >= 0 && compareRows(rows[last], r) == 0 {
			rows[last].Calls += r.Calls
			rows[last].Records += r.Records
		} else {
			rows = append(rows, r)
		}
	}
	return rows
}

func compareRows(a, b Row) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Route, b.Route))
}

// month returns the month of a day, YYYY-MM.
func month(day string) string { return day[:min(len(day), 7)] }

// meterOfMonth counts what a tenant has used in a month so far.
type meterOfMonth struct {
	tenant, month  string
	prices         []tenants.Price
	calls, records int64
}

// price returns the amount of a row, counts it, and reports whether the amount is in range.
func (m *meterOfMonth) price(r Row) (Amount, bool) {
	p := tenants.PriceOn(m.prices, r.Day)
	calls, fine := cost(p.Micros, p.Tiers, tenants.Calls, m.calls, r.Calls)
	records, too := cost(p.RecordMicros, p.Tiers, tenants.Records, m.records, r.Records)
	m.calls += r.Calls
	m.records += r.Records
	sum, inRange := calls.Add(records)
	return sum, fine && too && inRange && m.calls >= 0 && m.records >= 0
}

// cost returns what n units cost that follow the first before units of a month. micros is the price
// below the first tier.
func cost(micros int64, tiers []tenants.Tier, unit tenants.Unit, before, n int64) (sum Amount, ok bool) {
	ok = n >= 0
	rest := n
	add := func(n int64) {
		part, fine := Amount(micros).times(n)
		var inRange bool
		sum, inRange = sum.Add(part)
		ok = ok && fine && inRange
	}
	for _, t := range tiers {
		if t.Unit != unit {
			continue
		}
		below := min(max(t.From-1-before, 0), rest) // units that are in the tier before
		add(below)
		before, rest, micros = before+below, rest-below, t.Micros
	}
	add(rest)
	return sum, ok
}
