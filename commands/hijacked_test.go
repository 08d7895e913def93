package commands

import (
	"strings"
	"testing"
	"time"
)

// callAs makes a call as a trusted proxy would for an address, and returns the code and reference
// of its error.
func (h *harness) callAs(address, token string) (code, ref string) {
	h.t.Helper()
	return h.call(token, "X-Forwarded-For", address)
}

// TestExplainOwnPage checks that the explanation of a hijacked token's own page says when and from
// where the token was hijacked, from memory and from the store.
func TestExplainOwnPage(t *testing.T) {
	h := newHarness(t, "trusted_proxies: [127.0.0.1]\n")
	h.set(time.Now())
	h.serve()
	h.must("tenant", "add", "acme")
	token := h.token()
	if code, _ := h.callAs("192.0.2.1", token); code != "" {
		t.Fatal(code)
	}
	_, killing := h.callAs("198.51.100.7", token)
	want := "at " + h.at().UTC().Format(time.RFC3339) + " from 198.51.100.0/24 (ref " + killing + ")"
	h.set(h.at().Add(5 * time.Minute))
	code, ref := h.callAs("192.0.2.1", token)
	if code != "token_hijacked" {
		t.Fatal(code)
	}
	for _, how := range []string{"memory", "store"} {
		if out := h.must("explain", ref); !strings.Contains(out, want) || !strings.Contains(out, "a call from another address killed it") {
			t.Errorf("from %s, no %q in\n%s", how, want, out)
		}
		if out := h.must("explain", killing); strings.Contains(out, killing+")") {
			t.Errorf("the killing call refers to itself:\n%s", out)
		}
		if how == "memory" {
			h.end()
		}
	}
}
