package webhooks

import (
	"errors"
	"fmt"
	"strings"

	"stile.example/stile/console/frame"
	"stile.example/stile/events"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/webhooks"
)

func forms() []frame.Form {
	return []frame.Form{
		{Path: "/webhooks/add", Show: showAdd, Do: add, Result: secretTemplate},
		{Path: "/webhooks/{id}/set", Show: showSet, Do: set},
		{Path: "/webhooks/{id}/rotate-secret", Show: showRotate, Do: rotate, Result: secretTemplate},
		{Path: "/webhooks/{id}/status", Show: showStatus, Do: setStatus},
		{Path: "/webhooks/{id}/test", Show: showTest, Do: test},
		{Path: "/webhooks/{id}/replay", Show: showReplay, Do: replay},
		{Path: "/webhooks/{id}/replay-failed", Show: showReplayFailed, Do: replayFailed},
		{Path: "/webhooks/{id}/remove", Show: showRemove, Do: remove},
	}
}

const secretTemplate = `<h1>Secret of {{.Data.URL}}</h1>
<div class="alert warn" role="status">Copy the secret now: it can't be shown again.</div>
{{template "snippet" (code "Secret" .Data.Secret)}}
<p>The receiver checks each request with it, as <a href="https://www.standardwebhooks.com/" rel="noreferrer">Standard Webhooks</a> says. There are libraries for most languages.
{{- if .Data.OldSecretUntil}} Until {{utc .Data.OldSecretUntil}}, each request has a signature by the old secret too.{{end}}</p>
<p><a class="button primary" href="{{path "webhooks" .Data.ID}}">To the webhook</a></p>`

func fields(r *frame.Request, url string, chosen []events.Type, tenant string) ([]frame.Field, error) {
	about, err := r.TenantField("About", "all tenants")
	if err != nil {
		return nil, err
	}
	about.Value, about.Help = tenant, strings.TrimSpace(about.Help+" A webhook for one tenant gets only events about that tenant.")
	list := []frame.Field{
		{Name: "url", Label: "URL", Kind: "url", Value: url, Required: true, Mono: true, Placeholder: "https://ops.example/stile", Help: "Must begin with https:// and lead to a public address."},
		about,
	}
	for _, k := range events.Kinds() {
		f := frame.Field{Name: field(k.Type), Label: string(k.Type), Kind: "checkbox", Help: sentence(k.Summary)}
		for _, t := range chosen {
			if t == k.Type {
				f.Value = "yes"
			}
		}
		list = append(list, f)
	}
	return list, nil
}

func field(t events.Type) string { return "event-" + string(t) }

const noneIsAll = "Without a choice of events, all are sent."

func chosen(v frame.Values) (list []events.Type) {
	for _, k := range events.Kinds() {
		if v.Get(field(k.Type)) == "yes" {
			list = append(list, k.Type)
		}
	}
	return list
}

func showAdd(r *frame.Request) (frame.FormView, error) {
	list, err := fields(r, "", nil, "")
	return frame.FormView{Title: "Add a webhook", Text: []string{noneIsAll}, Fields: list, Button: "Add the webhook", Cancel: "/webhooks"}, err
}

func add(r *frame.Request, v frame.Values) (frame.Done, error) {
	made, err := frame.Do[webhooks.Addition, webhooks.Created](r, "webhook add", webhooks.Addition{URL: v.Text("url"), Events: chosen(v), Tenant: v.Text("tenant")})
	if err != nil {
		return frame.Done{}, aboutURL(err)
	}
	return shownOnce(made, "Secret of a webhook"), nil
}

// shownOnce returns the page with the secret of a webhook.
func shownOnce(made webhooks.Created, title string) frame.Done {
	return frame.Done{Data: made, Title: title, To: frame.Path("webhooks", made.ID),
		Again: frame.Crumb{Text: "Create a new secret", Href: frame.Path("webhooks", made.ID, "rotate-secret")}}
}

// aboutURL shows an invalid input at the field of the URL, the only one that is typed.
func aboutURL(err error) error {
	if failure.KindOf(err) == failure.Invalid {
		return frame.About("url", err)
	}
	return err
}

func pageOf(r *frame.Request) string { return frame.Path("webhooks", r.PathValue("id")) }

// showOf returns a form about one webhook.
func showOf(r *frame.Request, title, button string, danger bool, text ...string) (frame.FormView, error) {
	w, err := find(r)
	if err != nil {
		return frame.FormView{}, err
	}
	return viewOf(r, w, title, button, danger, text...), nil
}

// viewOf is showOf for a webhook that was read.
func viewOf(r *frame.Request, w webhooks.View, title, button string, danger bool, text ...string) frame.FormView {
	r.Crumb(w.URL, pageOf(r))
	return frame.FormView{Title: title, Text: append([]string{w.URL}, text...), Button: button, Danger: danger, Cancel: pageOf(r)}
}

func showSet(r *frame.Request) (frame.FormView, error) {
	w, err := find(r)
	if err != nil {
		return frame.FormView{}, err
	}
	list, err := fields(r, "", w.Events, w.Tenant)
	if err != nil {
		return frame.FormView{}, err
	}
	list[0].Required, list[0].Placeholder = false, w.URL
	list[0].Help = "Empty: it stays as it is. Its query is not shown, because it may contain a secret."
	r.Crumb(w.URL, pageOf(r))
	seen, err := frame.Seen(r, "webhook set", webhooks.Change{ID: r.PathValue("id")})
	return frame.FormView{Title: "Change the webhook", Text: []string{noneIsAll}, Fields: append(list, seen), Button: "Save", Cancel: pageOf(r)}, err
}

func set(r *frame.Request, v frame.Values) (frame.Done, error) {
	list, tenant, url := chosen(v), v.Text("tenant"), v.Text("url")
	ch := webhooks.Change{ID: r.PathValue("id"), Events: &list, Tenant: &tenant}
	if url != "" {
		ch.URL = &url
	}
	_, err := frame.DoSeen[webhooks.Change, webhooks.View](r, v, "webhook set", ch)
	return frame.Done{To: pageOf(r), Flash: "The webhook was changed."}, aboutURL(err)
}

var overlaps = map[string]int64{"0": 0, "24h": 24 * 3600, "7d": 7 * 24 * 3600}

func showRotate(r *frame.Request) (frame.FormView, error) {
	v, err := showOf(r, "New secret", "Create a new secret", false)
	v.Fields = []frame.Field{{Name: "overlap", Label: "Old secret", Kind: "select", Value: "24h", Help: "Meanwhile each request has two signatures.",
		Options: []frame.Option{{Value: "24h", Text: "signs for 24 h more"}, {Value: "7d", Text: "signs for 7 days more"}, {Value: "0", Text: "is invalid immediately"}}}}
	return v, err
}

func rotate(r *frame.Request, v frame.Values) (frame.Done, error) {
	overlap, ok := overlaps[v.Text("overlap")]
	if !ok {
		return frame.Done{}, frame.About("overlap", failure.Of(failure.Invalid, errors.New("overlap: must be 24h, 7d or 0")))
	}
	made, err := frame.Do[webhooks.Rotation, webhooks.Created](r, "webhook rotate-secret", webhooks.Rotation{ID: r.PathValue("id"), Overlap: overlap})
	if err != nil {
		return frame.Done{}, err
	}
	return shownOnce(made, "New secret of a webhook"), nil
}

func showStatus(r *frame.Request) (frame.FormView, error) {
	v, err := showOf(r, "Enable or disable the webhook", "Save", false, "A disabled webhook gets no events, except tests. Those that wait are sent if it is enabled within 24 h.")
	v.Fields = []frame.Field{{Name: "enabled", Label: "State", Kind: "select", Options: []frame.Option{{Value: "yes", Text: "enabled"}, {Value: "no", Text: "disabled"}}}}
	return v, err
}

func setStatus(r *frame.Request, v frame.Values) (frame.Done, error) {
	on := v.Text("enabled") == "yes"
	_, err := frame.Do[webhooks.Change, webhooks.View](r, "webhook set", webhooks.Change{ID: r.PathValue("id"), Enabled: &on})
	done := frame.Done{To: pageOf(r), Flash: "The webhook is disabled."}
	if on {
		done.Flash = "The webhook is enabled."
	}
	return done, err
}

func showTest(r *frame.Request) (frame.FormView, error) {
	w, err := find(r)
	if err != nil {
		return frame.FormView{}, err
	}
	text := "A webhook.test event is sent now, once."
	if w.Status == "disabled" {
		text += " The webhook is disabled; the test is sent anyway."
	}
	return viewOf(r, w, "Send a test", "Send a test event", false, text), nil
}

func test(r *frame.Request, _ frame.Values) (frame.Done, error) {
	d, err := frame.Do[webhooks.Name, webhooks.Delivery](r, "webhook test", webhooks.Name{ID: r.PathValue("id")})
	if err != nil {
		return frame.Done{}, err
	}
	try := d.Tries[0]
	done := frame.Done{To: frame.Path("webhooks", d.Webhook, "deliveries", fmt.Sprint(d.ID)), Flash: fmt.Sprintf("The receiver responded with %d within %d ms.", try.Status, try.Millis)}
	if try.Error != "" {
		done.Flash = "The test failed: " + try.Error + "."
	}
	return done, nil
}

func showReplay(r *frame.Request) (frame.FormView, error) {
	v, err := showOf(r, "Replay a delivery", "Send it again", false, "The event is sent again, with the same Webhook-Id.")
	v.Fields = []frame.Field{{Name: "delivery", Label: "Number of the delivery", Kind: "number", Required: true}}
	return v, err
}

func replay(r *frame.Request, v frame.Values) (frame.Done, error) {
	id := number(v.Text("delivery"))
	if id == 0 {
		return frame.Done{}, frame.About("delivery", failure.New(failure.Invalid, "delivery: must be the number of a delivery"))
	}
	done, err := frame.Do[webhooks.Replay, webhooks.Replayed](r, "webhook replay", webhooks.Replay{ID: id})
	if err != nil {
		return frame.Done{}, err
	}
	return frame.Done{To: pageOf(r), Flash: fmt.Sprintf("The event waits to be sent again, as delivery %d.", done.Deliveries[0])}, nil
}

func showReplayFailed(r *frame.Request) (frame.FormView, error) {
	return showOf(r, "Replay failed deliveries", "Send them again", false,
		"Each delivery that has failed and was not sent again yet is sent again, up to 500, with the same Webhook-Id.")
}

func replayFailed(r *frame.Request, _ frame.Values) (frame.Done, error) {
	done, err := frame.Do[webhooks.Replay, webhooks.Replayed](r, "webhook replay", webhooks.Replay{FailedOf: r.PathValue("id")})
	if err != nil {
		return frame.Done{}, err
	}
	text := fmt.Sprintf("Deliveries that wait to be sent again: %s.", frame.Number(int64(len(done.Deliveries))))
	if done.More {
		text += " There are more: repeat it."
	}
	return frame.Done{To: pageOf(r), Flash: text}, nil
}

func showRemove(r *frame.Request) (frame.FormView, error) {
	return showOf(r, "Remove the webhook", "Remove the webhook", true,
		"Its secret and its deliveries are removed, and events that wait for it are not sent. This can't be undone. To stop it for a while instead, disable it.")
}

func remove(r *frame.Request, _ frame.Values) (frame.Done, error) {
	_, err := frame.Do[webhooks.Name, webhooks.Removed](r, "webhook remove", webhooks.Name{ID: r.PathValue("id")})
	return frame.Done{To: "/webhooks", Flash: "The webhook was removed."}, err
}
