package commands

import (
	"strings"
	"testing"
)

// TestTokenFromStandardInput checks that - reads a token from standard input, where it is not in
// the process list, and that an argument works too. The help warns, and an error does not quote the
// input.
func TestTokenFromStandardInput(t *testing.T) {
	h := newHarness(t, "")
	h.must("tenant", "add", "acme")
	token := strings.TrimSpace(h.must("token", "issue", "acme"))
	want := h.must("token", "show", token)
	for _, in := range []string{token, token + "\n", "  " + token + "\r\n"} {
		h.in = in
		if got, err, code := h.run("token", "show", "-"); got != want || code != done {
			t.Errorf("show - of %.10q…: %d %s%s", in, code, got, err)
		}
	}
	for _, in := range []string{"", " \n", token + " " + token, strings.Repeat(" ", 9<<10) + token, strings.Repeat("secret", 2000)} {
		h.in = in
		for _, verb := range []string{"show", "revoke"} {
			out, err, code := h.run("token", verb, "-")
			if code != failed || out != "" || !strings.Contains(err, "must contain one token or jti") || strings.Contains(err, "secret") || strings.Contains(err, token[:20]) {
				t.Errorf("%s - of %.20q…: %d %s%s", verb, in, code, out, err)
			}
		}
	}
	h.in = token
	if out, err, code := h.run("token", "revoke", "-"); code != done || !strings.Contains(out, "token_revoked") {
		t.Errorf("revoke -: %d %s%s", code, out, err)
	}
	for _, verb := range []string{"show", "revoke"} {
		if help := h.must("token", verb, "--help"); !strings.Contains(help, "can see the arguments of a running command (ps)") {
			t.Errorf("%s --help: %s", verb, help)
		}
	}
}
