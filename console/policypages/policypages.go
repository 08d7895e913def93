// Package policypages is the console's section about the policy: the settings with their
// explanation, which rules are only observed, and what a change would do to simulated people and
// scrapers before it is applied.
//
// A comparison takes up to a minute, so it runs in the background, one at a time (run.go).
package policypages

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
)

var (
	//go:embed policy.html
	policyHTML string
	//go:embed run.html
	runHTML string
)

// Add adds the pages and forms.
func Add(f *frame.Frame) {
	runs := &runner{}
	f.Page(frame.Page{Path: "/policy", Section: "policy", Role: operations.Viewer, Title: "Policy", Template: policyHTML, Data: runs.show})
	f.Page(frame.Page{Path: "/policy/runs/{id}", Section: "policy", Role: operations.Viewer, Template: runHTML, Data: runs.showRun})
	f.Form(frame.Form{Path: "/policy/compare", Section: "policy", Role: operations.Viewer, Show: compareForm, Do: runs.compare})
	f.Form(frame.Form{Path: "/policy/runs/{id}/stop", Section: "policy", Role: operations.Viewer, Show: runs.stopForm, Do: runs.stop})
	f.Form(frame.Form{Path: "/policy/apply", Section: "policy", Role: operations.Operator, Show: applyForm, Do: apply})
}

// setting is what the pages read of a setting.
type setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default string `json:"default"`
	Source  string `json:"source"`
	Type    string `json:"type"`
	Allowed string `json:"allowed"`
	Doc     string `json:"doc"`
	Tenant  bool   `json:"tenant"`
	Tenants []struct {
		ClientID string `json:"client_id"`
		Value    string `json:"value"`
	} `json:"tenants"`
}

type policyQuery struct {
	Tenant string `json:"tenant,omitempty"`
}

func readPolicy(r *frame.Request, tenant string) ([]setting, error) {
	return frame.Do[policyQuery, []setting](r, "policy show", policyQuery{tenant})
}

// group is a group of settings with a heading.
type group struct {
	ID, Title, Text string
	Table           frame.Table
}

// groups are the headings, by the beginning of the settings' names.
var groups = []group{
	{ID: "binding", Title: "Binding and requests", Text: "The binding of tokens, and the requests that may be made with them."},
	{ID: "policy.token.", Title: "Tokens", Text: "How long and for how much a token is valid."},
	{ID: "policy.spike.", Title: "Spikes", Text: "More calls by one token in a short window than a person makes."},
	{ID: "policy.challenge.", Title: "Challenges", Text: "What a browser or a visitor must solve before calls continue."},
	{ID: "policy.address.", Title: "Addresses", Text: "The budgets of source addresses. Tenants share the addresses, so these settings are the same for all."},
	{ID: "policy.roaming.", Title: "Roaming", Text: "One key-bound token used from several addresses."},
}

func (runs *runner) show(r *frame.Request) (any, error) {
	tenant := r.Query("tenant")
	all, err := readPolicy(r, tenant)
	if err != nil {
		return nil, err
	}
	which, err := r.TenantField("Values that apply to", "The server (all tenants)")
	if err != nil {
		return nil, err
	}
	rules, err := rulesTable(r, all, tenant)
	if err != nil {
		return nil, err
	}
	page := struct {
		Filter frame.Filter
		Rules  frame.Table
		Groups []group
		Last   *run
	}{Filter: r.Filter(which), Rules: rules, Last: runs.last()}
	for i, g := range groups {
		g.Table = frame.Table{Caption: g.Title, Quiet: true, Columns: frame.Columns("Setting", "Value", "Default", "Own value of", "-Action")}
		for _, s := range all {
			if strings.HasPrefix(s.Name, g.ID) || i == 0 && !strings.HasPrefix(s.Name, "policy.") {
				g.Table.Rows = append(g.Table.Rows, row(r, s, tenant))
			}
		}
		g.ID = "group-" + strings.NewReplacer("policy.", "", ".", "").Replace(g.ID)
		page.Groups = append(page.Groups, g)
	}
	return page, nil
}

// row returns the row of a setting.
func row(r *frame.Request, s setting, tenant string) frame.Row {
	value := shown(s.Value)
	switch s.Source {
	case "server":
		value = value.And(frame.Badge("info", "set"))
	case "tenant":
		value = value.And(frame.Badge("info", "own"))
	}
	own := frame.None()
	if n := len(s.Tenants); n > 0 {
		own = frame.Text(s.Tenants[0].ClientID).Link(frame.Path("tenants", s.Tenants[0].ClientID))
		if n > 1 {
			own = own.And(frame.Text(fmt.Sprintf("and %d more", n-1)))
		}
	}
	name := frame.Code(s.Name)
	name.Note = s.Doc
	try := r.Ask("/policy/compare", "Try…", s.Name, "name", s.Name, "tenant", tenant)
	if !isSimulated(s.Name) {
		try = frame.Cell{}
		if tenant != "" && s.Tenant {
			try = r.Ask(frame.Path("tenants", tenant, "setting"), "Change…", s.Name, "name", s.Name)
		}
	}
	return frame.Row{ID: s.Name, Cells: []frame.Cell{name, value, shown(s.Default), own, try}}
}

// shown returns the value of a setting as a cell.
func shown(value string) frame.Cell {
	if value == "" {
		return frame.Text("empty").Muted()
	}
	return frame.Code(value)
}

// isSimulated reports whether the simulation knows a setting: those of the policy, except the
// lifetime, which is the length of a visit there.
func isSimulated(name string) bool {
	return strings.HasPrefix(name, "policy.") && name != "policy.token.lifetime" && name != "policy.observe"
}

// rules are those that can be observed, in the contract's words, and the codes of their refusals.
var rules = []struct{ name, code, text string }{
	{"hijack", "token_hijacked", "A token is used from outside its binding."},
	{"spike", "challenge_required", "A token makes more calls in a short window than a person."},
	{"crowd", "challenge_required", "An address is over a budget, so its new tokens start with a challenge."},
	{"block", "address_blocked", "An address solves too few of its challenges, so its new tokens are refused."},
	{"client", "client_mismatch", "A call names another client_id, or comes from a page that is not one of the tenant’s sites."},
}

// rulesTable returns the rules, whether each is enforced, and what those that are only observed
// would have refused in the last day.
func rulesTable(r *frame.Request, all []setting, tenant string) (frame.Table, error) {
	t := frame.Table{Caption: "Rules", Quiet: true, Columns: frame.Columns("Rule", "What it is about", "State", "Would have refused, 24 h")}
	t.Columns[1].Wide = true
	var observed []string
	for _, s := range all {
		if s.Name == "policy.observe" {
			observed = strings.Split(strings.ReplaceAll(s.Value, " ", ""), ",")
		}
	}
	counts, err := observedCounts(r, tenant)
	if err != nil {
		return t, err
	}
	for _, rule := range rules {
		state, would := frame.Badge("good", "enforced"), frame.None()
		if slices.Contains(observed, rule.name) {
			state = frame.Badge("warn", "only observed")
			if counts != nil {
				would = frame.Amount(counts[rule.code]).Link(frame.URL("/refusals", "observed", "yes", "code", rule.code, "tenant", tenant))
			}
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Code(rule.name), frame.Text(rule.text), state, would}})
	}
	return t, nil
}

// maxObserved is how many observed refusals are counted.
const maxObserved = 500

// observedCounts returns how many requests of the last day would have been refused, by code. Nil:
// no operation lists them.
func observedCounts(r *frame.Request, tenant string) (map[string]string, error) {
	if !r.May("refusal list") {
		return nil, nil
	}
	type query struct {
		Tenant   string `json:"tenant,omitempty"`
		Observed bool   `json:"observed"`
		From     string `json:"from"`
		Limit    int    `json:"limit"`
	}
	list, err := frame.Do[query, struct {
		Refusals []struct {
			Code  string `json:"code"`
			Count int64  `json:"count"`
		} `json:"refusals"`
		Next string `json:"next"`
	}](r, "refusal list", query{tenant, true, r.Now().UTC().AddDate(0, 0, -1).Format("2006-01-02T15:04:05Z"), maxObserved})
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for _, f := range list.Refusals {
		counts[f.Code] += max(f.Count, 1)
	}
	texts := map[string]string{}
	for _, rule := range rules {
		texts[rule.code] = frame.Number(counts[rule.code])
		if list.Next != "" {
			texts[rule.code] += " or more"
		}
	}
	return texts, nil
}
