package protection

import (
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// tokens shows the list of tokens.
func tokens(r *frame.Request) (any, error) {
	filter := r.Filter(
		frame.Field{Name: "tenant", Label: "Tenant", Mono: true, Placeholder: "client_id"},
		frame.Field{Name: "state", Label: "State", Kind: "select", Options: []frame.Option{{Value: "", Text: "All"}, {Value: "live", Text: "Live"}, {Value: "dead", Text: "Dead"}, {Value: "expired", Text: "Expired"}}},
		frame.Field{Name: "address", Label: "Bound to the address", Mono: true},
		frame.Field{Name: "order", Label: "Order", Kind: "select", Options: []frame.Option{{Value: "", Text: "Last use"}, {Value: "issue", Text: "Issue"}}})
	q := operations.TokenQuery{Tenant: r.Query("tenant"), State: operations.TokenState(r.Query("state")), Address: r.Query("address"), Order: r.Query("order"), After: r.Query("after"), Limit: perPage}
	page, err := frame.Do[operations.TokenQuery, operations.TokenPage](r, "token list", q)
	if err != nil {
		return nil, err
	}
	t := tokenTable("Tokens", page.Tokens)
	t.Quiet = true
	t.Empty = &frame.Empty{Title: "No token matches", Text: "Tokens are listed from their first call until 25 hours after they expire. Change the filter, or clear it."}
	if filter.Clear == "" {
		t.Empty = &frame.Empty{Title: "No tokens yet", Text: "A token appears here with its first call."}
	}
	r.Refresh = q.After == ""
	r.Older(&t, page.Next)
	if err := r.Export(&t, "token list", q); err != nil {
		return nil, err
	}
	return struct {
		Filter frame.Filter
		Find   frame.Cell
		Table  frame.Table
	}{filter, r.Ask("/tokens/find", "Find a token…", ""), t}, nil
}

func tokenTable(caption string, list []operations.TokenLine) frame.Table {
	t := frame.Table{Caption: caption, Columns: frame.Columns("Token", "State", "Tenant", "Bound to", "#Calls", "#Records", "#Challenges", "Last use", "Issued", "Expires")}
	for _, one := range list {
		bound := frame.None()
		switch one.Binding {
		case "address":
			bound = addressCell(one.BoundTo)
		case "key":
			bound = frame.Text("a key")
		}
		t.Rows = append(t.Rows, frame.Row{Muted: one.State == "expired", Cells: []frame.Cell{
			frame.Code(one.ID[:12] + "…").Link(frame.Path("tokens", one.ID)).Hint(one.ID), stateBadge(string(one.State), text(one.Reason)), tenantCell(text(one.ClientID)), bound,
			frame.Num(one.Calls), frame.Num(one.Records), frame.Num(one.Challenges), frame.Time(one.UsedAt), frame.Time(one.IssuedAt), frame.Time(one.ExpiresAt)}})
	}
	return t
}

func stateBadge(state, reason string) frame.Cell {
	switch state {
	case "live":
		return frame.Badge("good", "live")
	case "dead":
		return frame.Badge("bad", reason)
	}
	return frame.Badge("muted", state)
}

// readToken returns a token by its ID.
func readToken(r *frame.Request, id string) (operations.TokenInfo, error) {
	v, err := frame.Do[operations.TokenName, operations.TokenInfo](r, "token show", operations.TokenName{Token: id})
	if failure.KindOf(err) == failure.Invalid { // an unknown ID in a URL is not a form to correct
		err = failure.New(failure.NotFound, "%w", err)
	}
	return v, err
}

// token shows one token and its story.
func token(r *frame.Request) (any, error) {
	v, err := readToken(r, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	r.Title, r.Refresh = "Token "+v.ID[:12]+"…", true
	state := frame.Badge("good", "active")
	if !v.Active {
		state = frame.Badge("bad", text(v.Reason))
	}
	facts := []frame.Item{{Term: "ID", Value: frame.Code(v.ID)}, {Term: "Tenant", Value: tenantCell(text(v.ClientID))},
		{Term: "Binding", Value: frame.Text(orNone(v.BoundTo))},
		{Term: "Calls", Value: frame.Share(share(v.Calls, v.CallsLimit), frame.Number(int64(v.Calls))+" of "+frame.Number(int64(v.CallsLimit)))},
		{Term: "Records", Value: frame.Num(v.Records)}, {Term: "Challenges", Value: frame.Num(v.Challenges)},
		{Term: "Open challenge", Value: frame.Text(orNone(v.OpenChallenge))},
		{Term: "Issued", Value: timeCell(v.IssuedAt)}, {Term: "Expires", Value: timeCell(v.ExpiresAt)}}
	var steps []frame.Item
	for _, s := range v.Steps {
		result := frame.Badge("good", "passes")
		if s.Refuse {
			result = frame.Badge("bad", "refuses")
		}
		steps = append(steps, frame.Item{Term: s.Name, Value: result.And(frame.Text(s.Detail))})
	}
	actions := []frame.Cell{r.Ask(frame.Path("tokens", v.ID, "revoke"), "Revoke…", "")}
	if !v.Active {
		actions = nil
	}
	return struct {
		State   frame.Cell
		Actions []frame.Cell
		Facts   []frame.Item
		Steps   []frame.Item
		Story   []moment
		More    string
	}{state, actions, facts, steps, story(v.Story), frame.URL("/refusals", "token", v.ID)}, nil
}

// moment is an entry of a timeline: something that happened, maybe several times in a row.
type moment struct {
	At, Last time.Time
	Label    string
	Tone     string
	Text     string
	Ref      frame.Cell // of the first
	Address  frame.Cell
	Times    int
}

// maxMoments is how many entries a timeline has: the latest.
const maxMoments = 40

var tones = map[string]string{"issued": "info", "bound": "info", "used": "good", "roamed": "warn", "challenged": "warn", "refused": "bad", "observed": "info", "died": "bad", "revoked": "bad", "expires": "muted"}

// story returns the timeline of a token. A moment that repeats the one before it is counted there.
func story(all []operations.TokenMoment) (moments []moment) {
	for i, m := range all {
		if i > 0 && m.Ref != "" && m.Kind == all[i-1].Kind && m.Text == all[i-1].Text && m.Address == all[i-1].Address {
			last := &moments[len(moments)-1]
			last.Times, last.Last = last.Times+1, m.At
			continue
		}
		moments = append(moments, moment{m.At, m.At, m.Kind, tones[m.Kind], m.Text, refCell(m.Ref), addressCell(m.Address), 1})
	}
	return moments[max(0, len(moments)-maxMoments):]
}

func share(n, of uint32) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func timeCell(t *time.Time) frame.Cell {
	if t == nil {
		return frame.None()
	}
	return frame.Time(*t).And(frame.Text(t.UTC().Format("2006-01-02 15:04:05 UTC")).Muted())
}

func findForm(*frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Find a token", Button: "Find the token", Cancel: "/tokens",
		Text:   []string{"Paste the token itself, its jti, or its ID. A pasted token is only read: it is not stored, and neither the log nor a URL contains it."},
		Fields: []frame.Field{{Name: "token", Label: "Token, jti or ID", Kind: "textarea", Mono: true, Required: true}}}, nil
}

// findToken shows the token that was pasted. The next page has only its ID in its URL.
func findToken(r *frame.Request, v frame.Values) (frame.Done, error) {
	name := v.Text("token")
	if name == "" {
		return frame.Done{}, frame.About("token", failure.New(failure.Invalid, "paste a token, a jti or an ID"))
	}
	info, err := frame.Do[operations.TokenName, operations.TokenInfo](r, "token show", operations.TokenName{Token: name})
	if err != nil {
		return frame.Done{}, frame.About("token", err)
	}
	if len(info.Steps) > 0 && info.Calls == 0 && info.Binding == "none" && info.Challenges == 0 {
		return frame.Done{}, frame.About("token", failure.New(failure.NotFound, "the token is known by what it says itself, but it has not made a call yet, so there is nothing to show: its tenant is %s, and it expires at %s", text(info.ClientID), info.ExpiresAt.UTC().Format(time.RFC3339)))
	}
	return frame.Done{To: frame.Path("tokens", info.ID)}, nil
}

func revokeForm(r *frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Revoke the token", Button: "Revoke the token", Danger: true, Cancel: frame.Path("tokens", r.PathValue("id")),
		Text: []string{"Its calls are refused with token_revoked from now on. This can’t be undone. The page obtains a new token if the tenant’s server still issues one to the visitor."}}, nil
}

func revoke(r *frame.Request, _ frame.Values) (frame.Done, error) {
	id := r.PathValue("id")
	if _, err := frame.Do[operations.TokenName, operations.TokenInfo](r, "token revoke", operations.TokenName{Token: id}); err != nil {
		return frame.Done{}, err
	}
	return frame.Done{To: frame.Path("tokens", id), Flash: "The token is revoked."}, nil
}
