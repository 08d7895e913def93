package usage

import (
	"cmp"
	"fmt"
	"slices"
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

// Statement prices lines: calls times the price of their day. Lines of the same tenant, day and
// route are added up. The rows are sorted by these three. price returns the price of a call of a
// tenant on a day, in millionths.
func Statement(lines []Line, price func(tenant, day string) int64) ([]Row, error) {
	type place struct{ tenant, day, route string }
	at := make(map[place]int, len(lines))
	rows := make([]Row, 0, len(lines))
	for _, l := range lines {
		p := place{l.Tenant, l.Day, l.Route}
		i, ok := at[p]
		if !ok {
			i = len(rows)
			at[p] = i
			rows = append(rows, Row{Tenant: l.Tenant, Day: l.Day, Route: l.Route})
		}
		rows[i].Calls += l.Calls
		rows[i].Records += l.Records
	}
	for i := range rows {
		r := &rows[i]
		var ok bool
		if r.Amount, ok = Amount(price(r.Tenant, r.Day)).times(r.Calls); !ok {
			return nil, fmt.Errorf("statement: the amount for %d calls of %s on %s is out of range", r.Calls, r.Tenant, r.Day)
		}
	}
	slices.SortFunc(rows, compareRows)
	return rows, nil
}

func compareRows(a, b Row) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Route, b.Route))
}
