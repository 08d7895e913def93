package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// challengesAt is how many challenges an address and tenant was asked, and how
// many of them were solved, as the address list says.
func (s *site) challengesAt(range_ string) (bindings, solved, asked int) {
	s.t.Helper()
	var list []struct{ Range, Kind, Reason string }
	s.must(s.CommandJSON(&list, "address", "list"))
	for _, l := range list {
		if l.Range == range_ && l.Kind == "crowded" {
			fmt.Sscanf(l.Reason, "%d bindings, %d of %d challenges solved", &bindings, &solved, &asked)
		}
	}
	return bindings, solved, asked
}

// TestS51OneChallenge: sixty first calls of one token at once are asked one
// challenge, which counts once at the address.
func TestS51OneChallenge(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {address: {bindings: 1}, challenge: {ignored: 100}}")
	const from = "192.0.2.1"
	s.mustGet("/v1/items/i1", s.tokens(1)[0], from)
	token := s.tokens(1)[0]
	answers := make([]answer, 60)
	var all sync.WaitGroup
	for n := range answers {
		all.Go(func() { answers[n], _ = s.get("/v1/items/i1", token, from) })
	}
	all.Wait()
	ids := map[string]bool{}
	for _, a := range answers {
		if a.code() != "challenge_required" {
			t.Fatalf("code %q", a.code())
		}
		ids[s.challengeIn(a).ID] = true
	}
	if len(ids) != 1 {
		t.Errorf("%d challenges were shown", len(ids))
	}
	if bindings, solved, asked := s.challengesAt(from + "/32"); bindings != 2 || solved != 0 || asked != 1 {
		t.Errorf("the address counts %d bindings, %d of %d solved, want 2, 0 of 1", bindings, solved, asked)
	}
}

// TestS51PagesThatSolve: twenty visitors behind one crowded address, each with a
// page of six calls at once, who solve what they are asked: nobody is blocked,
// in twenty runs. Each run is at an address of its own. Calls that arrive while
// the bindings are being counted may all pass, so a visitor who arrives after
// them is the one who must be challenged.
func TestS51PagesThatSolve(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {address: {bindings: 15}}")
	s.client.Transport.(*http.Transport).MaxConnsPerHost = 120
	for run := range 20 {
		from := fmt.Sprintf("192.0.2.%d", run+1)
		var visitors sync.WaitGroup
		tokens := s.tokens(21)
		for _, token := range tokens[:20] {
			visitors.Go(func() { s.visit(token, from) })
		}
		visitors.Wait()
		s.visit(tokens[20], from)
		if bindings, solved, asked := s.challengesAt(from + "/32"); bindings != 21 || solved != asked || asked == 0 || asked > 21 {
			t.Fatalf("run %d: %d bindings, %d of %d solved, want 21, and as many solved as asked", run, bindings, solved, asked)
		}
	}
}

// visit makes six calls at once, solves the challenge if there is one, and
// makes them again.
func (s *site) visit(token, from string) {
	calls := func() (open *answer) {
		answers := make([]answer, 6)
		var all sync.WaitGroup
		for n := range answers {
			all.Go(func() {
				var err error
				if answers[n], err = s.get("/v1/items/i1", token, from); err != nil {
					s.t.Error(err)
				}
			})
		}
		all.Wait()
		for _, a := range answers {
			switch a.code() {
			case "":
			case "challenge_required":
				open = &a
			default:
				s.t.Errorf("a visitor of %s was refused: %s", from, a.code())
			}
		}
		return open
	}
	open := calls()
	if open == nil {
		return
	}
	if a := s.solve(s.challengeIn(*open), token, from); a.code() != "" {
		s.t.Errorf("the answer: %s", a.code())
	}
	if calls() != nil {
		s.t.Error("a second challenge")
	}
}
