package commands

import (
	"strings"
	"testing"
	"time"
)

// TestS58ExplainCounts checks that each of several refusals in a minute is explained by its own
// reference, with their number, until the server stops, and that the first refusal and the number
// are stored.
func TestS58ExplainCounts(t *testing.T) {
	h := newHarness(t, "")
	h.set(time.Now())
	h.serve()
	h.must("tenant", "add", "acme")
	h.must("address", "block", "127.0.0.1", "--reason", "test")
	var refs []string
	for range 90 {
		_, ref := h.call("none")
		refs = append(refs, ref)
	}
	const text, member = "refusals with the same address, tenant and code in that minute", `"address":"127.0.0.0/24","detail":"blocked by an operator permanently","count":90}`
	for _, ref := range []string{refs[0], refs[45], refs[89]} {
		if out := h.must("explain", ref); !strings.Contains(out, ref) || !strings.Contains(out, text) {
			t.Errorf("explain: %s", out)
		}
	}
	h.end()
	for args, want := range map[string]string{"": text, "--json": member} {
		if out := h.must(strings.Fields("explain " + refs[0] + " " + args)...); !strings.Contains(out, want) {
			t.Errorf("explain %s, from the store: %s", args, out)
		}
	}
	if _, err, code := h.run("explain", refs[45]); code != failed || !strings.Contains(err, "no longer kept") {
		t.Errorf("one that was counted with others: %d %s", code, err)
	}
}
