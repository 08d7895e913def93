package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// challengesAt returns the counts of an address: its bindings, and how many of the challenges that
// were issued to it were solved.
func (s *server) challengesAt(prefix string) (bindings, solved, issued int) {
	s.t.Helper()
	var list []struct{ Range, Kind, Reason string }
	s.must(s.CommandJSON(&list, "address", "list"))
	for _, l := range list {
		if l.Range == prefix && l.Kind == "crowded" {
			fmt.Sscanf(l.Reason, "%d bindings, %d of %d challenges solved", &bindings, &solved, &issued)
		}
	}
	return bindings, solved, issued
}

// TestS51OneChallenge: 60 simultaneous first calls of one token get the same challenge, which
// counts once at the address.
func TestS51OneChallenge(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {address: {bindings: 1}, challenge: {ignored: 100}}")
	const from = "192.0.2.1"
	s.mustGet("/v1/items/i1", s.tokens(1)[0], from)
	token := s.tokens(1)[0]
	responses := make([]response, 60)
	var all sync.WaitGroup
	for n := range responses {
		all.Go(func() {
			var err error
			if responses[n], err = s.get("/v1/items/i1", token, from); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	ids := map[string]bool{}
	for _, a := range responses {
		if a.code() != "challenge_required" {
			t.Fatalf("%d %q %s", a.Status, a.code(), a.Data)
		}
		ids[s.challengeIn(a).ID] = true
	}
	if len(ids) != 1 && s.Nodes == nil { // each node encrypts the id itself
		t.Errorf("%d challenges were issued", len(ids))
	}
	if s.Nodes != nil { // nodes have read what others counted after a while, and a command asks any
		for _, n := range s.all() {
			n.until("2 0 1", func() string { return fmt.Sprintln(n.challengesAt(from + "/32"))[:5] })
		}
	}
	if bindings, solved, issued := s.challengesAt(from + "/32"); bindings != 2 || solved != 0 || issued != 1 {
		t.Errorf("the address has %d bindings, %d of %d challenges solved; want 2, 0 of 1", bindings, solved, issued)
	}
}

// TestS51ParallelPages: 20 visitors of one crowded address open pages that make 6 calls
// simultaneously, and solve their challenges. None is blocked, in 20 runs, each at an address of
// its own. The tokens that were bound within the budget get no challenge, however late their other
// calls consult the address; each of the others gets one.
func TestS51ParallelPages(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {address: {bindings: 15}}")
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
		if bindings, solved, issued := s.challengesAt(from + "/32"); bindings != 21 || solved != 6 || issued != 6 {
			t.Fatalf("run %d: %d bindings, %d of %d challenges solved; want 21, and 6 of 6 solved", run, bindings, solved, issued)
		}
	}
}

// visit makes 6 calls simultaneously. If there is a challenge, it solves it and makes the calls
// again.
func (s *server) visit(token, from string) {
	open := s.sixCalls(token, from)
	if open == nil {
		return
	}
	if a := s.solve(s.challengeIn(*open), token, from); a.code() != "" {
		s.t.Errorf("the answer: %s", a.code())
	}
	if s.sixCalls(token, from) != nil {
		s.t.Error("a second challenge was issued")
	}
}

// sixCalls returns a response with a challenge, or nil if all 6 calls were admitted.
func (s *server) sixCalls(token, from string) (open *response) {
	responses := make([]response, 6)
	var all sync.WaitGroup
	for n := range responses {
		all.Go(func() {
			var err error
			if responses[n], err = s.get("/v1/items/i1", token, from); err != nil {
				s.t.Error(err)
			}
		})
	}
	all.Wait()
	for _, a := range responses {
		switch a.code() {
		case "":
		case "challenge_required":
			open = &a
		default:
			s.t.Errorf("a visitor at %s was refused: %s", from, a.code())
		}
	}
	return open
}
