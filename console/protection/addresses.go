package protection

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// addresses shows the address list.
func addresses(r *frame.Request) (any, error) {
	filter := r.Filter(
		frame.Field{Name: "address", Label: "Address or range", Mono: true},
		frame.Field{Name: "origin", Label: "Decided by", Kind: "select", Options: []frame.Option{{Value: "", Text: "All"}, {Value: "person", Text: "An operator"}, {Value: "rule", Text: "A rule"}}},
		frame.Field{Name: "tenant", Label: "Tenant", Mono: true, Placeholder: "client_id"},
		frame.Field{Name: "kind", Kind: "hidden"})
	q := operations.AddressQuery{Kind: r.Query("kind"), Origin: r.Query("origin"), Tenant: r.Query("tenant"), Address: r.Query("address"), After: r.Query("after"), Limit: perPage}
	page, err := frame.Do[operations.AddressQuery, operations.AddressPage](r, "address list", q)
	if err != nil {
		return nil, err
	}
	proposed, err := frame.Do[operations.AddressQuery, operations.AddressPage](r, "address proposals", operations.AddressQuery{Limit: 1000})
	if err != nil {
		return nil, err
	}
	t := addressTable(r, "Address list", page.Addresses)
	t.Quiet = true
	t.Empty = &frame.Empty{Title: "No range matches", Text: "The rules block and challenge addresses automatically. Add a range that you know, such as a school’s."}
	r.Refresh = q.After == ""
	r.Next(&t, page.Next)
	if err := r.Export(&t, "address list", q); err != nil {
		return nil, err
	}
	return struct {
		Tabs      frame.Tabs
		Filter    frame.Filter
		Actions   []frame.Cell
		Proposals int
		Table     frame.Table
	}{r.Tabs("Kinds", "kind", "", "", "All", "block", "Blocked", "crowded", "Crowded", "allow", "Allowed"), filter,
		[]frame.Cell{r.Ask("/addresses/block", "Block a range…", ""), r.Ask("/addresses/allow", "Allow a range…", "")}, len(proposed.Addresses), t}, nil
}

// proposals shows the addresses about which an operator should decide.
func proposals(r *frame.Request) (any, error) {
	page, err := frame.Do[operations.AddressQuery, operations.AddressPage](r, "address proposals", operations.AddressQuery{After: r.Query("after"), Limit: perPage})
	if err != nil {
		return nil, err
	}
	t := addressTable(r, "Proposals for permanent blocks", page.Addresses)
	t.Quiet = true
	t.Empty = &frame.Empty{Title: "No proposals", Text: "An address is proposed when a rule has blocked it for the longest time repeatedly."}
	r.Next(&t, page.Next)
	return t, nil
}

var kindTones = map[string]string{"block": "bad", "crowded": "warn", "allow": "good", "": "muted"}

func addressTable(r *frame.Request, caption string, list []operations.AddressInfo) frame.Table {
	t := frame.Table{Caption: caption, Columns: frame.Columns("Range", "Kind", "Tenant", "Ends", "Decided by", "Why", "-Actions")}
	t.Columns[5].Wide = true
	for _, a := range list {
		kind := a.Kind
		if kind == "" {
			kind = "was blocked"
		}
		tenant := tenantCell(a.Tenant)
		if a.Tenant == "" {
			tenant = frame.Text("all").Muted()
		}
		by := "an operator"
		if a.Origin == "rule" {
			by = "a rule"
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{rangeCell(a.Range), frame.Badge(kindTones[a.Kind], kind), tenant, shortly(r, a.Until, a.Kind), frame.Text(by), frame.Text(why(a)), actionsOf(r, a)}})
	}
	return t
}

// rangeCell returns a cell with a range: a link to the page of its first address.
func rangeCell(text string) frame.Cell {
	c := frame.Code(text)
	if a, single := singleOf(text); single {
		return c.Link(frame.Path("addresses", "of", a))
	}
	return c.Link(frame.URL("/addresses", "address", text))
}

// singleOf returns the address of a range that the rules count as one.
func singleOf(text string) (string, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4() && p.Bits() < 32 || p.Addr().Is6() && p.Bits() < 64 {
		return "", false
	}
	return p.Addr().String(), true
}

func why(a operations.AddressInfo) string {
	text := a.Reason
	if a.Bindings > 0 {
		if text != "" {
			text += "; "
		}
		text += fmt.Sprintf("each address may bind %s", frame.Count(int64(a.Bindings), "token"))
	}
	if a.SuggestBlock {
		if text != "" {
			text += "; "
		}
		text += "blocked repeatedly: a permanent block is proposed"
	}
	return text
}

// actionsOf returns the buttons of a line: lift ends it, and keep makes a rule's block permanent.
func actionsOf(r *frame.Request, a operations.AddressInfo) frame.Cell {
	label := map[string]string{"block": "Lift", "crowded": "Reset", "allow": "Remove", "": "Dismiss"}[a.Kind]
	lift := r.Button("/addresses/lift", label, a.Range, "range", a.Range, "to", r.URL.RequestURI())
	if a.Origin == "rule" && (a.Kind == "block" || a.SuggestBlock) {
		return lift.And(r.Button("/addresses/keep", "Keep", a.Range+" permanently", "range", a.Range, "to", r.URL.RequestURI()))
	}
	return lift
}

// address shows what is known about one address.
func address(r *frame.Request) (any, error) {
	s, err := frame.Do[operations.AddressName, operations.AddressStory](r, "address show", operations.AddressName{Address: r.PathValue("address")})
	if err != nil {
		return nil, err
	}
	r.Title, r.Refresh = s.Address, true
	budget := frame.Num(s.Bindings)
	if s.Bindings == 0 {
		budget = frame.Text("none: it is exempt")
	}
	facts := []frame.Item{{Term: "In lists", Value: frame.Code(s.Shown), Help: "As the setting log_addresses says."},
		{Term: "Bindings allowed", Value: budget, Help: "Tokens of one tenant in policy.address.per. Usual: " + strconv.Itoa(int(s.Usual)) + "."}}
	lines, list, refused := addressTable(r, "Address list", s.Lines), tokenTable("Tokens bound to it, the last used first", s.Tokens), refusalTable("Latest refusals", s.Refusals)
	if s.IsNetwork {
		refused.Caption = "Latest refusals of its network " + s.Shown
	}
	lines.Empty = &frame.Empty{Title: "Clear", Text: "No entry of the address list contains it, and no rule blocks it or considers it crowded."}
	list.Empty = &frame.Empty{Title: "No token is bound to it"}
	refused.Empty = &frame.Empty{Title: "No refusals in the last 7 days"}
	return struct {
		Actions []frame.Cell
		Facts   []frame.Item
		Lines   frame.Table
		Tokens  frame.Table
		Refused frame.Table
		Address string
		Shown   string
	}{[]frame.Cell{r.Ask("/addresses/block", "Block…", s.Address, "range", s.Address), r.Ask("/addresses/allow", "Allow…", s.Address, "range", s.Address)}, facts, lines, list, refused, s.Address, s.Shown}, nil
}

// durations are the choices of how long an entry lasts.
var durations = []frame.Option{{Value: "", Text: "Permanently"}, {Value: "1h", Text: "1 hour"}, {Value: "24h", Text: "1 day"}, {Value: "168h", Text: "7 days"}, {Value: "720h", Text: "30 days"}}

func rangeFields(more ...frame.Field) []frame.Field {
	fields := []frame.Field{{Name: "range", Label: "Range", Mono: true, Required: true, Placeholder: "203.0.113.0/24", Help: "An address or a prefix. An IPv6 address means its /64."},
		{Name: "for", Label: "For", Kind: "select", Options: durations}, {Name: "reason", Label: "Reason", Help: "The address list shows it to operators."}}
	return append(fields, more...)
}

var sure = frame.Field{Name: "yes", Label: "Yes: I know that the range is wide, or has trusted proxies", Kind: "checkbox"}

func blockForm(*frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Block a range", Button: "Block the range", Danger: true, Cancel: "/addresses",
		Text: []string{"All calls from the range are refused from the next call on, with the code address_blocked."}, Fields: rangeFields(sure)}, nil
}

func allowForm(*frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Allow a range", Button: "Allow the range", Cancel: "/addresses",
		Text:   []string{"Its addresses are never crowded or blocked. With a budget of its own, a script among many people is still noticed."},
		Fields: rangeFields(frame.Field{Name: "bindings", Label: "Budget of each address", Kind: "number", Help: "Tokens that it may bind in policy.address.per. Empty: no limit."}, sure)}, nil
}

func lasting(v frame.Values) (operations.Duration, error) {
	text := v.Text("for")
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second {
		return 0, frame.About("for", failure.New(failure.Invalid, "for %.40q: must be a duration such as 24h", text))
	}
	return operations.Duration(d), nil
}

func block(r *frame.Request, v frame.Values) (frame.Done, error) {
	lasts, err := lasting(v)
	if err != nil {
		return frame.Done{}, err
	}
	in := operations.RangeBlock{Range: v.Text("range"), For: lasts, Reason: v.Text("reason"), Yes: v.Get("yes") == "yes"}
	made, err := frame.Do[operations.RangeBlock, operations.AddressInfo](r, "address block", in)
	if err != nil {
		return frame.Done{}, frame.About("range", err)
	}
	return frame.Done{To: "/addresses", Flash: made.Range + " is blocked."}, nil
}

func allow(r *frame.Request, v frame.Values) (frame.Done, error) {
	lasts, err := lasting(v)
	if err != nil {
		return frame.Done{}, err
	}
	in := operations.RangeAllowance{Range: v.Text("range"), For: lasts, Reason: v.Text("reason"), Yes: v.Get("yes") == "yes"}
	if text := v.Text("bindings"); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return frame.Done{}, frame.About("bindings", failure.New(failure.Invalid, "bindings %.40q: must be a number up to 30,000", text))
		}
		in.Bindings = uint16(n)
	}
	made, err := frame.Do[operations.RangeAllowance, operations.AddressInfo](r, "address allow", in)
	if err != nil {
		return frame.Done{}, frame.About("range", err)
	}
	return frame.Done{To: "/addresses", Flash: made.Range + " is allowed."}, nil
}

func liftForm(r *frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Lift a block", Button: "Lift", Cancel: "/addresses",
		Text:   []string{"The entry of this range is removed, and the counts of its addresses are reset: blocks by the rules end."},
		Fields: []frame.Field{{Name: "range", Label: "Range", Mono: true, Required: true}, {Name: "to", Kind: "hidden", Value: r.Query("to")}}}, nil
}

func lift(r *frame.Request, v frame.Values) (frame.Done, error) {
	gone, err := frame.Do[operations.RangeName, operations.Removed](r, "address remove", operations.RangeName{Range: v.Text("range")})
	if err != nil {
		return frame.Done{}, frame.About("range", err)
	}
	return frame.Done{To: back(v), Flash: gone.Removed + " is lifted: its entry is removed, and its counts are reset."}, nil
}

func keepForm(r *frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Make a block permanent", Button: "Keep the block", Danger: true, Cancel: "/addresses",
		Text:   []string{"A rule’s block refuses only the new tokens of one tenant, and ends. The permanent one is an entry of the address list, and refuses all calls from the range."},
		Fields: []frame.Field{{Name: "range", Label: "Range", Mono: true, Required: true}, {Name: "reason", Label: "Reason"}, {Name: "to", Kind: "hidden", Value: r.Query("to")}}}, nil
}

func keep(r *frame.Request, v frame.Values) (frame.Done, error) {
	made, err := frame.Do[operations.RangeKeep, operations.AddressInfo](r, "address keep", operations.RangeKeep{Range: v.Text("range"), Reason: v.Text("reason")})
	if err != nil {
		return frame.Done{}, frame.About("range", err)
	}
	return frame.Done{To: back(v), Flash: made.Range + " is blocked permanently."}, nil
}

func back(v frame.Values) string {
	if to := v.Get("to"); to != "" {
		return to
	}
	return "/addresses"
}
