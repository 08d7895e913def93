package statementpages

import (
	"cmp"
	"fmt"
	"slices"

	"stile.example/stile/console/frame"
	ops "stile.example/stile/operations/statements"
	"stile.example/stile/statements"
	"stile.example/stile/statements/files"
	"stile.example/stile/usage"
)

// statementPage is what the template of a statement shows.
type statementPage struct {
	ops.View
	Badge    frame.Cell
	Cards    []frame.Card
	Facts    []frame.Item
	Prices   frame.Table
	ByDay    frame.Table
	ByRoute  frame.Table
	Files    []file
	Proof    string // path of its form
	KeysURL  string
	Commands []frame.Snippet
}

// file is a file of a statement.
type file struct{ Href, Format, Text string }

var fileTexts = map[files.Format]string{
	files.HTML:   "a page to print, with the signed note",
	files.CSV:    "for a spreadsheet, with all ledger lines",
	files.JSON:   "for programs, with all ledger lines",
	files.NDJSON: "CloudEvents 1.0, one for each ledger line",
}

func show(r *frame.Request) (any, error) {
	v, err := frame.Do[ops.Name, ops.View](r, "statement show", nameOf(r))
	if err != nil {
		return nil, err
	}
	r.Title = fmt.Sprintf("%s, %s", orID(v), v.Month)
	p := statementPage{View: v, Badge: frame.Badge("good", "closed"), Cards: cards(v), Facts: facts(v), Prices: prices(v),
		ByDay:   sums(v, "By day", "Day (UTC)", func(r statements.Row) string { return r.Day }),
		ByRoute: sums(v, "By route", "Route", func(r statements.Row) string { return r.Route })}
	if v.Preliminary {
		p.Badge = frame.Badge("warn", "preliminary")
		return p, nil
	}
	name := cmp.Or(v.Former, v.Tenant)
	for _, f := range files.Formats() {
		p.Files = append(p.Files, file{path(name, v.Month, "statement."+string(f)), string(f), fileTexts[f]})
	}
	p.Proof, p.KeysURL = path(name, v.Month, "proof"), r.PublicURL()+ops.KeysPath
	p.Commands = []frame.Snippet{{Label: "Verify a file, on any machine", Code: fmt.Sprintf("curl -o keys.txt %s\nstile usage verify statement-%s-%s.json --key keys.txt", p.KeysURL, name, v.Month)}}
	return p, nil
}

// orID returns how the page calls the tenant.
func orID(v ops.View) string {
	if v.Name != "" {
		return v.Name
	}
	return v.Tenant
}

func cards(v ops.View) []frame.Card {
	label := "Amount"
	if v.Currency != "" {
		label += " in " + v.Currency
	}
	all := []frame.Card{{Label: label, Value: v.Amount.String()}, {Label: "Calls", Value: frame.Number(v.Calls)}, {Label: "Records", Value: frame.Number(v.Records)}}
	if e := v.Projection; e != nil {
		note := fmt.Sprintf("an estimate from the first %d days", e.Days)
		if e.Days == 1 {
			note = "an estimate from the first day"
		}
		all = append(all, frame.Card{Label: "Projection: amount", Value: e.Amount.String(), Note: note}, frame.Card{Label: "Projection: calls", Value: frame.Number(e.Calls), Note: "an estimate"})
	}
	return all
}

func facts(v ops.View) []frame.Item {
	items := []frame.Item{{Term: "client_id", Value: tenantCell(v.Tenant)}}
	if v.Former != "" {
		items = []frame.Item{{Term: "client_id", Value: frame.Code(v.Tenant)},
			{Term: "Tenant", Value: frame.Code(v.Former), Help: "The tenant was removed, and the client_id belongs to another one since. Commands know this one by the name with ~."}}
	}
	switch {
	case v.Due:
		return append(items, frame.Item{Term: "Closes", Value: frame.Text("soon"), Help: "Until then the statement is neither final nor signed."})
	case v.Preliminary:
		return append(items, frame.Item{Term: "Closes", Value: frame.Time(v.ClosesAt), Help: "Until then the numbers may grow. The statement is neither final nor signed."})
	}
	previous := frame.None()
	if v.Previous != "" {
		previous = frame.Code(v.Previous)
	}
	return append(items,
		frame.Item{Term: "Number", Value: frame.Num(v.Number)},
		frame.Item{Term: "Closed", Value: frame.Time(v.ClosedAt)},
		frame.Item{Term: "Ledger lines", Value: frame.Num(v.Lines), Help: "One for each token, day and route."},
		frame.Item{Term: "Root of the lines", Value: frame.Code(v.Root)},
		frame.Item{Term: "Hash", Value: frame.Code(v.Hash), Help: "The next statement of the tenant contains it."},
		frame.Item{Term: "Hash of the statement before", Value: previous})
}

func prices(v ops.View) frame.Table {
	t := frame.Table{Caption: "Prices", Quiet: true, Columns: frame.Columns("Unit", "#Price", "#Since"), Empty: &frame.Empty{Title: "No price", Text: "Nothing was charged for."}}
	for _, p := range v.Prices {
		add := func(unit, amount string) {
			t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Text(unit), frame.Amount(amount), frame.Amount(p.Since)}})
		}
		add("each call", p.Call.String())
		add("each record", p.Record.String())
		for _, tier := range p.Tiers {
			add(fmt.Sprintf("%s from number %s of the month", tier.Unit, frame.Number(tier.From)), tier.Amount.String())
		}
	}
	return t
}

// sums returns what the rows add up to by a key, in their order. With each row, a page of a month
// would have more than 60 kB; the files have them.
func sums(v ops.View, caption, title string, key func(statements.Row) string) frame.Table {
	t := frame.Table{Caption: caption, Columns: frame.Columns(title, "#Calls", "#Records", "#Amount"),
		Empty: &frame.Empty{Title: "Nothing was used", Text: "The tenant had no call in this month."}}
	found := map[string]*statements.Row{}
	var order []string
	for _, row := range v.Rows {
		sum := found[key(row)]
		if sum == nil {
			sum = &statements.Row{}
			found[key(row)] = sum
			order = append(order, key(row))
		}
		sum.Calls, sum.Records, sum.Amount = sum.Calls+row.Calls, sum.Records+row.Records, sum.Amount+row.Amount
	}
	slices.Sort(order)
	line := func(name frame.Cell, calls, records int64, amount usage.Amount) {
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{name, frame.Num(calls), frame.Num(records), frame.Amount(amount.String())}})
	}
	for _, name := range order {
		line(frame.Text(name), found[name].Calls, found[name].Records, found[name].Amount)
	}
	if len(order) > 0 {
		line(frame.Text("Total").Strong(), v.Calls, v.Records, v.Amount)
	}
	return t
}

// proofPage is what the template of a proof shows.
type proofPage struct {
	Filter frame.Filter
	Proven *ops.Proven // nil: nothing was asked
	Facts  []frame.Item
	Proof  frame.Snippet
	Check  frame.Snippet
}

func prove(r *frame.Request) (any, error) {
	n := nameOf(r)
	r.Crumb(n.Tenant+", "+n.Month, path(n.Tenant, n.Month))
	p := proofPage{Filter: r.Filter(frame.Field{Name: "line", Label: "Line", Kind: "number", Help: "Its number in the files, from 1."},
		frame.Field{Name: "token", Label: "Or a token", Mono: true, Help: "Its ID or jti, if it has only one line."})}
	q := ops.LineName{Tenant: n.Tenant, Month: n.Month, Token: r.Query("token")}
	if text := r.Query("line"); text != "" {
		if _, err := fmt.Sscan(text, &q.Line); err != nil {
			return nil, badLine(text)
		}
	}
	if q.Line == 0 && q.Token == "" {
		return p, nil
	}
	proven, err := frame.Do[ops.LineName, ops.Proven](r, "statement prove", q)
	if err != nil {
		return nil, err
	}
	p.Proven = &proven
	p.Facts = []frame.Item{{Term: "Line", Value: frame.Num(proven.Line)}, {Term: "Token", Value: frame.Code(proven.Token)}, {Term: "Day (UTC)", Value: frame.Text(proven.Day)},
		{Term: "Route", Value: frame.Text(proven.Route)}, {Term: "Calls", Value: frame.Num(proven.Calls)}, {Term: "Records", Value: frame.Num(proven.Records)}}
	p.Proof = frame.Snippet{Label: "Proof, to save as proof.txt", Code: proven.Proof}
	p.Check = frame.Snippet{Label: "Check it, with any file of the statement", Code: fmt.Sprintf("stile usage verify proof.txt --statement statement-%s-%s.html --key keys.txt", n.Tenant, n.Month)}
	return p, nil
}
