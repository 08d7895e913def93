package handlers

import (
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/handlers/proofs"
	"stile.example/stile/stiletest"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/proof"
)

// TestS57UnboundTokensSpendNothing checks that no proof is stored for tokens that are unbound, and
// that the request does not bind, whatever key made it: a flood of them takes no memory. A proof
// that binds a token is spent.
func TestS57UnboundTokensSpendNothing(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	for n := range 50 { // /v1/token binds nothing
		k := stiletest.NewKey()
		p := s.proofBy(k, 2, "/v1/token", token)
		for range 2 {
			if rec := s.carry(2, "/v1/token", token, p, ""); rec.Code != 200 {
				t.Fatalf("key %d: %d %s", n, rec.Code, rec.Body)
			}
		}
	}
	s.addresses.SetPolicy(addresses.Policy{Bindings: 1, Per: time.Hour, Then: addresses.ThenBlock, Block: []time.Duration{time.Hour}})
	for range 3 {
		s.get(itemsPath, s.mint())
	}
	p := s.proofBy(stiletest.NewKey(), 2, itemsPath, token)
	for range 2 { // at a blocked address nothing is bound, and nothing spent
		if rec := s.carry(2, itemsPath, token, p, ""); !strings.Contains(rec.Body.String(), `"address_blocked"`) {
			t.Fatalf("at a blocked address: %d %s", rec.Code, rec.Body)
		}
	}
	if rec := s.carry(2, itemsPath, token, p, "203.0.113.9"); rec.Code != 200 {
		t.Fatalf("the first call that binds: %d %s", rec.Code, rec.Body)
	}
	if rec := s.carry(2, itemsPath, token, p, "203.0.113.9"); !strings.Contains(rec.Body.String(), `"proof_invalid"`) {
		t.Errorf("its proof once more: %d %s", rec.Code, rec.Body)
	}
}

// TestS57ForeignProofs checks that proofs by other keys with a bound token are stored too, within a
// budget of their own: a caller with many of them can't use up the owner's.
func TestS57ForeignProofs(t *testing.T) {
	s := newSite(t)
	owner, token := stiletest.NewKey(), s.mint()
	call := func(k stiletest.Key) (code string) {
		rec := s.carry(2, itemsPath, token, s.proofBy(k, 2, itemsPath, token), "")
		_, code, _ = strings.Cut(rec.Body.String(), `"code":"`)
		code, _, _ = strings.Cut(code, `"`)
		return code
	}
	if code := call(owner); code != "" {
		t.Fatal(code)
	}
	other, codes := stiletest.NewKey(), map[string]int{}
	for range proofs.MostForeign + 20 {
		codes[call(other)]++
	}
	if codes["token_hijacked"] != proofs.MostForeign || codes["overloaded"] != 20 {
		t.Errorf("another key: %v", codes)
	}
	for range 50 {
		if code := call(owner); code != "" {
			t.Fatalf("the owner: %s", code)
		}
	}
}

// TestS57Limits checks that as many proofs are stored for a token as its limits admit.
func TestS57Limits(t *testing.T) {
	p := tokens.Policy{SpikeCalls: 60, SpikeSuggestions: 240, SpikePer: 60e9, PerToken: 6}
	if n := proofs.MostOf(p); n < 2*300 || 64*n > 1<<16 || proof.Life <= 60e9 {
		t.Errorf("%d proofs a token", n)
	}
}

// TestS60OpenChallengesOnly checks that a picture is rendered only for its token's open challenge,
// and at most six times.
func TestS60OpenChallengesOnly(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	task := s.askPicture(token)
	id, picture := task.ID, strings.TrimPrefix(task.Picture, publicURL)
	asked, _ := s.Challenges.Open(id)
	for range tokens.MaxRendered {
		v, err := s.Gate.Apply(t.Context(), asked.Token, s.policy.Token, tokens.Render{At: s.now, Number: asked.Number})
		if err != nil || v.Outcome != tokens.Admit {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	if rec := s.do(ask{path: picture}); rec.Code != 429 || !strings.Contains(rec.Body.String(), "Reload it for a new one.") {
		t.Errorf("the seventh: %d %s", rec.Code, rec.Body)
	}
	next := s.taskOf(s.exchange(id, token))
	if rec := s.do(ask{path: picture}); rec.Code != 404 {
		t.Errorf("a challenge that was reloaded: %d %s", rec.Code, rec.Body)
	}
	picture = strings.TrimPrefix(next.Picture, publicURL)
	if rec := s.do(ask{path: picture}); rec.Code != 200 {
		t.Errorf("the one after it: %d %s", rec.Code, rec.Body)
	}
	if rec := s.reply(next.ID, s.solve(next.ID), token); rec.Code != 200 {
		t.Fatalf("the answer: %d %s", rec.Code, rec.Body)
	}
	for _, path := range []string{picture, strings.TrimPrefix(next.Sound, publicURL)} {
		if rec := s.do(ask{path: path}); rec.Code != 404 {
			t.Errorf("a challenge that was solved: %s: %d", path, rec.Code)
		}
	}
}
