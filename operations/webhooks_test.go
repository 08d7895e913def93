package operations

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"stile.example/stile/content"
	"stile.example/stile/events"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/webhooks"
)

// TestWebhooks walks through the operations about webhooks, and checks that no secret is in a
// result for viewers or in the audit log.
func TestWebhooks(t *testing.T) {
	d := openDirWith(t, map[string]string{"webhooks.targets": "loopback"})
	by := Actor{Name: "alice", Role: Operator, Credential: "password"}
	viewer := Actor{Name: "victor", Role: Viewer}
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer r.Close()
	made, err := RunAs[webhooks.Addition, webhooks.Created](t.Context(), d, by, "webhook add", webhooks.Addition{URL: r.URL + "/?key=canary"})
	if err != nil || !strings.HasPrefix(made.Secret, "whsec_") {
		t.Fatal(made, err)
	}
	rotated, err := RunAs[webhooks.Rotation, webhooks.Created](t.Context(), d, by, "webhook rotate-secret", webhooks.Rotation{ID: made.ID, Overlap: 3600})
	if err != nil || rotated.Secret == made.Secret || rotated.OldSecretUntil == nil {
		t.Fatal(rotated, err)
	}
	sent, err := RunAs[webhooks.Name, webhooks.Delivery](t.Context(), d, by, "webhook test", webhooks.Name{ID: made.ID})
	if err != nil || sent.State != "failed" || sent.Tries[0].Status != 418 {
		t.Fatalf("%+v %v", sent, err)
	}
	again, err := RunAs[webhooks.Replay, webhooks.Replayed](t.Context(), d, by, "webhook replay", webhooks.Replay{ID: sent.ID})
	if err != nil || len(again.Deliveries) != 1 {
		t.Fatal(again, err)
	}
	if _, err := RunAs[webhooks.Change, webhooks.View](t.Context(), d, by, "webhook set", webhooks.Change{ID: made.ID, Enabled: new(bool)}); err != nil {
		t.Fatal(err)
	}
	if _, err := RunAs[webhooks.Replay, webhooks.Replayed](t.Context(), d, by, "webhook replay", webhooks.Replay{ID: sent.ID}); failure.KindOf(err) != failure.Conflict {
		t.Errorf("a replay to a disabled webhook: %v", err)
	}
	var shown []any
	for name, in := range map[string]string{"webhook list": `{}`, "webhook show": `{"id":"` + made.ID + `"}`, "webhook deliveries": `{"webhook":"` + made.ID + `"}`, "audit list": `{}`} {
		o, _ := Find(name)
		out, err := o.Run(t.Context(), d, Call{Actor: viewer, Input: json.RawMessage(in)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		shown = append(shown, out)
	}
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{made.Secret, rotated.Secret, made.Secret[6:], rotated.Secret[6:], "canary"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s is in %s", secret, text)
		}
	}
	for _, name := range []string{"webhook add", "webhook rotate-secret", "webhook test", "webhook replay", "webhook set"} {
		if !strings.Contains(string(text), `"`+name+`"`) {
			t.Errorf("%s is not in the audit log", name)
		}
	}
	for _, bad := range []struct{ op, in string }{
		{"webhook add", `{"url":"http://ops.example"}`}, {"webhook add", `{"url":"https://ops.example","events":["no"]}`}, {"webhook add", `{"url":"https://ops.example","tenant":"no"}`},
		{"webhook set", `{"id":"` + made.ID + `","url":"x"}`}, {"webhook rotate-secret", `{"id":"x","overlap_seconds":-1}`}, {"webhook replay", `{}`}, {"webhook deliveries", `{"limit":1001}`},
	} {
		o, _ := Find(bad.op)
		if _, err := o.Run(t.Context(), d, Call{Actor: by, Input: json.RawMessage(bad.in)}); failure.KindOf(err) != failure.Invalid {
			t.Errorf("%s %s: %v", bad.op, bad.in, err)
		}
	}
}

// TestEvents checks that what operations do is reported: a suspended tenant and imports, with why
// one failed. A preview is not an event.
func TestEvents(t *testing.T) {
	d := openDirWith(t, nil)
	by := CommandLine(0)
	if _, err := RunAs[webhooks.Addition, webhooks.Created](t.Context(), d, by, "webhook add", webhooks.Addition{URL: "https://ops.example"}); err != nil {
		t.Fatal(err)
	}
	if _, err := RunAs[TenantChange, Credentials](t.Context(), d, by, "tenant add", TenantChange{ClientID: "acme"}); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"suspend", "resume", "resume"} {
		if _, err := RunAs[TenantName, TenantInfo](t.Context(), d, by, "tenant "+verb, TenantName{"acme"}); err != nil {
			t.Fatal(err)
		}
	}
	importOf := func(in ImportOptions, ids ...string) {
		raw, _ := json.Marshal(in)
		o, _ := Find("content import")
		o.Run(t.Context(), d, Call{Actor: by, Input: raw, Items: func(yield func(content.Item, error) bool) {
			for _, id := range ids {
				if !yield(content.Item{ID: id, Title: id, Collection: "c"}, nil) {
					return
				}
			}
		}})
	}
	many := make([]string, 500)
	for i := range many {
		many[i] = fmt.Sprint("i", i)
	}
	importOf(ImportOptions{DryRun: true}, "a")
	importOf(ImportOptions{}, many...)
	importOf(ImportOptions{}, "a", "a")
	importOf(ImportOptions{Prune: true}, "i1")
	importOf(ImportOptions{Tenant: "acme"}, "f")
	page, err := RunAs[webhooks.Query, webhooks.Page](t.Context(), d, by, "webhook deliveries", webhooks.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := len(page.Deliveries) - 1; i >= 0; i-- {
		var body struct {
			Type events.Type
			Data struct {
				Tenant, Reason string
				Result         *events.ImportResult
			}
		}
		if err := json.Unmarshal(page.Deliveries[i].Body, &body); err != nil {
			t.Fatal(err)
		}
		line := strings.TrimSpace(string(body.Type) + " " + body.Data.Tenant + " " + body.Data.Reason)
		if r := body.Data.Result; r != nil && r.Added == 0 {
			t.Errorf("%s: %+v", line, r)
		}
		got = append(got, line)
	}
	want := "tenant.suspended acme, tenant.resumed acme, import.finished, import.failed  invalid, import.failed  unconfirmed, import.finished acme"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

// TestSent checks the way of an event through the parts that a server runs: the quota of a tenant
// is half used up, and a receiver gets that.
func TestSent(t *testing.T) {
	d := openDirWith(t, map[string]string{"webhooks.targets": "loopback"})
	var mu sync.Mutex
	var got []string
	r := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var body struct{ Data events.Quota }
		json.NewDecoder(req.Body).Decode(&body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, body.Data.Tenant)
	}))
	defer r.Close()
	by := CommandLine(0)
	if _, err := RunAs[webhooks.Addition, webhooks.Created](t.Context(), d, by, "webhook add", webhooks.Addition{URL: r.URL, Events: []events.Type{events.TenantQuota}}); err != nil {
		t.Fatal(err)
	}
	calls := int64(2)
	if _, err := RunAs[TenantChange, Credentials](t.Context(), d, by, "tenant add", TenantChange{ClientID: "acme", CallsPerMonth: &calls}); err != nil {
		t.Fatal(err)
	}
	acme, _ := d.Tenants.Find("acme")
	d.Meter.Reserve(acme.Number, 2, d.Now())
	d.Meter.Use(acme.Number, d.Now())
	if err := d.Watch.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.Webhooks.Flush(t.Context())
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 1 || got[0] != "acme" {
		t.Errorf("got %q", got)
	}
}
