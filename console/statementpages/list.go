package statementpages

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"stile.example/stile/console/frame"
	ops "stile.example/stile/operations/statements"
	"stile.example/stile/statements"
	"stile.example/stile/tenants"
	"stile.example/stile/usage"
)

// listPage is what the template of the list shows.
type listPage struct {
	Filter frame.Filter
	Close  frame.Cell
	Totals []frame.Card
	Table  frame.Table
	Months frame.Table
}

const pageRows = 50

// tenant is what the pages read of a tenant.
type tenant struct {
	ClientID       string `json:"client_id"`
	Name           string `json:"name"`
	CallsThisMonth int64  `json:"calls_this_month"`
	Currency       string `json:"currency"`
}

func list(r *frame.Request) (any, error) {
	q := ops.Query{Tenant: r.Query("tenant"), Month: r.Query("month"), After: r.Query("after"), Limit: pageRows}
	page, err := frame.Do[ops.Query, ops.Page](r, "statement list", q)
	if err != nil {
		return nil, err
	}
	p := listPage{Close: r.Ask("/statements/close", "Close months…", ""), Table: table(page.Statements, "Closed statements"),
		Filter: r.Filter(frame.Field{Name: "tenant", Label: "client_id", Mono: true, Placeholder: "acme"}, frame.Field{Name: "month", Label: "Month (UTC)", Kind: "month", Placeholder: "2026-11"})}
	r.Older(&p.Table, page.Next)
	p.Table.Empty = &frame.Empty{Title: "No statement yet", Text: "A month closes two days after its end. Then each tenant has a statement, which never changes."}
	if p.Filter.Clear != "" {
		p.Table.Empty = &frame.Empty{Title: "No statement matches", Text: "No closed month has one for this filter.", Action: "All statements", Href: "/statements"}
	}
	p.Totals = totals(page.Statements)
	if q.Month == "" && q.After == "" {
		p.Months, err = openMonth(r, q.Tenant)
	}
	return p, err
}

// table returns a table of statements.
func table(list []ops.Info, caption string) frame.Table {
	t := frame.Table{Caption: caption, Columns: frame.Columns("Month", "Tenant", "#Number", "#Calls", "#Records", "#Amount", "Currency", "Closed")}
	for _, s := range list {
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{
			frame.Text(s.Month).Link(path(s.Tenant, s.Month)), tenantCell(s.Tenant), frame.Num(s.Number), frame.Num(s.Calls), frame.Num(s.Records),
			frame.Amount(s.Amount.String()), currency(s.Currency), frame.Time(s.ClosedAt),
		}})
	}
	return t
}

// tenantCell returns the name of a tenant. An earlier tenant of a client_id has no page.
func tenantCell(name string) frame.Cell {
	if tenants.ClientIDOf(name) != name {
		return frame.Code(name)
	}
	return frame.Code(name).Link(frame.Path("tenants", name))
}

func currency(code string) frame.Cell {
	if code == "" {
		return frame.None()
	}
	return frame.Text(code)
}

// totals returns the sums of the statements that are shown, by currency.
func totals(list []ops.Info) (cards []frame.Card) {
	var calls, records int64
	amounts := map[string]usage.Amount{}
	for _, s := range list {
		calls, records = calls+s.Calls, records+s.Records
		amounts[s.Currency] += s.Amount
	}
	if len(list) == 0 {
		return nil
	}
	cards = []frame.Card{{Label: "Statements shown", Value: frame.Number(int64(len(list)))}, {Label: "Calls", Value: frame.Number(calls)}, {Label: "Records", Value: frame.Number(records)}}
	for _, code := range slices.SortedFunc(maps.Keys(amounts), cmp.Compare[string]) {
		label := "Amount"
		if code != "" {
			label += " in " + code
		}
		cards = append(cards, frame.Card{Label: label, Value: amounts[code].String()})
	}
	return cards
}

// openMonth returns the tenants that have calls in the month of today, with links to their
// preliminary statements.
func openMonth(r *frame.Request, clientID string) (frame.Table, error) {
	now := r.Now().UTC()
	month := statements.MonthOf(now)
	first, _ := statements.ParseMonth(month)
	t := frame.Table{Caption: "Open: " + month, Columns: frame.Columns("Tenant", "#Calls so far", "-Statement"),
		Empty: &frame.Empty{Title: "Nothing was used in " + month + " yet", Text: "The month closes on " + statements.ClosesAt(first).Format(time.DateOnly) + "."}}
	all, err := frame.Do[struct{}, []tenant](r, "tenant list", struct{}{})
	for _, a := range all {
		if a.CallsThisMonth == 0 || clientID != "" && clientID != a.ClientID {
			continue
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Code(a.ClientID).Link(frame.Path("tenants", a.ClientID)), frame.Num(a.CallsThisMonth), frame.Text("preliminary statement").Link(path(a.ClientID, month))}})
	}
	if len(t.Rows) > pageRows {
		t.Caption += ", the first 50 tenants"
		t.Rows = t.Rows[:pageRows]
	}
	return t, err
}
