package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"stile.example/stile/challenge"
)

// issued is a challenge in the form that the API returns it.
type issued struct {
	ID         string
	Kind       string
	Picture    string
	Sound      string
	CallsLeft  int                   `json:"calls_left"`
	Parameters *challenge.Parameters `json:"parameters"`
}

// challengeIn returns the challenge in a refusal.
func (s *server) challengeIn(a response) issued {
	s.t.Helper()
	var c issued
	if a.Error == nil || a.Error.Challenge == nil {
		s.t.Fatalf("there is no challenge in %+v", a)
	}
	s.must(json.Unmarshal(*a.Error.Challenge, &c))
	return c
}

// solve solves a challenge as a browser does, and sends the answer.
func (s *server) solve(c issued, token, from string) response {
	s.t.Helper()
	if c.Parameters == nil {
		s.t.Fatalf("the kind of the challenge is %s, want work", c.Kind)
	}
	found, err := challenge.Solve(context.Background(), *c.Parameters)
	s.must(err)
	return s.mustGet("/v1/challenges/"+c.ID+"/answer?answer="+strconv.Itoa(int(found.Counter)), token, from)
}

// TestSpikeChallenge: a spike issues a challenge, which survives kill -9. Once work has solved it,
// the token's calls are admitted again. The refusal can be explained.
func TestSpikeChallenge(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {spike: {calls: 3}}")
	token, from := s.tokens(1)[0], "192.0.2.1"
	for range 3 {
		if a := s.mustGet("/v1/items/i1", token, from); a.code() != "" {
			t.Fatal(a.code())
		}
	}
	a := s.mustGet("/v1/items/i1", token, from)
	c := s.challengeIn(a)
	if a.code() != "challenge_required" || a.Status != 429 || c.Kind != "work" || c.CallsLeft != 5 {
		t.Fatalf("the fourth call: %d %s %+v", a.Status, a.code(), c)
	}
	if b := s.mustGet("/v1/items/i1", token, from); s.Nodes == nil && s.challengeIn(b).ID != c.ID || s.challengeIn(b).CallsLeft != 4 {
		// Each node encrypts its id itself.
		t.Errorf("the fifth call: %+v, want the same challenge with 4 calls left", s.challengeIn(b))
	}
	if s.Nodes != nil { // nodes store refusals within a second
		for _, n := range s.all() { // the node that refused the call knows it before
			s.until("explained", func() string {
				if _, err := n.Command("explain", strings.ToLower(a.Error.Ref)); err != nil {
					return err.Error()
				}
				return "explained"
			})
		}
	}
	s.must(s.Kill())
	s.client.CloseIdleConnections()
	s.must(s.Start())
	if a := s.solve(c, token, from); a.code() != "" || !strings.Contains(string(a.Data), `"solved":true`) {
		t.Fatalf("the answer after the kill: %d %s", a.Status, a.code())
	}
	if a := s.mustGet("/v1/items/i1", token, from); a.code() != "" || a.Meta.Token.Calls != 4 {
		t.Errorf("a call after the challenge was solved: %+v", a)
	}
	if a := s.solve(c, token, from); a.code() == "" {
		t.Error("the answer was accepted twice")
	}

	var explained struct{ Ref, Code, Rule, Tenant, Identity, Address string }
	s.until("challenge_required", func() string {
		out, err := s.Command("explain", strings.ToLower(a.Error.Ref), "--json")
		if err != nil {
			return err.Error()
		}
		s.must(json.Unmarshal([]byte(out), &explained))
		return explained.Code
	})
	if explained.Rule != "spike.calls" || explained.Tenant != "acme" || !strings.HasPrefix(explained.Identity, "token ") || !strings.HasPrefix(explained.Address, "192.0.2.0") {
		t.Errorf("explain: %+v", explained)
	}
}

// TestBlocksBecomeLonger: an address that binds too many tokens is blocked. The block survives kill
// -9, and expires. The next block is longer.
func TestBlocksBecomeLonger(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {address: {bindings: 3, then: block, block: [10s, 1h]}}")
	if first := s.offend("192.0.2.1"); first < 1 || first > 10 {
		t.Errorf("the first block ends in %d s, want at most 10", first)
	}
	s.must(s.Kill())
	s.client.CloseIdleConnections()
	s.must(s.Start())
	token := s.tokens(1)[0]
	if a := s.mustGet("/v1/items/i1", token, "192.0.2.1"); a.code() != "address_blocked" || a.Status != 403 {
		t.Errorf("after kill -9: %d %s", a.Status, a.code())
	}
	if a := s.mustGet("/v1/items/i1", s.tokens(1)[0], "192.0.2.2"); a.code() != "" {
		t.Errorf("another address: %s", a.code())
	}
	s.until("", func() string { return s.mustGet("/v1/items/i1", token, "192.0.2.1").code() })
	if second := s.offend("192.0.2.1"); second < 3500 || second > 3600 {
		t.Errorf("the second block ends in %d s, want about 3,600", second)
	}

	var list []struct{ Range, Kind, Origin string }
	s.must(s.CommandJSON(&list, "address", "list"))
	if fmt.Sprint(list) != "[{192.0.2.1/32 block rule}]" {
		t.Errorf("address list: %v", list)
	}
	s.command("address", "remove", "192.0.2.1")
	if a := s.mustGet("/v1/items/i1", token, "192.0.2.1"); a.code() != "" {
		t.Errorf("after the operator removed the block: %s", a.code())
	}
}

// offend binds tokens from an address until it is blocked. It returns the length of the block, in
// seconds.
func (s *server) offend(from string) int {
	s.t.Helper()
	for _, token := range s.tokens(5) {
		a := s.mustGet("/v1/items/i1", token, from)
		if a.code() == "address_blocked" && a.Error.RetryAfter != nil {
			return *a.Error.RetryAfter
		}
	}
	s.t.Fatal("five tokens did not cause a block")
	return 0
}

// TestAddressCommands: blocks and allows apply to the next call and survive a restart. The
// narrowest range decides.
func TestAddressCommands(t *testing.T) {
	s := newStrictServer(t, trusting)
	tokens := s.tokens(2)
	code := func(i int, from string) string { return s.mustGet("/v1/items/i1", tokens[i], from).code() }
	s.command("address", "block", "203.0.113.0/24", "--reason", "copies the corpus")
	if got := code(0, "203.0.113.9"); got != "address_blocked" {
		t.Errorf("blocked: %q", got)
	}
	s.command("address", "allow", "203.0.113.9")
	s.must(s.Stop())
	s.client.CloseIdleConnections()
	s.must(s.Start())
	if got := code(0, "203.0.113.9"); got != "" {
		t.Errorf("an allowed address in a blocked range: %q", got)
	}
	if got := code(1, "203.0.113.10"); got != "address_blocked" {
		t.Errorf("another address in the blocked range: %q", got)
	}
	s.command("address", "remove", "203.0.113.0/24")
	if got := code(1, "203.0.113.10"); got != "" {
		t.Errorf("after the block was removed: %q", got)
	}
}

// TestS34VisitorsOfOneAddress: visitors of a crowded address who solve their work are admitted.
// They meet neither a picture nor a block.
func TestS34VisitorsOfOneAddress(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {address: {bindings: 5}}")
	works := 0
	for _, token := range s.tokens(40) {
		a := s.mustGet("/v1/items/i1", token, "192.0.2.1")
		if a.code() == "challenge_required" {
			c := s.challengeIn(a)
			if c.Kind != "work" {
				t.Fatalf("a visitor who solves work got a %s", c.Kind)
			}
			works++
			if a := s.solve(c, token, "192.0.2.1"); a.code() != "" {
				t.Fatalf("the answer: %s", a.code())
			}
			a = s.mustGet("/v1/items/i1", token, "192.0.2.1")
		}
		if a.code() != "" {
			t.Fatalf("a visitor was refused: %s", a.code())
		}
	}
	if works != 35 {
		t.Errorf("%d of 40 visitors were challenged, want 35", works)
	}
}

// TestRecordsOfAnAddress: the records that the tokens of an address deliver are counted if the
// corpus is large in comparison with the budget. An import that makes it large takes effect
// immediately.
func TestRecordsOfAnAddress(t *testing.T) {
	// 15 records for each binding: a budget of 30.
	s := newStrictServer(t, trusting+"policy: {address: {bindings: 2, records: 1}}")
	token := s.tokens(1)[0]
	for range 3 {
		if a := s.mustGet("/v1/items?limit=30", token, "192.0.2.1"); a.code() != "" {
			t.Fatalf("a call with a small corpus: %s", a.code())
		}
	}
	var corpus strings.Builder
	for n := range 600 {
		fmt.Fprintf(&corpus, `{"id":"more%d","title":"One of more"}`+"\n", n)
	}
	s.write("more.jsonl", corpus.String())
	s.command("content", "import", "more.jsonl")
	token = s.tokens(1)[0]
	if a := s.mustGet("/v1/items?limit=30", token, "192.0.2.2"); a.code() != "" {
		t.Fatalf("a call within the budget: %s", a.code())
	}
	a := s.mustGet("/v1/items?limit=1", token, "192.0.2.2")
	if a.code() != "challenge_required" {
		t.Fatalf("a call over the budget: %q", a.code())
	}
	if a := s.solve(s.challengeIn(a), token, "192.0.2.2"); a.code() != "" {
		t.Fatal(a.code())
	}
	if a := s.mustGet("/v1/items?limit=50", token, "192.0.2.2"); a.code() != "" {
		t.Errorf("a call within the allowance for a solved challenge: %s", a.code())
	}
}
