package commands

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestWebhookReceives checks that a running server sends what happens, also what happened while no
// server was running.
func TestWebhookReceives(t *testing.T) {
	h := newHarness(t, "webhooks: {targets: loopback}\n")
	got := make(chan string, 100)
	r := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var e struct{ Type string }
		json.Unmarshal(body, &e)
		got <- e.Type
	}))
	defer r.Close()
	wait := func(want string) {
		t.Helper()
		select {
		case e := <-got:
			if e != want {
				t.Errorf("got %s, want %s", e, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no %s\n%s", want, h.log)
		}
	}
	h.must("tenant", "add", "acme")
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(h.must("webhook", "add", r.URL, "--json")), &made); err != nil {
		t.Fatal(err)
	}
	h.must("tenant", "suspend", "acme")
	if out := h.must("webhook", "deliveries"); !strings.Contains(out, "tenant.suspended  waiting") {
		t.Errorf("without a server:\n%s", out)
	}
	h.serve()
	wait("tenant.suspended")
	h.must("tenant", "resume", "acme")
	wait("tenant.resumed")
	h.must("content", "import", h.write("items.jsonl", threeItems))
	wait("import.finished")
	h.must("webhook", "test", made.ID)
	wait("webhook.test")
	h.must("webhook", "replay", "1")
	wait("tenant.suspended")
	if _, err, code := h.run("content", "import", h.write("wrong.jsonl", "{}\n")); code != failed {
		t.Fatal(err)
	}
	wait("import.failed")
	r.Close()
	if _, err, code := h.run("webhook", "test", made.ID); code != failed || !strings.Contains(err, "stile: the test failed: ") || !strings.Contains(err, "connection refused") {
		t.Errorf("exit %d, %s", code, err)
	}
	h.end()
}
