package statementpages

import (
	"fmt"
	"strings"

	"stile.example/stile/console/frame"
	"stile.example/stile/console/tenantpages"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	ops "stile.example/stile/operations/statements"
	"stile.example/stile/statements"
	"stile.example/stile/usage"
)

// priced is what the pages read of a tenant's prices.
type priced struct {
	ClientID string             `json:"client_id"`
	Currency string             `json:"currency"`
	Prices   []operations.Price `json:"prices"`
}

// tenantData is what a tenant's page shows.
type tenantData struct {
	Set    frame.Cell
	Prices frame.Table
	Table  frame.Table
	Open   string // path of the open month's statement
	Month  string
	All    string // path of all statements
}

func tenantPart(r *frame.Request) (any, error) {
	clientID := r.PathValue("client_id")
	t, err := findPriced(r, clientID)
	if err != nil {
		return nil, err
	}
	page, err := frame.Do[ops.Query, ops.Page](r, "statement list", ops.Query{Tenant: clientID, Limit: 6})
	if err != nil {
		return nil, err
	}
	month := statements.MonthOf(r.Now())
	d := tenantData{Set: r.Ask(frame.Path("tenants", clientID, "price"), "Set prices…", ""), Prices: priceTable(t), Table: lastStatements(page.Statements),
		Open: path(clientID, month), Month: month, All: "/statements?tenant=" + clientID}
	return d, nil
}

func lastStatements(list []ops.Info) frame.Table {
	t := frame.Table{Caption: "Last statements", Quiet: true, Columns: frame.Columns("Month", "#Calls", "#Records", "#Amount"), Empty: &frame.Empty{Title: "No statement yet", Text: "A month closes two days after its end."}}
	for _, s := range list {
		amount := strings.TrimSuffix(s.Amount.String()+" "+s.Currency, " ")
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Text(s.Month).Link(path(s.Tenant, s.Month)), frame.Num(s.Calls), frame.Num(s.Records), frame.Amount(amount)}})
	}
	return t
}

func findPriced(r *frame.Request, clientID string) (priced, error) {
	return frame.Do[operations.TenantName, priced](r, "tenant show", operations.TenantName{ClientID: clientID})
}

func priceTable(t priced) frame.Table {
	table := frame.Table{Caption: "Prices", Quiet: true, Columns: frame.Columns("Unit", "#Price", "#Since"), Empty: &frame.Empty{Title: "No price", Text: "Calls and records of this tenant cost nothing."}}
	for i := len(t.Prices) - 1; i >= 0 && i >= len(t.Prices)-5; i-- { // the newest first
		p := t.Prices[i]
		add := func(unit string, micros int64) {
			text := strings.TrimSuffix(usage.Amount(micros).String()+" "+t.Currency, " ")
			table.Rows = append(table.Rows, frame.Row{Cells: []frame.Cell{frame.Text(unit), frame.Amount(text), frame.Amount(p.Since)}})
		}
		add("each call", p.Micros)
		add("each record", p.RecordMicros)
		for _, tier := range p.Tiers {
			add(fmt.Sprintf("%s from number %s of the month", tier.Unit, frame.Number(tier.From)), tier.Micros)
		}
	}
	return table
}

func priceForm(r *frame.Request) (frame.FormView, error) {
	t, err := findPriced(r, r.PathValue("client_id"))
	if err != nil {
		return frame.FormView{}, err
	}
	today, now := usage.Day(r.Now()), operations.Price{}
	for _, p := range t.Prices {
		if p.Since <= today {
			now = p
		}
	}
	return frame.FormView{Title: "Prices of " + t.ClientID, Button: "Set the prices", Cancel: frame.Path("tenants", t.ClientID),
		Text:   []string{"The prices apply to calls and records from the first day on, until the next prices. Those of a closed month can’t be changed."},
		Fields: tenantpages.PriceFields(now, t.Currency, today)}, nil
}

func setPrice(r *frame.Request, v frame.Values) (frame.Done, error) {
	clientID := r.PathValue("client_id")
	price, code, err := tenantpages.ReadPrices(v)
	if err != nil {
		return frame.Done{}, err
	}
	_, err = frame.Do[operations.TenantChange, priced](r, "tenant set", operations.TenantChange{ClientID: clientID, Prices: []operations.PriceChange{price}, Currency: &code})
	return frame.Done{To: frame.Path("tenants", clientID), Flash: "Set the prices of " + clientID + " from " + price.Since + " on."}, atField(err)
}

// atField puts an error of the operation at the field that it is about.
func atField(err error) error {
	if err == nil {
		return nil
	}
	switch text := err.Error(); {
	case strings.Contains(text, "can't be changed"), strings.Contains(text, "must be a day"):
		return frame.About("since", err)
	case strings.Contains(text, "currency "):
		return frame.About("currency", err)
	case strings.Contains(text, "tier"):
		return frame.About("tiers", err)
	}
	return err
}

// badLine says that a text is not a line's number.
func badLine(text string) error {
	return failure.New(failure.Invalid, "line %.40q: must be a number from 1", text)
}
