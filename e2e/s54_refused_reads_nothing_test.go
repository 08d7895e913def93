package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// metrics returns /metrics of the admin listener.
func (s *server) metrics() string {
	s.t.Helper()
	res, err := s.client.Get(s.AdminURL + "/metrics")
	s.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	s.must(err)
	return string(text)
}

// searchCount returns how many searches of the corpus the server has counted.
func (s *server) searchCount() (n int) {
	s.t.Helper()
	for line := range strings.Lines(s.metrics()) {
		if rest, ok := strings.CutPrefix(line, `stile_store_duration_seconds_count{op="search"} `); ok {
			fmt.Sscan(rest, &n)
		}
	}
	return n
}

// TestS54RefusedReadsNothing: calls that are refused by the token's state or the address cause no
// search of the corpus.
func TestS54RefusedReadsNothing(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {spike: {calls: 2}, token: {calls: 3}, challenge: {ignored: 50}, address: {bindings: 30, block: [1h]}}")
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
	before, codes := s.searchCount(), map[string]int{}
	search := func(token, from string) { codes[s.mustGet("/v1/items?q=item", token, from).code()]++ }
	for range 25 {
		search(dead, "192.0.2.1")
		search(challenged, "192.0.2.1")
		search(exhausted, "192.0.2.1")
	}
	search(tokens[3], "") // binds the token to this machine's address
	first := s.searchCount() - before
	for range 10 {
		search(tokens[3], "192.0.2.9") // a hijack, then a dead token
	}
	many := s.tokens(70)
	for _, token := range many[:30] {
		s.mustGet("/v1/items/i1", token, "192.0.2.7")
	}
	for _, token := range many[30:] { // challenged, then blocked
		search(token, "192.0.2.7")
		search(token, "192.0.2.7")
	}
	want := map[string]int{"": 1, "token_hijacked": 35, "challenge_required": 85, "token_exhausted": 25, "address_blocked": 20}
	if fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("responses by code %v, want %v", codes, want)
	}
	if n := s.searchCount() - before; n != 1 || first != 1 {
		t.Errorf("%d searches for 165 refused calls and one admitted call, want 1", n)
	}
}

// TestS54InvalidCallsCount: a call with invalid parameters binds the token and counts in the spike
// window, but is not charged.
func TestS54InvalidCallsCount(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {spike: {calls: 5, suggestions: 5}}")
	token := s.tokens(1)[0]
	for range 5 {
		if a := s.mustGet("/v1/items?limit=0", token, "192.0.2.1"); a.code() != "bad_request" {
			t.Fatal(a.code())
		}
	}
	if v := s.show(token); v.Binding != "address" || v.Calls != 0 {
		t.Errorf("after five invalid calls: %+v", v)
	}
	if a := s.mustGet("/v1/items?limit=0", token, "192.0.2.1"); a.code() != "challenge_required" {
		t.Errorf("the sixth call: %q", a.code())
	}
	other := s.tokens(1)[0]
	for range 5 {
		if a := s.mustGet("/v1/suggest?q=ab&q=cd", other, "192.0.2.2"); a.code() != "bad_request" {
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
