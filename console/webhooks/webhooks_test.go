package webhooks_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"stile.example/stile/console/consoletest"
	pages "stile.example/stile/console/webhooks"
	"stile.example/stile/events"
	"stile.example/stile/operations"
	ops "stile.example/stile/operations/webhooks"
	"stile.example/stile/store/tables/webhookdb"
	"stile.example/stile/webhooks"
)

// newSite returns a console with a tenant.
func newSite(t testing.TB) *consoletest.Site {
	s := consoletest.New(t, pages.Add)
	if _, err := operations.RunAs[operations.TenantChange, operations.Credentials](t.Context(), s.Dir, s.Caller().Actor, "tenant add", operations.TenantChange{ClientID: "acme"}); err != nil {
		t.Fatal(err)
	}
	return s
}

// deliver stores n deliveries: most succeed, some failed, and the newest waits.
func deliver(t testing.TB, s *consoletest.Site, webhook string, n int) {
	t.Helper()
	at := time.Now().UTC().Add(-time.Duration(n) * time.Hour).Truncate(time.Millisecond)
	for i := range n {
		k := events.Kinds()[i%len(events.Kinds())]
		e := k.Event()
		e.At = at.Add(time.Duration(i) * time.Hour)
		body, err := e.Body()
		if err != nil {
			t.Fatal(err)
		}
		d := webhooks.Delivery{Webhook: webhook, Message: webhooks.Message{ID: fmt.Sprint("evt_", i), Type: k.Type, Tenant: "acme", Body: body}, CreatedAt: e.At, State: webhooks.Delivered, Attempts: 1,
			Tries: []webhooks.Try{{At: e.At, Status: 200, Duration: 83 * time.Millisecond, Excerpt: "ok <script>"}}}
		switch {
		case i == n-1:
			d.State, d.Next = webhooks.Waiting, time.Now().Add(20*time.Minute)
			d.Tries[0] = webhooks.Try{At: e.At, Status: 503, Duration: 1200 * time.Millisecond, Excerpt: "Service Unavailable", Error: "the response is 503 instead of 2xx"}
		case i%7 == 3:
			d.State = webhooks.Failed
			d.Tries[0] = webhooks.Try{At: e.At, Duration: 15 * time.Second, Error: "no response within 15s"}
		}
		if _, err := (webhookdb.Table{DB: s.Dir.Store.DB}).AddDelivery(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

var anID = regexp.MustCompile(`whk_[a-z0-9]{12}`)

// TestPages walks through the pages as an operator does: add, look, change, new secret, disable,
// enable, replay, remove. The secret is on one page only.
func TestPages(t *testing.T) {
	s := newSite(t)
	s.Role = operations.Operator
	if page := s.Get("/webhooks", 200); !strings.Contains(page, "No webhooks yet") || !strings.Contains(page, "Webhook-Signature: v1,") || !strings.Contains(page, "issuer.recovered") {
		t.Error(page)
	}
	s.Get("/webhooks/add", 200)
	if page := s.Post("/webhooks/add", 400, "url", "http://ops.example", "event-tenant.quota", "yes"); !strings.Contains(page, "must begin with https://") || !strings.Contains(page, `id="field-event-tenant.quota" name="event-tenant.quota" value="yes" checked`) {
		t.Error(page)
	}
	page := s.Post("/webhooks/add", 200, "url", "https://ops.example/hook?key=canary", "event-tenant.quota", "yes", "event-import.failed", "yes", "tenant", "acme")
	secret := regexp.MustCompile(`whsec_[^<]+`).FindString(page)
	id := anID.FindString(page)
	if secret == "" || id == "" {
		t.Fatal(page)
	}
	deliver(t, s, id, 120)
	one := "/webhooks/" + id
	seen := s.Get("/webhooks", 200) + s.Get(one, 200) + s.Get(one+"?state=failed&event=tenant.quota", 200) + s.Get(one+"/deliveries/4", 200) + s.Get(one+"/deliveries/120", 200)
	for _, verb := range []string{"set", "rotate-secret", "status", "test", "replay", "replay-failed", "remove"} {
		seen += s.Get(one+"/"+verb, 200)
	}
	for _, hidden := range []string{strings.ReplaceAll(secret, "&#43;", "+"), secret, "canary", "<script>"} {
		if strings.Contains(strings.ReplaceAll(seen, `<script type`, ""), hidden) && hidden != "<script>" || strings.Contains(seen, "ok <script>") {
			t.Errorf("%s is on a page", hidden)
		}
	}
	if to := s.Post(one+"/set", 303, "event-import.failed", "yes", "tenant", ""); to != one {
		t.Error(to)
	}
	if v := show(t, s, id); len(v.Events) != 1 || v.Tenant != "" || v.URL != "https://ops.example/hook?…" {
		t.Errorf("%+v", v)
	}
	s.Post(one+"/set", 409, "event-import.finished", "yes", "tenant", "", "version", "of another tab")
	if page := s.Post(one+"/rotate-secret", 200, "overlap", "7d"); !strings.Contains(page, "whsec_") || strings.Contains(page, secret) || !strings.Contains(page, "signature by the old secret too") {
		t.Error(page)
	}
	s.Post(one+"/rotate-secret", 400, "overlap", "1000d")
	s.Post(one+"/status", 303, "enabled", "no")
	if page := s.Get(one, 200); !strings.Contains(page, "This webhook is disabled (by an operator)") || strings.Contains(page, ">Replay<") {
		t.Error(page)
	}
	if page := s.Get(one+"/test", 200); !strings.Contains(page, "The webhook is disabled; the test is sent anyway.") {
		t.Error(page)
	}
	s.Post(one+"/replay", 409, "delivery", "1")
	s.Post(one+"/status", 303, "enabled", "yes")
	if page := s.Get(one+"/test", 200); strings.Contains(page, "anyway") {
		t.Error(page)
	}
	s.Post(one+"/replay", 303, "delivery", "1")
	s.Post(one+"/replay", 404, "delivery", "4711")
	s.Post(one+"/replay-failed", 303)
	if n := show(t, s, id).Waiting; n != 1+1+17 {
		t.Errorf("%d wait", n)
	}
	s.Post(one+"/remove", 303)
	s.Get(one, 404)
	s.Get(one+"/deliveries/1", 404)
}

func show(t *testing.T, s *consoletest.Site, id string) ops.View {
	t.Helper()
	v, err := operations.RunAs[ops.Name, ops.View](t.Context(), s.Dir, s.Caller().Actor, "webhook show", ops.Name{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestCursor checks that the pages of the log have each delivery once.
func TestCursor(t *testing.T) {
	s := newSite(t)
	id := addHook(t, s)
	deliver(t, s, id, 120)
	path, seen := "/webhooks/"+id, map[string]bool{}
	older := regexp.MustCompile(`href="([^"]+)" rel="next"`)
	for range 5 {
		page := s.Get(path, 200)
		for _, link := range regexp.MustCompile(`/deliveries/\d+"`).FindAllString(page, -1) {
			if seen[link] {
				t.Errorf("%s twice", link)
			}
			seen[link] = true
		}
		if next := older.FindStringSubmatch(page); next != nil {
			path = next[1]
		}
	}
	if len(seen) != 120 {
		t.Errorf("%d deliveries", len(seen))
	}
}

func addHook(t testing.TB, s *consoletest.Site) string {
	t.Helper()
	made, err := operations.RunAs[ops.Addition, ops.Created](t.Context(), s.Dir, s.Caller().Actor, "webhook add", ops.Addition{URL: "https://ops.example/stile"})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// TestViewer checks that a viewer sees everything and is offered nothing that changes.
func TestViewer(t *testing.T) {
	s := newSite(t)
	id := addHook(t, s)
	deliver(t, s, id, 3)
	s.Role = operations.Viewer
	for _, path := range []string{"/webhooks", "/webhooks/" + id, "/webhooks/" + id + "/deliveries/1"} {
		_, page, _ := strings.Cut(s.Get(path, 200), "<main")
		if strings.Contains(page, `method="post"`) || strings.Contains(page, "data-dialog") {
			t.Errorf("%s offers a viewer a change:\n%s", path, page)
		}
	}
	for _, path := range []string{"/webhooks/add", "/webhooks/" + id + "/set", "/webhooks/" + id + "/remove", "/webhooks/" + id + "/test", "/webhooks/" + id + "/replay"} {
		s.Get(path, 403)
		s.Post(path, 403)
	}
}
