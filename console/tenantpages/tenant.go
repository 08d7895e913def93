package tenantpages

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/snippet"
	"stile.example/stile/usage"
)

// tenantPage is what the template of a tenant's page shows.
type tenantPage struct {
	info
	Badge    frame.Cell
	Quota    frame.Cell
	Actions  []frame.Cell
	Cards    []frame.Card
	Chart    frame.Drawing
	Facts    []frame.Item
	Own      frame.Table
	Refusals *frame.Table // nil: nothing lists them
	Snippets []frame.Snippet
	More     string // URL of the page that writes other snippets
}

func show(r *frame.Request) (any, error) {
	t, err := find(r)
	if err != nil {
		return nil, err
	}
	r.Title, r.Refresh = t.title(), true
	p := tenantPage{info: t, Badge: t.badge(), Quota: t.quota(), Actions: t.actions(r), Facts: t.facts(r), Own: t.own(r), Snippets: snippets(r, t.ClientID),
		More: r.PublicURL() + frame.URL("/snippet", "client_id", t.ClientID)}
	used, err := readUsage(r, t.ClientID, r.Now().UTC().AddDate(0, 0, -59), r.Now().UTC())
	if err != nil {
		return nil, err
	}
	p.Cards, p.Chart = t.cards(used, r.Now()), used.since(r.Now().UTC().AddDate(0, 0, -29)).byDay("Calls by day", r.Now().UTC().AddDate(0, 0, -29), r.Now())
	p.Refusals, err = lastRefusals(r, t.ClientID)
	return p, err
}

func (t info) actions(r *frame.Request) []frame.Cell {
	state := r.Ask(t.path("suspend"), "Suspend…", "")
	if t.Status == "suspended" {
		state = r.Ask(t.path("resume"), "Resume…", "")
	}
	return []frame.Cell{r.Ask(t.path("edit"), "Edit…", ""), r.Ask(t.path("secret"), "New secret…", ""), state, r.Ask(t.path("remove"), "Remove…", "")}
}

// cards returns the figures of a tenant: 30 days next to the 30 days before, and what it has now.
func (t info) cards(used rows, now time.Time) []frame.Card {
	middle := usage.Day(now.UTC().AddDate(0, 0, -29))
	var calls, callsBefore, records, recordsBefore, micros, microsBefore int64
	for _, row := range used {
		if row.Day >= middle {
			calls, records, micros = calls+row.Calls, records+row.Records, micros+int64(row.Amount)
		} else {
			callsBefore, recordsBefore, microsBefore = callsBefore+row.Calls, recordsBefore+row.Records, microsBefore+int64(row.Amount)
		}
	}
	card := func(label string, now, before int64, text func(int64) string) frame.Card {
		return frame.Card{Label: label, Value: text(now)}.Changed(float64(now), float64(before), text(before), 0)
	}
	all := []frame.Card{card("Calls, 30 days", calls, callsBefore, frame.Number), card("Records, 30 days", records, recordsBefore, frame.Number), card("Amount, 30 days", micros, microsBefore, t.amount)}
	if h := t.Holdings; h != nil {
		all = append(all, frame.Card{Label: "Live tokens", Value: frame.Number(int64(h.LiveTokens)), Note: "that have made a call"}, frame.Card{Label: "Own items", Value: frame.Number(int64(h.Items)), Note: "in addition to the shared corpus"})
	}
	return all
}

// facts returns what is stored of a tenant.
func (t info) facts(r *frame.Request) []frame.Item {
	sites := frame.Badge("warn", "any page")
	if len(t.Sites) > 0 {
		sites = frame.Text(strings.Join(t.Sites, " "))
	}
	items := []frame.Item{
		{Term: "client_id", Value: frame.Code(t.ClientID)},
		{Term: "Sites", Value: sites, Help: map[bool]string{true: "Without sites, any page may use the tenant’s tokens. Edit the tenant to add its sites."}[len(t.Sites) == 0]},
		{Term: "Quota", Value: t.quota(), Help: "Calls in a calendar month, UTC."},
		{Term: "Price", Value: t.price(usage.Day(r.Now()))},
		{Term: "Added", Value: frame.Time(t.CreatedAt)},
	}
	if h := t.Holdings; h != nil {
		with := fmt.Sprintf("%d valid secrets", h.Secrets)
		if h.Secrets == 1 {
			with = "1 valid secret"
		}
		if h.HasKeys {
			with += ", and its own keys"
		}
		items = append(items, frame.Item{Term: "Authenticates with", Value: frame.Text(with)})
	}
	return items
}

// amount writes an amount in the tenant's currency.
func (t info) amount(micros int64) string {
	return strings.TrimSpace(usage.Amount(micros).String() + " " + t.Currency)
}

// own returns the settings that the tenant has of its own.
func (t info) own(r *frame.Request) frame.Table {
	table := frame.Table{Caption: "Own settings", Quiet: true, Columns: frame.Columns("Setting", "Value", "-Change"),
		Empty: &frame.Empty{Title: "The server’s policy applies", Text: "The tenant has no settings of its own.", Action: "See the policy", Href: "/policy?tenant=" + t.ClientID}}
	for _, name := range slices.Sorted(maps.Keys(t.Policy)) {
		table.Rows = append(table.Rows, frame.Row{Cells: []frame.Cell{frame.Code(name).Link("/policy?tenant=" + t.ClientID + "#" + name), frame.Code(t.Policy[name]), r.Ask(t.path("setting"), "Change…", name, "name", name)}})
	}
	return table
}

// refusal is what the page reads of a refusal.
type refusal struct {
	Ref      string    `json:"ref"`
	At       time.Time `json:"at"`
	Code     string    `json:"code"`
	Decision string    `json:"decision"`
	Observed bool      `json:"observed"`
	Count    int64     `json:"count"`
}

// lastRefusals returns the last refusals of a tenant, nil if no operation lists them.
func lastRefusals(r *frame.Request, clientID string) (*frame.Table, error) {
	if !r.May("refusal list") {
		return nil, nil
	}
	type query struct {
		Tenant string `json:"tenant"`
		Limit  int    `json:"limit"`
	}
	list, err := frame.Do[query, struct {
		Refusals []refusal `json:"refusals"`
	}](r, "refusal list", query{clientID, 8})
	if err != nil {
		return nil, err
	}
	t := &frame.Table{Caption: "Last refusals", Quiet: true, Columns: frame.Columns("Reference", "When", "Code", "Decision"),
		Empty: &frame.Empty{Title: "No refusals", Text: "None of the tenant’s calls was refused recently."}}
	t.Columns[3].Wide = true
	for _, f := range list.Refusals {
		code := frame.Code(f.Code)
		if f.Count > 1 {
			code = code.And(frame.Badge("muted", fmt.Sprintf("%d times", f.Count)))
		}
		if f.Observed {
			code = code.And(frame.Badge("info", "observed"))
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Code(f.Ref).Link(frame.Path("refusals", f.Ref)), frame.Time(f.At), code, frame.Text(f.Decision)}})
	}
	return t, nil
}

// snippets returns what a tenant's developers need: the HTML for a page, the token endpoint, and
// the policy of a page that has one.
func snippets(r *frame.Request, clientID string) []frame.Snippet {
	o := snippet.Default(clientID)
	return []frame.Snippet{
		{Label: "HTML for the tenant’s page", Code: o.Code(r.PublicURL())},
		{Label: "Token endpoint of the tenant’s server (Node.js)", Code: o.Route(r.PublicURL())},
		{Label: "Content-Security-Policy of the tenant’s page, if it has one", Code: snippet.Policy(r.PublicURL())},
	}
}
