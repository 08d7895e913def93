package developers

import (
	"strconv"
	"strings"
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/console/tenantpages"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	"stile.example/stile/snippet"
)

// statementsPart is the place of the statements in the page of usage: see [frame.Frame.Part].
const statementsPart = "own statements"

// addPages adds the pages of a tenant's own view. Each gets its data by operations of the caller,
// which are confined to the tenant.
func (v *view) addPages() {
	page := func(path, section, title, template string, data func(*frame.Request) (any, error)) {
		v.frame.Page(frame.Page{Path: Prefix + path, Section: section, Role: operations.Developer, Title: title, Template: text(template), Data: data})
	}
	page("/{$}", "own", "Overview", "overview.html", overview)
	page("/usage", "own-usage", "Usage", "usage.html", usagePage)
	v.addStatements()
	page("/refusals", "own-refusals", "Refusals", "refusals.html", refusalsPage)
	page("/try", "own-try", "Try it", "try.html", tryPage)
	v.frame.Form(frame.Form{Path: Prefix + "/token", Section: "own-try", Role: operations.Developer, Show: tokenForm, Do: v.testToken, Result: text("token.html")})
}

// tenantInfo is what the pages read of the tenant.
type tenantInfo struct {
	ClientID       string   `json:"client_id"`
	Name           string   `json:"name"`
	Sites          []string `json:"sites"`
	Status         string   `json:"status"`
	CallsPerMonth  int64    `json:"calls_per_month"`
	CallsThisMonth int64    `json:"calls_this_month"`
}

func readTenant(r *frame.Request) (tenantInfo, error) {
	return frame.Do[tenantName, tenantInfo](r, "tenant show", tenantName{r.Caller.Tenant})
}

// refusalURL returns the URL of the explanation of a reference.
func refusalURL(ref string) string {
	return frame.URL(Prefix+"/refusals", "ref", ref)
}

func overview(r *frame.Request) (any, error) {
	t, err := readTenant(r)
	if err != nil {
		return nil, err
	}
	found, err := diagnose(r, t.ClientID, refusalURL)
	if err != nil {
		return nil, err
	}
	used, err := tenantpages.OwnUsage(r, t.ClientID, 30)
	r.Title = t.ClientID
	if t.Name != "" {
		r.Title = t.Name
	}
	sites := frame.Badge("warn", "any page")
	if len(t.Sites) > 0 {
		sites = frame.Text(strings.Join(t.Sites, " "))
	}
	status := frame.Badge("good", t.Status)
	if t.Status != "active" {
		status = frame.Badge("bad", t.Status)
	}
	return struct {
		diagnosis
		Cards []frame.Card
		Facts []frame.Item
		Chart frame.Drawing
	}{found, used.Total, []frame.Item{
		{Term: "client_id", Value: frame.Code(t.ClientID)},
		{Term: "Status", Value: status},
		{Term: "Quota", Value: quota(t), Help: "Calls in a calendar month, UTC."},
		{Term: "Sites", Value: sites, Help: "Only pages of these origins may use your tokens. Ask the publisher to change them."},
	}, used.Chart}, err
}

// quota returns how much of a tenant's quota is used.
func quota(t tenantInfo) frame.Cell {
	used := frame.Number(t.CallsThisMonth)
	if t.CallsPerMonth == 0 {
		return frame.Text(used + " calls this month, no limit")
	}
	return frame.Share(min(float64(t.CallsThisMonth)/float64(t.CallsPerMonth), 1), used+" of "+frame.Number(t.CallsPerMonth))
}

func usagePage(r *frame.Request) (any, error) {
	days := 30
	if r.Query("days") == "90" {
		days = 90
	}
	used, err := tenantpages.OwnUsage(r, r.Caller.Tenant, days)
	return struct {
		tenantpages.Own
		Tabs frame.Tabs
	}{used, r.Tabs("Period", "days", "30", "30", "30 days", "90", "90 days")}, err
}

// ownRefusals is the input of the operation tenant refusals.
type ownRefusals struct {
	ClientID string `json:"client_id"`
	Ref      string `json:"ref,omitempty"`
}

func refusalsPage(r *frame.Request) (any, error) {
	p := struct {
		Filter frame.Filter
		Error  string
		One    []frame.Item
		Fix    string
		List   frame.Table
	}{Filter: r.Filter(frame.Field{Name: "ref", Label: "Reference", Mono: true, Placeholder: "7QK2-M4TD"})}
	if ref := r.Query("ref"); ref != "" {
		found, err := frame.Do[ownRefusals, []operations.TenantRefusal](r, "tenant refusals", ownRefusals{r.Caller.Tenant, ref})
		switch failure.KindOf(err) {
		case failure.Invalid, failure.NotFound:
			p.Error = frame.Say(err)
		default:
			if err != nil {
				return nil, err
			}
			p.One, p.Fix = explained(found[0]), found[0].Fix
		}
	}
	list, err := frame.Do[ownRefusals, []operations.TenantRefusal](r, "tenant refusals", ownRefusals{ClientID: r.Caller.Tenant})
	p.List = refusalTable(list)
	return p, err
}

// explained returns the facts of a refusal.
func explained(f operations.TenantRefusal) []frame.Item {
	items := []frame.Item{{Term: "Reference", Value: frame.Code(f.Ref)}, {Term: "When", Value: frame.Time(f.At)}, {Term: "What", Value: frame.Code(f.Code).And(frame.Text(f.Title))}}
	if f.Observed {
		items = append(items, frame.Item{Term: "Observed", Value: frame.Badge("info", "admitted"), Help: "The publisher only watches this rule: the request was admitted."})
	}
	for _, fact := range []struct{ term, value string }{{"Why", f.Detail}, {"Page", f.Page}, {"Token", f.Token}, {"Address", f.Address}} {
		if fact.value != "" {
			items = append(items, frame.Item{Term: fact.term, Value: frame.Text(fact.value)})
		}
	}
	if f.Count > 1 {
		items = append(items, frame.Item{Term: "Count", Value: frame.Num(f.Count), Help: "Refusals of the same kind from the same address in that minute."})
	}
	return items
}

// refusalTable returns the latest refusals.
func refusalTable(list []operations.TenantRefusal) frame.Table {
	t := frame.Table{Caption: "Latest refusals, by day and code", Columns: frame.Columns("Example", "Last", "Code", "#Count", "Why"),
		Empty: &frame.Empty{Title: "No refusals", Text: "None of your calls was refused in the last 7 days."}}
	t.Columns[4].Wide = true
	for _, f := range list {
		ref := frame.None()
		if f.Ref != "" {
			ref = frame.Code(f.Ref).Link(refusalURL(f.Ref))
		}
		why := f.Detail
		if why == "" {
			why = f.Title
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{ref, frame.Time(f.At), frame.Code(f.Code), frame.Num(f.Count), frame.Text(why)}})
	}
	return t
}

func tryPage(r *frame.Request) (any, error) {
	return struct {
		Snippet string
		Button  frame.Cell
		Page    string // that writes other snippets
		Calls   int
		Minutes int
	}{snippet.Default(r.Caller.Tenant).Code(r.PublicURL()), r.Ask(Prefix+"/token", "Get a token to try out…", ""),
		r.PublicURL() + frame.URL("/snippet", "client_id", r.Caller.Tenant), operations.TestCalls, int(operations.TestLifetime / time.Minute)}, nil
}

func tokenForm(r *frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Get a token to try out", Button: "Get a token", Cancel: Prefix + "/try",
		Text: []string{"The token is for " + strconv.Itoa(operations.TestCalls) + " calls within " + strconv.Itoa(int(operations.TestLifetime/time.Minute)) +
			" minutes. They are counted and charged as calls of " + r.Caller.Tenant + ". Your own pages get their tokens from your server."}}, nil
}

// tokenRequest is the input of the operation token issue, which is replaced for a developer.
type tokenRequest struct {
	Tenant string `json:"tenant"`
	Scope  string `json:"scope"`
	Test   bool   `json:"test"`
}

// testToken issues a token to try out, a few for each link.
func (v *view) testToken(r *frame.Request, _ frame.Values) (frame.Done, error) {
	if !v.tests.Allow(r.Caller.Session, r.Now()) {
		return frame.Done{}, failure.New(failure.Conflict, "this link has got %d tokens within the last hour, which is the maximum; wait for an hour", testsPer)
	}
	made, err := frame.Do[tokenRequest, operations.IssuedToken](r, "token issue", tokenRequest{r.Caller.Tenant, operations.Scope, true})
	if err != nil {
		return frame.Done{}, err
	}
	curl := "curl '" + r.PublicURL() + "/v1/items?client_id=" + r.Caller.Tenant + "&limit=3' -H 'Authorization: Bearer " + made.AccessToken + "'"
	script := "Stile.configure({api: '" + r.PublicURL() + "', clientId: '" + r.Caller.Tenant + "', token: '" + made.AccessToken + "'})"
	return frame.Done{Title: "Token to try out", Data: struct{ Token, Curl, Script string }{made.AccessToken, curl, script}, To: Prefix + "/try",
		Again: frame.Crumb{Text: "Get another token", Href: Prefix + "/token"}}, nil
}
