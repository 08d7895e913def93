package policypages_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/policypages"
	"stile.example/stile/operations"
)

func TestPolicy(t *testing.T) {
	s := consoletest.New(t, policypages.Add)
	ch := operations.TenantChange{ClientID: "acme", Policy: map[string]string{"policy.token.calls": "7", "policy.observe": "spike"}}
	if _, err := operations.AddTenant(t.Context(), s.Dir, ch); err != nil {
		t.Fatal(err)
	}
	page := s.Get("/policy", 200)
	for _, want := range []string{`id="policy.token.calls"`, "<code>2000</code>", "Maximum number of calls of a token.", `href="/tenants/acme"`, "<code>stranger</code>", "<code>challenge</code>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(page, ">only observed<") || strings.Contains(page, ">set<") {
		t.Error("the server's own policy has no setting that was set, and observes nothing")
	}
	page = s.Get("/policy?tenant=acme", 200)
	if !strings.Contains(page, ">only observed<") || !strings.Contains(page, "<code>7</code>") {
		t.Error("the tenant's own values are not shown")
	}
	s.Get("/policy?tenant=nobody", 404)
}

// wait returns a comparison's page when it has a text.
func wait(t *testing.T, s *consoletest.Site, path, text string) string {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		page := s.Get(path, 200)
		if strings.Contains(page, text) {
			return page
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s in\n%s", text, page)
		}
	}
}

// TestCompare checks that a comparison runs in the background, one at a time, and can be stopped.
func TestCompare(t *testing.T) {
	s := consoletest.New(t, policypages.Add)
	release := make(chan bool)
	s.Frame.Instead("policy compare", func(in json.RawMessage) (any, error) {
		if !strings.Contains(string(in), `"class"`) {
			<-release
		}
		outcome := map[string]any{"agents": 30, "work_a_day": 1.5, "saw_picture": 0.25, "corpus_day": 0.02}
		return []map[string]any{{"group": "class", "what": "pupils", "before": outcome, "after": outcome}}, nil
	})
	path := s.Post("/policy/compare", 303, "name", "policy.spike.calls", "value", "30")
	if page := s.Get(path, 200); !strings.Contains(page, "1 of 11 groups") || !strings.Contains(page, "spike:\n    calls: 30\n") {
		t.Error(page)
	}
	if page := s.Refuse("/policy/compare", "name", "policy.spike.calls", "value", "40"); !strings.Contains(page, "A comparison of policy.spike.calls is running, by ada") {
		t.Error(page)
	}
	close(release)
	if page := wait(t, s, path, "makes no difference"); !strings.Contains(page, "Apply to a tenant…") {
		t.Error("the change can't be applied")
	}
	if second := s.Post("/policy/compare", 303, "name", "policy.spike.calls", "value", "40"); second == path {
		t.Error("the second comparison has the page of the first")
	}
	s.Get("/policy/runs/99", 404)
}

// TestStop checks a real comparison of a value that is not valid, and of one that is stopped.
func TestStop(t *testing.T) {
	s := consoletest.New(t, policypages.Add)
	if page := s.Refuse("/policy/compare", "name", "policy.spike.calls", "value", "few"); !strings.Contains(page, "whole number") || !strings.Contains(page, `value="few"`) {
		t.Error(page)
	}
	path := s.Post("/policy/compare", 303, "name", "policy.address.bindings", "value", "3")
	s.Post(path+"/stop", 303)
	wait(t, s, path, "The comparison was stopped")
}

// TestMayStop checks that a comparison is stopped by whoever started it, an operator or an owner,
// and not by another viewer.
func TestMayStop(t *testing.T) {
	for _, c := range []struct {
		name string
		role operations.Role
		may  bool
	}{{"bob", operations.Viewer, false}, {"ada", operations.Viewer, true}, {"bob", operations.Operator, true}, {"bob", operations.Owner, true}} {
		s := consoletest.New(t, policypages.Add)
		release := make(chan bool)
		s.Frame.Instead("policy compare", func(in json.RawMessage) (any, error) {
			if !strings.Contains(string(in), `"class"`) {
				<-release
			}
			return []map[string]any{{"group": "class", "what": "pupils"}}, nil
		})
		s.Role = operations.Viewer
		path := s.Post("/policy/compare", 303, "name", "policy.spike.calls", "value", "30")
		s.Name, s.Role = c.name, c.role
		if shown := strings.Contains(s.Get(path, 200), path+"/stop"); shown != c.may {
			t.Errorf("%s %s sees the button: %t", c.role, c.name, shown)
		}
		if c.may {
			s.Post(path+"/stop", 303)
		} else {
			s.Get(path+"/stop", 403)
			s.Post(path+"/stop", 403)
		}
		close(release)
		want := "The comparison was stopped"
		if !c.may {
			want = "makes no difference"
		}
		wait(t, s, path, want)
	}
}

func TestApply(t *testing.T) {
	s := consoletest.New(t, policypages.Add)
	if _, err := operations.AddTenant(t.Context(), s.Dir, operations.TenantChange{ClientID: "acme"}); err != nil {
		t.Fatal(err)
	}
	if to := s.Post("/policy/apply", 303, "name", "policy.spike.calls", "value", "30", "tenant", "acme"); to != "/tenants/acme" {
		t.Errorf("goes to %s", to)
	}
	if tenant, _ := s.Dir.Tenants.Find("acme"); tenant.Policy["policy.spike.calls"] != "30" {
		t.Errorf("policy %v", tenant.Policy)
	}
	s.Role = operations.Viewer
	s.Post("/policy/apply", 403, "name", "policy.spike.calls", "value", "31", "tenant", "acme")
}
