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

// posed is a challenge as the API shows it.
type posed struct {
	ID         string
	Kind       string
	CallsLeft  int                   `json:"calls_left"`
	Parameters *challenge.Parameters `json:"parameters"`
}

// challengeIn is the challenge that a refusal carries.
func (s *site) challengeIn(a answer) posed {
	s.t.Helper()
	var p posed
	if a.Error == nil || a.Error.Challenge == nil {
		s.t.Fatalf("no challenge in %+v", a)
	}
	s.must(json.Unmarshal(*a.Error.Challenge, &p))
	return p
}

// solve works a challenge out, as a browser does, and sends the answer.
func (s *site) solve(p posed, token, from string) answer {
	s.t.Helper()
	if p.Parameters == nil {
		s.t.Fatalf("challenge %s is no work", p.Kind)
	}
	found, err := challenge.Solve(context.Background(), *p.Parameters)
	s.must(err)
	return s.mustGet("/v1/challenges/"+p.ID+"/answer?answer="+strconv.Itoa(int(found.Counter)), token, from)
}

// TestSpikeIsSolved: a spike brings a challenge, which survives kill -9; work
// solves it, and the token goes on; the refusal can be explained.
func TestSpikeIsSolved(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {spike: {calls: 3}}")
	token, from := s.tokens(1)[0], "192.0.2.1"
	for range 3 {
		if a := s.mustGet("/v1/items/i1", token, from); a.code() != "" {
			t.Fatal(a.code())
		}
	}
	a := s.mustGet("/v1/items/i1", token, from)
	p := s.challengeIn(a)
	if a.code() != "challenge_required" || a.Status != 429 || p.Kind != "work" || p.CallsLeft != 5 {
		t.Fatalf("the fourth call: %d %s %+v", a.Status, a.code(), p)
	}
	if b := s.mustGet("/v1/items/i1", token, from); s.challengeIn(b).ID != p.ID || s.challengeIn(b).CallsLeft != 4 {
		t.Errorf("the fifth call: %+v, want the same challenge with 4 calls left", s.challengeIn(b))
	}
	s.must(s.Kill())
	s.client.CloseIdleConnections()
	s.must(s.Start())
	if a := s.solve(p, token, from); a.code() != "" || !strings.Contains(string(a.Data), `"solved":true`) {
		t.Fatalf("the answer, after a kill: %d %s", a.Status, a.code())
	}
	if a := s.mustGet("/v1/items/i1", token, from); a.code() != "" || a.Meta.Token.Calls != 4 {
		t.Errorf("solved, and then: %+v", a)
	}
	if a := s.solve(p, token, from); a.code() == "" {
		t.Error("the answer worked twice")
	}

	var why struct{ Ref, Code, Rule, Tenant, Identity, Address string }
	s.until("challenge_required", func() string {
		out, err := s.Command("explain", strings.ToLower(a.Error.Ref), "--json")
		if err != nil {
			return err.Error()
		}
		s.must(json.Unmarshal([]byte(out), &why))
		return why.Code
	})
	if why.Rule != "spike.calls" || why.Tenant != "acme" || !strings.HasPrefix(why.Identity, "token ") || !strings.HasPrefix(why.Address, "192.0.2.0") {
		t.Errorf("explain: %+v", why)
	}
}

// TestBlocksGrow: an address that binds too many tokens is blocked; the block
// survives kill -9, ends by itself, and is longer the second time.
func TestBlocksGrow(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {address: {bindings: 3, then: block, block: [3s, 1h]}}")
	if first := s.offend("192.0.2.1"); first < 1 || first > 3 {
		t.Errorf("the first block ends in %d s", first)
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
		t.Errorf("the second block ends in %d s, want an hour", second)
	}

	var list []struct{ Range, Kind, Origin string }
	s.must(s.CommandJSON(&list, "address", "list"))
	if fmt.Sprint(list) != "[{192.0.2.1/32 block rule}]" {
		t.Errorf("address list: %v", list)
	}
	s.command("address", "remove", "192.0.2.1")
	if a := s.mustGet("/v1/items/i1", token, "192.0.2.1"); a.code() != "" {
		t.Errorf("lifted by a person: %s", a.code())
	}
}

// offend binds tokens from an address until it is blocked, and returns for how
// many seconds.
func (s *site) offend(from string) int {
	s.t.Helper()
	for _, token := range s.tokens(5) {
		a := s.mustGet("/v1/items/i1", token, from)
		if a.code() == "address_blocked" && a.Error.RetryAfter != nil {
			return *a.Error.RetryAfter
		}
	}
	s.t.Fatal("five tokens, and no block")
	return 0
}

// TestAddressCommandsActAtOnce: what a person says of a range holds for the
// next call, by the longest range, and through a restart.
func TestAddressCommandsActAtOnce(t *testing.T) {
	s := newStrictSite(t, trusting)
	tokens := s.tokens(2)
	code := func(i int, from string) string { return s.mustGet("/v1/items/i1", tokens[i], from).code() }
	s.command("address", "block", "203.0.113.0/24", "--reason", "pulls the corpus")
	if got := code(0, "203.0.113.9"); got != "address_blocked" {
		t.Errorf("blocked: %q", got)
	}
	s.command("address", "allow", "203.0.113.9")
	s.must(s.Stop())
	s.client.CloseIdleConnections()
	s.must(s.Start())
	if got := code(0, "203.0.113.9"); got != "" {
		t.Errorf("allowed inside a block: %q", got)
	}
	if got := code(1, "203.0.113.10"); got != "address_blocked" {
		t.Errorf("its neighbour: %q", got)
	}
	s.command("address", "remove", "203.0.113.0/24")
	if got := code(1, "203.0.113.10"); got != "" {
		t.Errorf("removed: %q", got)
	}
}

// TestS34PeopleBehindOneAddress: a crowd that solves its work is let through, and
// meets neither a picture nor a block.
func TestS34PeopleBehindOneAddress(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {address: {bindings: 5}}")
	works := 0
	for _, token := range s.tokens(40) {
		a := s.mustGet("/v1/items/i1", token, "192.0.2.1")
		if a.code() == "challenge_required" {
			p := s.challengeIn(a)
			if p.Kind != "work" {
				t.Fatalf("a person who works was shown a %s", p.Kind)
			}
			works++
			if a := s.solve(p, token, "192.0.2.1"); a.code() != "" {
				t.Fatalf("the answer: %s", a.code())
			}
			a = s.mustGet("/v1/items/i1", token, "192.0.2.1")
		}
		if a.code() != "" {
			t.Fatalf("a person was refused: %s", a.code())
		}
	}
	if works != 35 {
		t.Errorf("%d of 40 were asked to work, want 35", works)
	}
}

// TestRecordsOfAnAddress: what the tokens of an address deliver is counted
// where the corpus is large against it, from the import that makes it so.
func TestRecordsOfAnAddress(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {address: {bindings: 2, records: 1}}") // 15 for each binding: 30
	token := s.tokens(1)[0]
	for range 3 {
		if a := s.mustGet("/v1/items?limit=30", token, "192.0.2.1"); a.code() != "" {
			t.Fatalf("of a small corpus: %s", a.code())
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
		t.Fatalf("within its budget: %s", a.code())
	}
	a := s.mustGet("/v1/items?limit=1", token, "192.0.2.2")
	if a.code() != "challenge_required" {
		t.Fatalf("over it: %q", a.code())
	}
	if a := s.solve(s.challengeIn(a), token, "192.0.2.2"); a.code() != "" {
		t.Fatal(a.code())
	}
	if a := s.mustGet("/v1/items?limit=50", token, "192.0.2.2"); a.code() != "" {
		t.Errorf("with leave for a hundred: %s", a.code())
	}
}
