package policypages

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"stile.example/stile/console/chart"
	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// runner runs comparisons in the background, one at a time, and keeps the last ones.
type runner struct {
	mu    sync.Mutex
	count int
	runs  []*run // the newest first
}

const (
	maxRuns = 10               // that are kept
	longest = 10 * time.Minute // of a comparison
)

// run is a comparison.
type run struct {
	ID     string
	Change change
	By     string
	Began  time.Time

	cancel context.CancelFunc
	// Guarded by the runner's mu.
	Done    []comparison
	Of      int // groups
	Running bool
	Stopped bool
	Err     error
}

// change is the input of the operation policy compare.
type change struct {
	Tenant string            `json:"tenant,omitempty"`
	Policy map[string]string `json:"policy"`
	Groups []string          `json:"groups,omitempty"`
}

// Name and Value return the one setting of a change.
func (ch change) Name() string {
	for name := range ch.Policy {
		return name
	}
	return ""
}

// Value returns its value.
func (ch change) Value() string { return ch.Policy[ch.Name()] }

// comparison is what a change does to a group.
type comparison struct {
	Group    string  `json:"group"`
	What     string  `json:"what"`
	Scrapers bool    `json:"scrapers"`
	Before   outcome `json:"before"`
	After    outcome `json:"after"`
}

// outcome is what the rules do to a group.
type outcome struct {
	Agents     int     `json:"agents"`
	Work       float64 `json:"work_a_day"`
	SawPicture float64 `json:"saw_picture"`
	Blocked    int     `json:"blocked"`
	CPU        float64 `json:"cpu_seconds"`
	Day        float64 `json:"corpus_day"`
}

// groupNames are the groups of the simulation that a comparison shows, the quick ones first.
var groupNames = []string{"class", "one", "fifty", "five-hundred", "tokens", "work", "pictures", "network", "office", "phones", "home"}

func compareForm(r *frame.Request) (frame.FormView, error) {
	all, err := readPolicy(r, r.Query("tenant"))
	if err != nil {
		return frame.FormView{}, err
	}
	tenant, err := r.TenantField("Compare with the policy of", "All tenants")
	if err != nil {
		return frame.FormView{}, err
	}
	which := frame.Field{Name: "name", Label: "Setting", Kind: "select", Required: true, Options: []frame.Option{{Value: "", Text: "Choose…"}}}
	value := frame.Field{Name: "value", Label: "New value", Mono: true, Required: true}
	view := frame.FormView{Title: "What would change?", Button: "Compare", Cancel: "/policy",
		Text: []string{"The comparison runs simulated people and scrapers through the rules, with the policy in use and with the change. Nothing is applied. It takes about a minute."}}
	for _, s := range all {
		if !isSimulated(s.Name) {
			continue
		}
		which.Options = append(which.Options, frame.Option{Value: s.Name, Text: s.Name})
		if s.Name == r.Query("name") {
			value.Value, value.Help = s.Value, "Now "+s.Value+". Allowed: "+s.Allowed+"."
			view.Text = append([]string{s.Doc}, view.Text...)
		}
	}
	view.Fields = []frame.Field{which, value, tenant}
	return view, nil
}

// compare starts a comparison.
func (runs *runner) compare(r *frame.Request, v frame.Values) (frame.Done, error) {
	name, value := v.Text("name"), v.Text("value")
	if name == "" {
		return frame.Done{}, frame.About("name", failure.New(failure.Invalid, "choose a setting"))
	}
	ch := change{Tenant: v.Text("tenant"), Policy: map[string]string{name: value}, Groups: groupNames[:1]}
	// The first group takes some milliseconds, and says whether the value is valid.
	first, err := frame.Do[change, []comparison](r, "policy compare", ch)
	if err != nil {
		return frame.Done{}, frame.About("value", err)
	}
	started, err := runs.start(r, ch, first)
	if err != nil {
		return frame.Done{}, err
	}
	return frame.Done{To: frame.Path("policy", "runs", started.ID)}, nil
}

// start runs the other groups in the background.
func (runs *runner) start(r *frame.Request, ch change, first []comparison) (*run, error) {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	if len(runs.runs) > 0 && runs.runs[0].Running {
		return nil, failure.New(failure.Conflict, "a comparison of %s is running, by %s; wait for it, or stop it on its page", runs.runs[0].Change.Name(), runs.runs[0].By)
	}
	runs.count++
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), longest)
	started := &run{ID: strconv.Itoa(runs.count), Change: ch, By: r.Caller.Name, Began: r.Now(), cancel: cancel, Done: first, Of: len(groupNames), Running: true}
	runs.runs = append([]*run{started}, runs.runs...)
	runs.runs = runs.runs[:min(len(runs.runs), maxRuns)]
	go runs.finish(r.In(ctx), started, groupNames[1:])
	return started, nil
}

// finish compares groups one after the other, so that a comparison uses one processor at most.
func (runs *runner) finish(r *frame.Request, one *run, names []string) {
	defer one.cancel()
	var err error
	for _, name := range names {
		ch := one.Change
		ch.Groups = []string{name}
		var list []comparison
		if list, err = frame.Do[change, []comparison](r, "policy compare", ch); err != nil {
			break
		}
		runs.mu.Lock()
		one.Done = append(one.Done, list...)
		runs.mu.Unlock()
	}
	runs.mu.Lock()
	one.Running = false
	if !one.Stopped {
		one.Err = err
	}
	runs.mu.Unlock()
}

// find returns a copy of a run.
func (runs *runner) find(id string) (*run, bool) {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	i := slices.IndexFunc(runs.runs, func(one *run) bool { return one.ID == id })
	if i < 0 {
		return nil, false
	}
	found := *runs.runs[i]
	found.Done = slices.Clone(found.Done)
	return &found, true
}

// last returns a copy of the newest run, nil if there is none.
func (runs *runner) last() *run {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	if len(runs.runs) == 0 {
		return nil
	}
	found := *runs.runs[0]
	return &found
}

// mayStop reports whether the caller may stop a comparison: whoever has started it may, and so may
// operators and owners.
func mayStop(r *frame.Request, one *run) bool {
	return one.By == r.Caller.Name || r.Caller.Role.Includes(operations.Operator)
}

func (runs *runner) stopForm(r *frame.Request) (frame.FormView, error) {
	if one, ok := runs.find(r.PathValue("id")); ok && !mayStop(r, one) {
		return frame.FormView{}, errNotYours(one)
	}
	return frame.FormView{Title: "Stop the comparison?", Button: "Stop", Cancel: frame.Path("policy", "runs", r.PathValue("id")), Text: []string{"What was compared so far stays on the page."}}, nil
}

func (runs *runner) stop(r *frame.Request, _ frame.Values) (frame.Done, error) {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	for _, one := range runs.runs {
		if one.ID == r.PathValue("id") && one.Running {
			if !mayStop(r, one) {
				return frame.Done{}, errNotYours(one)
			}
			one.Stopped = true
			one.cancel()
		}
	}
	return frame.Done{To: frame.Path("policy", "runs", r.PathValue("id")), Flash: "The comparison is stopped."}, nil
}

func errNotYours(one *run) error {
	return failure.New(failure.Forbidden, "%s has started this comparison; only %s, an operator or an owner can stop it", one.By, one.By)
}

// runPage is what the template of a comparison shows.
type runPage struct {
	*run
	Share    float64
	Current  string // the group that is simulated now
	People   frame.Table
	Scrapers frame.Table
	Pictures frame.Drawing
	Corpus   frame.Drawing
	Verdict  []string
	YAML     string
	Apply    frame.Cell
	Stop     frame.Cell
}

func (runs *runner) showRun(r *frame.Request) (any, error) {
	one, ok := runs.find(r.PathValue("id"))
	if !ok {
		return nil, failure.New(failure.NotFound, "the comparison is not kept any more; the server keeps the last %d until it stops", maxRuns)
	}
	r.Title, r.Refresh = one.Change.Name()+" = "+one.Change.Value(), one.Running
	p := runPage{run: one, Share: float64(len(one.Done)) / float64(one.Of), YAML: yaml(one.Change.Name(), one.Change.Value())}
	if mayStop(r, one) {
		p.Stop = r.Ask(frame.Path("policy", "runs", one.ID, "stop"), "Stop…", "")
	}
	if one.Running && len(one.Done) < len(groupNames) {
		p.Current = groupNames[len(one.Done)]
	}
	p.People, p.Scrapers = peopleTable(one.Done), scrapersTable(one.Done)
	p.Pictures = bars("People who saw a picture", one.Done, false, func(o outcome) float64 { return o.SawPicture })
	p.Corpus = bars("Part of the corpus that a scraper gets in a day", one.Done, true, func(o outcome) float64 { return o.Day })
	p.Verdict = verdict(one.Done)
	all, err := readPolicy(r, "")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(s setting) bool { return s.Name == one.Change.Name() })
	if i >= 0 && all[i].Tenant {
		pairs := []string{"name", one.Change.Name(), "value", one.Change.Value()}
		if p.Apply = r.Ask("/policy/apply", "Apply to a tenant…", "", pairs...); one.Change.Tenant != "" {
			p.Apply = r.Button("/policy/apply", "Apply to "+one.Change.Tenant, "", append(pairs, "tenant", one.Change.Tenant)...)
		}
	}
	return p, nil
}

// pair returns a cell with a figure before and after, if it differs.
func pair(before, after string) frame.Cell {
	if before == after {
		return frame.Amount(before)
	}
	return frame.Amount(before + " → " + after).Strong()
}

func peopleTable(done []comparison) frame.Table {
	t := frame.Table{Caption: "People", Columns: frame.Columns("Group", "Who", "#Work challenges of one in a day", "#Saw a picture", "#Met a block")}
	t.Columns[1].Wide = true
	for _, c := range done {
		if !c.Scrapers {
			t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Code(c.Group), frame.Text(c.What), pair(decimal(c.Before.Work), decimal(c.After.Work)),
				pair(share(c.Before.SawPicture), share(c.After.SawPicture)), pair(frame.Number(int64(c.Before.Blocked)), frame.Number(int64(c.After.Blocked)))}})
		}
	}
	return t
}

func scrapersTable(done []comparison) frame.Table {
	t := frame.Table{Caption: "Scrapers", Columns: frame.Columns("Group", "Who", "#Corpus a day", "#Met a block", "#Processor time")}
	t.Columns[1].Wide = true
	for _, c := range done {
		if c.Scrapers {
			t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Code(c.Group), frame.Text(c.What), pair(share(c.Before.Day), share(c.After.Day)),
				pair(frame.Number(int64(c.Before.Blocked)), frame.Number(int64(c.After.Blocked))), pair(decimal(c.Before.CPU)+" s", decimal(c.After.CPU)+" s")}})
		}
	}
	return t
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

func share(v float64) string { return strconv.FormatFloat(100*v, 'f', 2, 64) + " %" }

// bars returns a chart of a share before and after, of people or of scrapers.
func bars(title string, done []comparison, scrapers bool, of func(outcome) float64) frame.Drawing {
	c := chart.Bars{Title: title, Of: "Group", Names: []string{"Now", "With the change"}, Unit: chart.Share}
	for _, one := range done {
		if one.Scrapers == scrapers {
			c.Rows = append(c.Rows, chart.Bar{Label: one.Group, Title: one.What, Values: []float64{of(one.Before), of(one.After)}})
		}
	}
	return c
}

// verdict says in sentences what a change does.
func verdict(done []comparison) (lines []string) {
	var worse, better, more, less []string
	for _, c := range done {
		b, a := c.Before, c.After
		switch {
		case c.Scrapers && a.Day > b.Day*1.02+0.0001:
			more = append(more, c.Group)
		case c.Scrapers && a.Day < b.Day*0.98-0.0001:
			less = append(less, c.Group)
		case !c.Scrapers && (a.Blocked > b.Blocked || a.SawPicture > b.SawPicture || a.Work > b.Work*1.02+0.005):
			worse = append(worse, c.Group)
		case !c.Scrapers && (a.Blocked < b.Blocked || a.SawPicture < b.SawPicture || a.Work < b.Work*0.98-0.005):
			better = append(better, c.Group)
		}
	}
	add := func(groups []string, text string) {
		if len(groups) > 0 {
			lines = append(lines, fmt.Sprintf(text, strings.Join(groups, ", ")))
		}
	}
	add(worse, "People meet more challenges, pictures or blocks: %s.")
	add(better, "People meet fewer challenges, pictures or blocks: %s.")
	add(more, "Scrapers get more of the corpus: %s.")
	add(less, "Scrapers get less of the corpus: %s.")
	return lines
}

// yaml returns the lines of a settings file that set a setting.
func yaml(name, value string) string {
	var b strings.Builder
	parts := strings.Split(name, ".")
	for i, part := range parts {
		b.WriteString(strings.Repeat("  ", i) + part + ":")
		if i < len(parts)-1 {
			b.WriteByte('\n')
		}
	}
	switch {
	case strings.Contains(value, ",") || name == "policy.observe" || name == "policy.challenge.ladder" || name == "policy.address.block" || name == "callbacks":
		b.WriteString(" [" + value + "]")
	default:
		b.WriteString(" " + value)
	}
	return b.String() + "\n"
}

func applyForm(r *frame.Request) (frame.FormView, error) {
	tenant, err := r.TenantField("Tenant", "Choose…")
	tenant.Required, tenant.Help = true, ""
	name, value := r.FormValue("name"), r.FormValue("value")
	return frame.FormView{Title: "Apply to a tenant", Button: "Apply", Cancel: "/policy", Text: []string{name + " = " + value},
		Fields: []frame.Field{tenant, {Name: "name", Kind: "hidden", Value: name}, {Name: "value", Kind: "hidden", Value: value}}}, err
}

func apply(r *frame.Request, v frame.Values) (frame.Done, error) {
	tenant := v.Text("tenant")
	if tenant == "" {
		return frame.Done{}, frame.About("tenant", failure.New(failure.Invalid, "choose a tenant"))
	}
	type setting struct {
		ClientID string            `json:"client_id"`
		Policy   map[string]string `json:"policy"`
	}
	if _, err := frame.Do[setting, struct{}](r, "tenant set", setting{tenant, map[string]string{v.Text("name"): v.Text("value")}}); err != nil {
		return frame.Done{}, err
	}
	return frame.Done{To: frame.Path("tenants", tenant), Flash: fmt.Sprintf("%s has %s = %s now.", tenant, v.Text("name"), v.Text("value"))}, nil
}
