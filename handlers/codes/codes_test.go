package codes

import (
	"strings"
	"testing"

	"stile.example/stile/tokens"
)

// contract is the contract's table of codes: status, and whether a new token resolves it.
var contract = map[Code]struct {
	status    int
	renewable bool
}{
	"token_missing": {401, true}, "token_invalid": {401, true}, "token_expired": {401, true}, "token_revoked": {401, true},
	"token_hijacked": {401, true}, "token_exhausted": {401, true}, "token_challenge_ignored": {401, true},
	"token_challenged_too_often": {401, true}, "proof_invalid": {401, false}, "client_mismatch": {403, false},
	"tenant_suspended": {403, false}, "tenant_exhausted": {403, false}, "address_blocked": {403, false},
	"challenge_required": {429, false}, "challenge_failed": {422, false}, "overloaded": {503, false},
	"bad_request": {400, false}, "bad_callback": {400, false}, "not_found": {404, false}, "method_not_allowed": {405, false},
	"internal": {500, false},
}

// TestTable checks that the table has the codes of the contract, a text for each, and a code for
// every reason to refuse a token. Titles have at most six words.
func TestTable(t *testing.T) {
	if len(all) != len(contract) || len(table) != len(contract) {
		t.Errorf("%d codes, the contract has %d", len(all), len(contract))
	}
	for _, m := range All() {
		want, ok := contract[m.Code]
		if !ok || m.Status != want.status || m.Renewable != want.renewable {
			t.Errorf("%s: %d, renewable %v; the contract says %+v", m.Code, m.Status, m.Renewable, want)
		}
		for _, text := range []string{m.Title, m.Detail, m.Visitor, m.Developer} {
			if len(text) < 8 {
				t.Errorf("%s: the text is too short: %q", m.Code, text)
			}
		}
		if n := len(strings.Fields(m.Title)); n > 6 {
			t.Errorf("%s: the title %q has %d words", m.Code, m.Title, n)
		}
		if strings.HasSuffix(m.Title, ".") || !strings.HasSuffix(m.Detail, ".") {
			t.Errorf("%s: a title must not end with a full stop, a detail must", m.Code)
		}
	}
	for _, r := range tokens.Reasons {
		if _, ok := Of(Code(r.String())); !ok {
			t.Errorf("no code for the reason %q", r)
		}
	}
}

// TestLasting checks for every code whether its refusals are stored.
func TestLasting(t *testing.T) {
	brief := map[Code]bool{TokenMissing: true, TokenInvalid: true, TokenExpired: true, ProofInvalid: true,
		BadRequest: true, BadCallback: true, NotFound: true, MethodNotAllowed: true}
	for code := range contract {
		if code.Lasting() == brief[code] {
			t.Errorf("%s: lasting is %v", code, code.Lasting())
		}
	}
}

// TestCauses checks the causes of the codes that have several.
func TestCauses(t *testing.T) {
	for code, some := range causes {
		titles := map[string]bool{}
		for _, c := range some {
			if n := len(strings.Fields(c.Title)); n > 6 || strings.HasSuffix(c.Title, ".") || titles[c.Title] || !strings.HasSuffix(c.Text, ".") {
				t.Errorf("%s: %+v", code, c)
			}
			titles[c.Title] = true
		}
		if _, ok := Of(code); !ok || len(some) == 0 {
			t.Errorf("%s: %d causes", code, len(some))
		}
	}
}

// TestPlainWords checks that what visitors read is about them, not about tokens and requests.
func TestPlainWords(t *testing.T) {
	for _, m := range All() {
		for _, word := range []string{"token", "request ", "URL", "client_id", "callback", "parameter", "server does not"} {
			if strings.Contains(m.Visitor, word) {
				t.Errorf("%s: visitors read %q: %s", m.Code, word, m.Visitor)
			}
		}
	}
}
