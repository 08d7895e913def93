// Package webhooks has the console's pages about webhooks and their deliveries.
package webhooks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"stile.example/stile/console/frame"
	"stile.example/stile/events"
	"stile.example/stile/operations"
	"stile.example/stile/operations/webhooks"
)

const section = "webhooks"

// Add adds the pages to a frame.
func Add(f *frame.Frame) {
	f.Page(frame.Page{Path: "/webhooks", Section: section, Role: operations.Viewer, Title: "Webhooks", Template: listTemplate, Data: list})
	f.Page(frame.Page{Path: "/webhooks/{id}", Section: section, Role: operations.Viewer, Template: oneTemplate, Data: one})
	f.Page(frame.Page{Path: "/webhooks/{id}/deliveries/{delivery}", Section: section, Role: operations.Viewer, Template: deliveryTemplate, Data: delivery})
	for _, form := range forms() {
		form.Section, form.Role = section, operations.Operator
		f.Form(form)
	}
}

const listTemplate = `<div class="head"><h1>Webhooks</h1>{{if .May "webhook add"}}<a class="button primary" href="/webhooks/add" data-dialog>Add a webhook</a>{{end}}</div>
<p class="quiet">A webhook is a URL to which the server sends events, signed, and repeated for 24 h until the receiver responds with 2xx.</p>
{{template "table" .Data.Table}}
<section aria-labelledby="what"><h2 id="what">What a receiver gets</h2>
{{template "snippet" .Data.Request}}</section>
<section aria-labelledby="events"><h2 id="events">Events</h2>
{{template "table" .Data.Events}}</section>`

type listView struct {
	Table   frame.Table
	Request frame.Snippet
	Events  frame.Table
}

func list(r *frame.Request) (any, error) {
	all, err := frame.Do[webhooks.None, []webhooks.View](r, "webhook list", webhooks.None{})
	if err != nil {
		return nil, err
	}
	t := frame.Table{Caption: "Webhooks", Quiet: true, Columns: frame.Columns("URL", "Status", "Events", "Tenant", "Last delivery", "#Waiting")}
	t.Columns[0].Wide = true
	for _, w := range all {
		t.Rows = append(t.Rows, frame.Row{Muted: w.Status == "disabled", Cells: []frame.Cell{
			frame.Text(w.URL).Link(frame.Path("webhooks", w.ID)), statusBadge(w), frame.Text(eventList(w.Events)),
			orAll(w.Tenant), timeOf(w.SucceededAt), frame.Num(w.Waiting)}})
	}
	t.Empty = &frame.Empty{Title: "No webhooks yet", Text: "Be informed when a quota is nearly used up, an import fails, an issuer is unreachable, or an address should be blocked permanently.",
		Code: "stile webhook add https://ops.example/stile --event tenant.quota"}
	if r.May("webhook add") {
		t.Empty.Action, t.Empty.Href = "Add a webhook", "/webhooks/add"
	}
	request, err := exampleRequest()
	return listView{t, request, kindTable()}, err
}

// exampleRequest returns a request as a receiver gets it.
func exampleRequest() (frame.Snippet, error) {
	e := events.Kinds()[0].Event()
	body, err := e.Body()
	if err != nil {
		return frame.Snippet{}, err
	}
	head := fmt.Sprintf("POST /stile HTTP/1.1\nContent-Type: application/json\nWebhook-Id: evt_2f7k4m9q1v8xa3c5t6w7y8z9b0\nWebhook-Timestamp: %d\nWebhook-Signature: v1,Xt3p20xl+QSflxzHxxn0ewAiyM9oCKKch0368IqhbVs=\n\n", e.At.Unix())
	return frame.Snippet{Label: "Example: " + string(e.Type), Code: head + indented(body)}, nil
}

// indented returns JSON for people. JSON that can't be read is returned as it is.
func indented(body []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return string(body)
	}
	return b.String()
}

func kindTable() frame.Table {
	t := frame.Table{Caption: "Events", Quiet: true, Columns: frame.Columns("Event", "When")}
	for _, k := range events.Kinds() {
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Code(string(k.Type)), frame.Text(sentence(k.Summary))}})
	}
	return t
}

// sentence makes a summary a sentence.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

func statusBadge(w webhooks.View) frame.Cell {
	tone := map[string]string{"active": "good", "failing": "bad", "disabled": "muted"}[w.Status]
	return frame.Badge(tone, w.Status).Hint(w.Reason)
}

func eventList(list []events.Type) string {
	if len(list) == 0 {
		return "all"
	}
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = string(t)
	}
	return strings.Join(texts, ", ")
}

func orAll(tenant string) frame.Cell {
	if tenant == "" {
		return frame.Text("all")
	}
	return frame.Code(tenant).Link(frame.Path("tenants", tenant))
}
