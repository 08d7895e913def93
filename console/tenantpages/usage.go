package tenantpages

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"stile.example/stile/console/chart"
	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	"stile.example/stile/usage"
)

// usageQuery is the input of the operation usage.
type usageQuery struct {
	Tenant string `json:"tenant,omitempty"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
}

// row is what a tenant used on a day by a route. With the operation's own type, many rows need not
// be encoded as JSON and read again.
type row = operations.UsageRow

type rows []row

// readUsage returns what a tenant, or all for "", used from a day to another.
func readUsage(r *frame.Request, tenant string, from, to time.Time) (rows, error) {
	return frame.Do[usageQuery, []row](r, "usage", usageQuery{tenant, usage.Day(from), usage.Day(to)})
}

// since returns the rows from a day on.
func (all rows) since(day time.Time) rows {
	return slices.DeleteFunc(slices.Clone(all), func(r row) bool { return r.Day < usage.Day(day) })
}

// routes are the counted routes, in the order of the contract.
var routes = []string{"items", "item", "related", "collections"}

// byDay returns a chart of the calls of each day, by route.
func (all rows) byDay(title string, from, to time.Time) frame.Drawing {
	c := chart.Time{ID: "days", Title: title, Kind: chart.Columns, Step: 24 * time.Hour}
	index := map[string]int{}
	first, last := from.UTC().Truncate(24*time.Hour), to.UTC()
	for day := first; !day.After(last); day = day.Add(24 * time.Hour) {
		index[usage.Day(day)] = len(c.Times)
		c.Times = append(c.Times, day)
	}
	for _, route := range routes {
		s := chart.Series{Name: route, Values: make([]float64, len(c.Times))}
		for _, r := range all {
			if i, ok := index[r.Day]; ok && r.Route == route {
				s.Values[i] += float64(r.Calls)
			}
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// sums is what was used in all by one tenant, route or day.
type sums struct {
	name                   string
	calls, records, micros int64
	currency               string
}

// by returns the sums by a key, the largest first.
func (all rows) by(key func(row) string) []sums {
	found := map[string]*sums{}
	for _, r := range all {
		s := found[key(r)]
		if s == nil {
			s = &sums{name: key(r), currency: r.Currency}
			found[s.name] = s
		}
		s.calls, s.records, s.micros = s.calls+r.Calls, s.records+r.Records, s.micros+int64(r.Amount)
	}
	list := slices.SortedFunc(maps.Values(found), func(a, b *sums) int {
		return cmp.Or(cmp.Compare(b.calls, a.calls), cmp.Compare(a.name, b.name))
	})
	values := make([]sums, len(list))
	for i, s := range list {
		values[i] = *s
	}
	return values
}

// maxDays is the longest period of the page, and maxTenants how many tenants it lists.
const (
	maxDays    = 92
	maxTenants = 50
)

func usagePage(r *frame.Request) (any, error) {
	r.Refresh = true
	from, to, err := period(r)
	if err != nil {
		return nil, err
	}
	all, err := readUsage(r, r.Query("tenant"), from, to)
	if err != nil {
		return nil, err
	}
	tenant, err := r.TenantField("Tenant", "All tenants")
	if err != nil {
		return nil, err
	}
	filter := r.Filter(tenant, frame.Field{Name: "from", Label: "From (UTC)", Kind: "date"}, frame.Field{Name: "to", Label: "To, included", Kind: "date"})
	filter.Fields[1].Value, filter.Fields[2].Value = usage.Day(from), usage.Day(to)
	isOne := len(all.currencies()) < 2
	byTenant := table("By tenant", "Tenant", all.by(func(r row) string { return r.Tenant }), true, func(name string) frame.Cell {
		return frame.Code(name).Link(r.With("tenant", name))
	})
	if len(byTenant.Rows) > maxTenants {
		byTenant.Caption, byTenant.Rows = "The 50 tenants with the most calls", byTenant.Rows[:maxTenants]
	}
	byDay := table("By day", "Day (UTC)", days(all), isOne, frame.Text)
	if err := r.Export(&byDay, "usage", usageQuery{r.Query("tenant"), usage.Day(from), usage.Day(to)}); err != nil {
		return nil, err
	}
	return struct {
		Filter   frame.Filter
		Total    []frame.Card
		Chart    frame.Drawing
		Any      bool
		ByTenant frame.Table
		ByRoute  frame.Table
		ByDay    frame.Table
	}{filter, total(all), all.byDay("Calls by day", from, to), len(all) > 0, byTenant,
		table("By route", "Route", all.by(func(r row) string { return r.Route }), isOne, frame.Code),
		byDay}, nil
}

// period returns the days of the page's URL, and the last 30 without.
func period(r *frame.Request) (from, to time.Time, err error) {
	to = r.Now().UTC().Truncate(24 * time.Hour)
	from = to.AddDate(0, 0, -29)
	for name, day := range map[string]*time.Time{"from": &from, "to": &to} {
		if text := r.Query(name); text != "" {
			if *day, err = time.Parse(time.DateOnly, text); err != nil {
				return from, to, failure.New(failure.Invalid, "%s %.40q: must be a day as YYYY-MM-DD", name, text)
			}
		}
	}
	if from.After(to) {
		return from, to, failure.New(failure.Invalid, "from %s: must not be after to %s", usage.Day(from), usage.Day(to))
	}
	if limit := to.AddDate(0, 0, -maxDays+1); from.Before(limit) {
		return from, to, failure.New(failure.Invalid, "from %s: the page shows at most %d days; the command `stile usage` prints any period", usage.Day(from), maxDays)
	}
	return from, to, nil
}

func total(all rows) []frame.Card {
	var calls, records, micros int64
	for _, r := range all {
		calls, records, micros = calls+r.Calls, records+r.Records, micros+int64(r.Amount)
	}
	cards := []frame.Card{{Label: "Calls", Value: frame.Number(calls)}, {Label: "Records", Value: frame.Number(records)}}
	if list := all.currencies(); len(list) < 2 {
		cards = append(cards, frame.Card{Label: "Amount", Value: strings.TrimSpace(usage.Amount(micros).String() + " " + strings.Join(list, ""))})
	}
	return cards
}

// currencies returns the currencies of the amounts. Those of two can't be added.
func (all rows) currencies() (list []string) {
	for _, r := range all {
		if !slices.Contains(list, r.Currency) {
			list = append(list, r.Currency)
		}
	}
	return list
}

func days(all rows) []sums {
	list := all.by(func(r row) string { return r.Day })
	slices.SortFunc(list, func(a, b sums) int { return cmp.Compare(b.name, a.name) })
	return list
}

// table returns a table of sums. It has no amounts if they are of two currencies, because a sum of
// them would be wrong.
func table(caption, first string, list []sums, hasAmounts bool, cell func(string) frame.Cell) frame.Table {
	t := frame.Table{Caption: caption, Columns: frame.Columns(first, "#Calls", "#Records")}
	if hasAmounts {
		t.Columns = append(t.Columns, frame.Column{Title: "Amount", Num: true})
	}
	for _, s := range list {
		cells := []frame.Cell{cell(s.name), frame.Num(s.calls), frame.Num(s.records)}
		if hasAmounts {
			cells = append(cells, frame.Amount(strings.TrimSpace(usage.Amount(s.micros).String()+" "+s.currency)))
		}
		t.Rows = append(t.Rows, frame.Row{Cells: cells})
	}
	return t
}
