package protection

import (
	"fmt"
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// refusals shows the list of refusals. The filters are the parameters of its URL.
func refusals(r *frame.Request) (any, error) {
	filter := r.Filter(
		frame.Field{Name: "ref", Label: "Reference", Mono: true, Placeholder: "7QK2-M4TD"},
		frame.Field{Name: "code", Label: "Code", Kind: "select", Options: codeOptions()},
		frame.Field{Name: "tenant", Label: "Tenant", Mono: true, Placeholder: "client_id"},
		frame.Field{Name: "address", Label: "Address", Mono: true},
		frame.Field{Name: "token", Label: "Token ID or jti", Mono: true},
		frame.Field{Name: "from", Label: "From (UTC)", Placeholder: "2026-11-27"},
		frame.Field{Name: "to", Label: "Before (UTC)", Placeholder: "2026-11-28"},
		frame.Field{Name: "observed", Label: "Rules", Kind: "select", Options: []frame.Option{{Value: "", Text: "All"}, {Value: "no", Text: "Refused"}, {Value: "yes", Text: "Only observed"}}})
	q, err := refusalQuery(r)
	if err != nil {
		return nil, err
	}
	page, err := frame.Do[operations.RefusalQuery, operations.RefusalPage](r, "refusal list", q)
	if err != nil {
		return nil, err
	}
	t := refusalTable("Refusals, the newest first", page.Refusals)
	t.Quiet = true
	t.Empty = &frame.Empty{Title: "No refusal matches", Text: "Refusals are kept for 7 days. Change the filter, or clear it."}
	if filter.Clear == "" {
		t.Empty = &frame.Empty{Title: "No refusals yet", Text: "When a request is refused, it appears here with what decided."}
	}
	r.Refresh = q.After == ""
	r.Older(&t, page.Next)
	if err := r.Export(&t, "refusal list", q); err != nil {
		return nil, err
	}
	return struct {
		Filter frame.Filter
		Table  frame.Table
		Live   bool
	}{filter, t, r.Refresh}, nil
}

func codeOptions() []frame.Option {
	all := []frame.Option{{Value: "", Text: "All"}}
	for _, info := range codes.All() {
		all = append(all, frame.Option{Value: string(info.Code), Text: string(info.Code)})
	}
	return all
}

func refusalQuery(r *frame.Request) (q operations.RefusalQuery, err error) {
	q = operations.RefusalQuery{Ref: r.Query("ref"), Code: r.Query("code"), Tenant: r.Query("tenant"), Address: r.Query("address"), Token: r.Query("token"),
		After: r.Query("after"), Limit: perPage}
	if q.From, err = timeOf(r, "from"); err != nil {
		return q, err
	}
	if q.To, err = timeOf(r, "to"); err != nil {
		return q, err
	}
	if choice := r.Query("observed"); choice != "" {
		yes := choice == "yes"
		q.Observed = &yes
	}
	return q, nil
}

func refusalTable(caption string, list []operations.RefusalLine) frame.Table {
	t := frame.Table{Caption: caption, Columns: frame.Columns("Reference", "When", "Code", "Tenant", "Address", "What decided", "#Count")}
	t.Columns[5].Wide = true
	for _, f := range list {
		code := frame.Badge("bad", f.Code)
		if f.Observed {
			code = frame.Badge("info", f.Code).Hint("The rule is only observed: the request was admitted.")
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{refCell(f.Ref), frame.Time(f.At), code, tenantCell(text(f.Tenant)),
			addressCell(text(f.Address)), frame.Text(f.Decision), frame.Num(max(f.Count, 1))}})
	}
	return t
}

// refusal shows one refusal: what decided, and what can be done.
func refusal(r *frame.Request) (any, error) {
	f, err := frame.Do[operations.RefusalName, operations.RefusalInfo](r, "explain", operations.RefusalName{Ref: r.PathValue("ref")})
	if err != nil {
		return nil, err
	}
	r.Title = f.Ref
	state := frame.Badge("bad", "refused")
	if f.Observed {
		state = frame.Badge("info", "only observed")
	}
	line, err := lineOf(r, f.Ref)
	if err != nil {
		return nil, err
	}
	facts := []frame.Item{{Term: "When", Value: timeCell(&f.At)},
		{Term: "Tenant", Value: tenantCell(text(f.Tenant))}, {Term: "Address", Value: addressCell(text(f.Address))}}
	if line.TokenID != "" {
		token, err := tokenFact(r, line.TokenID)
		if err != nil {
			return nil, err
		}
		facts = append(facts, token)
	}
	for _, fact := range [][2]string{{"Counted", text(f.Identity)}, {"Rule", f.RuleText}, {"Page", text(f.Page)}, {"Detail", text(f.Detail)}} {
		if fact[1] != "" {
			facts = append(facts, frame.Item{Term: fact[0], Value: frame.Text(fact[1])})
		}
	}
	if f.Count > 1 {
		facts = append(facts, frame.Item{Term: "Count", Value: frame.Num(f.Count), Help: "Refusals of the same address, tenant and code in that minute are stored as one."})
	}
	return struct {
		Code    string
		State   frame.Cell
		Info    operations.RefusalInfo
		Facts   []frame.Item
		Actions []frame.Cell
		Problem string
	}{f.Code, state, f, facts, settingActions(r, f), "/problems/" + f.Code}, nil
}

// tokenFact returns the token of a refusal, with a link to its story. A token without an admitted
// call has none.
func tokenFact(r *frame.Request, id string) (frame.Item, error) {
	_, err := readToken(r, id)
	switch {
	case failure.KindOf(err) == failure.NotFound:
		return frame.Item{Term: "Token", Value: frame.Code(id).Link(frame.URL("/refusals", "token", id)), Help: "None of its calls was admitted. The link lists its refusals."}, nil
	case err != nil:
		return frame.Item{}, err
	}
	return frame.Item{Term: "Token", Value: frame.Code(id).Link(frame.Path("tokens", id))}, nil
}

// lineOf returns a refusal as the list shows it.
func lineOf(r *frame.Request, ref string) (line operations.RefusalLine, err error) {
	page, err := frame.Do[operations.RefusalQuery, operations.RefusalPage](r, "refusal list", operations.RefusalQuery{Ref: ref, Limit: 1})
	if err == nil && len(page.Refusals) > 0 {
		line = page.Refusals[0]
	}
	return line, err
}

// settingActions returns links to change the setting that decided.
func settingActions(r *frame.Request, f operations.RefusalInfo) (all []frame.Cell) {
	s := f.Setting
	switch {
	case s == nil:
	case s.Name == "calls_per_month" || s.Name == "sites":
		all = append(all, r.Ask(frame.Path("tenants", s.Tenant, "edit"), fmt.Sprintf("Change %s of %s…", s.Name, s.Tenant), ""))
	default:
		if s.Tenant != "" {
			all = append(all, r.Ask(frame.Path("tenants", s.Tenant, "setting"), "Change it for "+s.Tenant+"…", "", "name", s.Name))
		}
		all = append(all, frame.Text("All values of "+s.Name).Link("/policy#"+s.Name))
	}
	if a := text(f.Address); f.Code == string(codes.AddressBlocked) {
		if a != "" {
			all = append(all, frame.Text("The address").Link(frame.URL("/addresses", "address", a)))
		}
	}
	return all
}

// shortly says how long something lasts from now on.
func shortly(r *frame.Request, until *time.Time, kind string) frame.Cell {
	switch {
	case until != nil:
		return frame.Time(*until)
	case kind == "crowded":
		return frame.Text("while it is over its budget").Muted()
	case kind == "":
		return frame.Text("ended").Muted()
	}
	return frame.Text("permanent")
}
