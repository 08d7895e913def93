package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// metrics is the admin listener's /metrics.
func (s *site) metrics() string {
	s.t.Helper()
	res, err := s.client.Get(s.AdminURL + "/metrics")
	s.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	s.must(err)
	return string(text)
}

// searches is how many searches of the corpus the server has counted.
func (s *site) searches() (n int) {
	s.t.Helper()
	for line := range strings.Lines(s.metrics()) {
		if rest, ok := strings.CutPrefix(line, `stile_store_duration_seconds_count{op="search"} `); ok {
			fmt.Sscan(rest, &n)
		}
	}
	return n
}

// TestS54RefusedReadsNothing: 155 calls that the token's state or the address
// refuses cost no search.
func TestS54RefusedReadsNothing(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {spike: {calls: 2}, token: {calls: 3}, challenge: {ignored: 50}, address: {bindings: 30, block: [1h]}}")
	const search = "/v1/items?q=item"
	tokens := s.tokens(4)
	dead, challenged, exhausted := tokens[0], tokens[1], tokens[2]
	s.mustGet("/v1/items/i1", dead, "192.0.2.1")
	s.mustGet("/v1/items/i1", dead, "198.51.100.1") // hijacked
	for range 3 {
		s.mustGet("/v1/items/i1", challenged, "192.0.2.1")
	}
	for range 2 {
		s.mustGet("/v1/items/i1", exhausted, "192.0.2.1")
	}
	if a := s.solve(s.challengeIn(s.mustGet("/v1/items/i1", exhausted, "192.0.2.1")), exhausted, "192.0.2.1"); a.code() != "" {
		t.Fatal(a.code())
	}
	s.mustGet("/v1/items/i1", exhausted, "192.0.2.1")
	before, refused := s.searches(), map[string]int{}
	ask := func(token, from string) { refused[s.mustGet(search, token, from).code()]++ }
	for range 25 {
		ask(dead, "192.0.2.1")
		ask(challenged, "192.0.2.1")
		ask(exhausted, "192.0.2.1")
	}
	ask(tokens[3], "") // binds it to this machine
	first := s.searches() - before
	for range 10 {
		ask(tokens[3], "192.0.2.9") // a hijack, and then a dead token
	}
	crowd := s.tokens(70)
	for _, token := range crowd[:30] {
		s.mustGet("/v1/items/i1", token, "192.0.2.7")
	}
	for _, token := range crowd[30:] { // challenged, then blocked
		ask(token, "192.0.2.7")
		ask(token, "192.0.2.7")
	}
	want := map[string]int{"": 1, "token_hijacked": 35, "challenge_required": 85, "token_exhausted": 25, "address_blocked": 20}
	if fmt.Sprint(refused) != fmt.Sprint(want) {
		t.Errorf("refused %v, want %v", refused, want)
	}
	if n := s.searches() - before; n != 1 || first != 1 {
		t.Errorf("%d searches for 165 refused calls and one that was answered", n)
	}
}

// TestS54FailedQuestionsCount: a call whose question is wrong binds the token and
// counts in the spike window, and is not charged.
func TestS54FailedQuestionsCount(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {spike: {calls: 5, suggestions: 5}}")
	token := s.tokens(1)[0]
	for range 5 {
		if a := s.mustGet("/v1/items?limit=0", token, "192.0.2.1"); a.code() != "bad_request" {
			t.Fatal(a.code())
		}
	}
	if v := s.show(token); v.Binding != "address" || v.Calls != 0 {
		t.Errorf("after five wrong questions: %+v", v)
	}
	if a := s.mustGet("/v1/items?limit=0", token, "192.0.2.1"); a.code() != "challenge_required" {
		t.Errorf("the sixth: %q", a.code())
	}
	other := s.tokens(1)[0]
	for range 5 {
		if a := s.mustGet("/v1/suggest?q="+strings.Repeat("x", 65), other, "192.0.2.2"); a.code() != "bad_request" {
			t.Fatal(a.code())
		}
	}
	if a := s.mustGet("/v1/suggest?q=it", other, "192.0.2.2"); a.code() != "challenge_required" {
		t.Errorf("the sixth suggestion: %q", a.code())
	}
	if n := s.charged(); n != 0 {
		t.Errorf("%d calls were charged", n)
	}
}
