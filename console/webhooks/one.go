package webhooks

import (
	"fmt"
	"strconv"
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/events"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/webhooks"
	domain "stile.example/stile/webhooks"
)

const oneTemplate = `<div class="head"><h1>{{.Data.URL}}</h1>{{template "actions" .Data.Actions}}</div>
{{with .Data.Alert}}<div class="alert bad" role="status">{{.}}</div>{{end}}
{{template "items" .Data.Items}}
<section aria-labelledby="deliveries"><h2 id="deliveries">Deliveries</h2>
{{template "filter" .Data.Filter}}
{{template "table" .Data.Table}}</section>`

// pageRows is how many deliveries a page shows: a page has at most 60 kB.
const pageRows = 25

type oneView struct {
	URL     string
	Alert   string
	Actions []frame.Cell
	Items   []frame.Item
	Filter  frame.Filter
	Table   frame.Table
}

func one(r *frame.Request) (any, error) {
	w, err := find(r)
	if err != nil {
		return nil, err
	}
	r.Title, r.Refresh = w.URL, false
	v := oneView{URL: w.URL, Alert: alert(w), Actions: actions(r, w), Items: items(w)}
	q := webhooks.Query{Webhook: w.ID, State: domain.State(r.Query("state")), Event: events.Type(r.Query("event")), After: number(r.Query("after")), Limit: pageRows}
	page, err := frame.Do[webhooks.Query, webhooks.Page](r, "webhook deliveries", q)
	if err != nil {
		return nil, err
	}
	v.Filter = r.Filter(
		frame.Field{Name: "state", Label: "State", Kind: "select", Options: options("any", "waiting", "delivered", "failed")},
		frame.Field{Name: "event", Label: "Event", Kind: "select", Options: eventOptions()})
	v.Table = deliveryTable(r, w, page)
	return v, nil
}

func find(r *frame.Request) (webhooks.View, error) {
	return frame.Do[webhooks.Name, webhooks.View](r, "webhook show", webhooks.Name{ID: r.PathValue("id")})
}

// number returns a number of the URL, 0 if it is not one: the page then begins with the newest.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func options(any string, values ...string) []frame.Option {
	list := []frame.Option{{Value: "", Text: any}}
	for _, v := range values {
		list = append(list, frame.Option{Value: v, Text: v})
	}
	return list
}

func eventOptions() []frame.Option {
	names := []string{}
	for _, k := range events.Kinds() {
		names = append(names, string(k.Type))
	}
	return options("any", append(names, string(events.WebhookTest))...)
}

// alert says what an operator must know: the webhook is disabled, or its receiver does not respond.
func alert(w webhooks.View) string {
	switch {
	case w.Status == "disabled":
		return "This webhook is disabled (" + w.Reason + "). It gets no events, except tests. Those that wait are sent if it is enabled within 24 h."
	case w.FailingSince != nil:
		return fmt.Sprintf("All requests have failed since %s. Each event is tried for 24 h. The deliveries below say why.", w.FailingSince.Format("2006-01-02 15:04 UTC"))
	case w.Dropped > 0:
		return fmt.Sprintf("%s events were not queued, because too many waited.", frame.Number(w.Dropped))
	}
	return ""
}

func actions(r *frame.Request, w webhooks.View) []frame.Cell {
	path := func(verb string) string { return frame.Path("webhooks", w.ID, verb) }
	toggle := r.Button(path("status"), "Disable", w.URL, "enabled", "no")
	if w.Status == "disabled" {
		toggle = r.Button(path("status"), "Enable", w.URL, "enabled", "yes")
	}
	return []frame.Cell{
		r.Button(path("test"), "Send a test", w.URL), r.Ask(path("set"), "Change…", w.URL), r.Ask(path("rotate-secret"), "New secret…", w.URL),
		r.Ask(path("replay-failed"), "Replay failed…", w.URL), toggle, r.Ask(path("remove"), "Remove…", w.URL),
	}
}

func items(w webhooks.View) []frame.Item {
	list := []frame.Item{
		{Term: "ID", Value: frame.Code(w.ID)},
		{Term: "Status", Value: statusBadge(w)},
		{Term: "Events", Value: frame.Text(eventList(w.Events))},
		{Term: "Tenant", Value: orAll(w.Tenant)},
		{Term: "Last delivery", Value: timeOf(w.SucceededAt)},
		{Term: "Waiting", Value: frame.Num(w.Waiting)},
		{Term: "Created", Value: frame.Time(w.CreatedAt)},
	}
	if w.OldSecretUntil != nil {
		list = append(list, frame.Item{Term: "Old secret until", Value: frame.Text(w.OldSecretUntil.Format("2006-01-02 15:04 UTC")), Help: "Until then, each request has a signature by each of the two secrets."})
	}
	return list
}

func timeOf(t *time.Time) frame.Cell {
	if t == nil {
		return frame.None()
	}
	return frame.Time(*t)
}

func deliveryTable(r *frame.Request, w webhooks.View, page webhooks.Page) frame.Table {
	t := frame.Table{Caption: "Deliveries", Quiet: true, Columns: frame.Columns("Event", "State", "Created", "#Tries", "#Response", "Result", "-Action")}
	t.Columns[0].Wide = true
	for _, d := range page.Deliveries {
		response, result := frame.None(), frame.None()
		if len(d.Tries) > 0 {
			var took frame.Cell
			response, took, result = tryCells(d.Tries[0])
			response.Text += " in " + took.Text
		}
		path := frame.Path("webhooks", w.ID, "deliveries", strconv.FormatInt(d.ID, 10))
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{
			frame.Code(string(d.Type)).Link(path), stateCell(d), frame.Time(d.CreatedAt), frame.Num(d.Attempts), response, result, replayButton(r, w, d)}})
	}
	t.Empty = &frame.Empty{Title: "No deliveries", Text: "Each event that is sent to this webhook is listed here, with the response. “Send a test” sends one now."}
	after := ""
	if page.Next != 0 {
		after = strconv.FormatInt(page.Next, 10)
	}
	r.Older(&t, after)
	return t
}

// tryCells returns the status, the duration and the result of a try.
func tryCells(t webhooks.Try) (status, took, result frame.Cell) {
	status = frame.Text("no response")
	if t.Status != 0 {
		status = frame.Text(strconv.Itoa(t.Status))
	}
	result = frame.Text(t.Response)
	if t.Error != "" {
		result = frame.Text(t.Error).Hint(t.Response)
	} else if t.Response == "" {
		result = frame.None()
	}
	return status, frame.Amount(duration(t.Millis)), result
}

// duration writes milliseconds for people.
func duration(ms int64) string {
	if ms < 1000 {
		return strconv.FormatInt(ms, 10) + " ms"
	}
	return strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64) + " s"
}

func stateBadge(d webhooks.Delivery) frame.Cell {
	tone := map[domain.State]string{domain.Waiting: "info", domain.Delivered: "good", domain.Failed: "bad"}[d.State]
	return frame.Badge(tone, string(d.State))
}

// stateCell returns the state and, of a delivery that was tried, when it is tried again.
func stateCell(d webhooks.Delivery) frame.Cell {
	if d.NextTry == nil || d.Attempts == 0 {
		return stateBadge(d)
	}
	return stateBadge(d).And(frame.Text("again"), frame.Time(*d.NextTry))
}

// replayButton returns a button that sends an event again, unless it waits anyway.
func replayButton(r *frame.Request, w webhooks.View, d webhooks.Delivery) frame.Cell {
	if d.State == domain.Waiting || w.Status == "disabled" {
		return frame.Cell{}
	}
	id := strconv.FormatInt(d.ID, 10)
	return r.Button(frame.Path("webhooks", w.ID, "replay"), "Replay", string(d.Type)+" "+id, "delivery", id)
}

const deliveryTemplate = `<div class="head"><h1>{{.Data.Title}}</h1><div class="actions">{{template "cell" .Data.Replay}}</div></div>
{{template "items" .Data.Items}}
<section aria-labelledby="tries"><h2 id="tries">Tries</h2>{{template "table" .Data.Tries}}</section>
<section aria-labelledby="body"><h2 id="body">Body</h2>{{template "snippet" .Data.Body}}</section>`

type deliveryView struct {
	Title  string
	Replay frame.Cell
	Items  []frame.Item
	Tries  frame.Table
	Body   frame.Snippet
}

func delivery(r *frame.Request) (any, error) {
	w, err := find(r)
	if err != nil {
		return nil, err
	}
	id := number(r.PathValue("delivery"))
	page, err := frame.Do[webhooks.Query, webhooks.Page](r, "webhook deliveries", webhooks.Query{Webhook: w.ID, ID: max(id, 1)})
	if err != nil {
		return nil, err
	}
	if id == 0 || len(page.Deliveries) == 0 {
		return nil, failure.New(failure.NotFound, "the webhook has no delivery of that number; it may be older than 30 days")
	}
	d := page.Deliveries[0]
	r.Title = fmt.Sprintf("Delivery %d", d.ID)
	r.Crumb(w.URL, frame.Path("webhooks", w.ID))
	v := deliveryView{Title: r.Title, Replay: replayButton(r, w, d), Body: frame.Snippet{Label: "Body", Code: indented(d.Body)}}
	v.Items = []frame.Item{
		{Term: "Event", Value: frame.Code(string(d.Type))}, {Term: "Webhook-Id", Value: frame.Code(d.Event), Help: "A receiver that gets the same one twice must ignore the second."},
		{Term: "State", Value: stateBadge(d)}, {Term: "Created", Value: frame.Time(d.CreatedAt)}, {Term: "Next try", Value: timeOf(d.NextTry)}, {Term: "Tries", Value: frame.Num(d.Attempts)},
	}
	if d.ReplayOf != 0 {
		of := strconv.FormatInt(d.ReplayOf, 10)
		v.Items = append(v.Items, frame.Item{Term: "Replay of", Value: frame.Text("delivery " + of).Link(frame.Path("webhooks", w.ID, "deliveries", of))})
	}
	v.Tries = frame.Table{Caption: "Tries, the newest first", Quiet: true, Columns: frame.Columns("Time", "Status", "#Took", "Result", "Response"),
		Empty: &frame.Empty{Title: "Not tried yet"}}
	for _, t := range d.Tries {
		status, took, _ := tryCells(t)
		v.Tries.Rows = append(v.Tries.Rows, frame.Row{Cells: []frame.Cell{frame.Time(t.At), status, took, orDash(t.Error, "succeeded"), orDash(t.Response, "")}})
	}
	return v, nil
}

func orDash(text, otherwise string) frame.Cell {
	if text == "" {
		text = otherwise
	}
	if text == "" {
		return frame.None()
	}
	return frame.Text(text)
}
