package handlers

import (
	"context"
	"strings"
	"testing"
	"time"

	"stile.example/stile/stiletest"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/proof"
)

// sharedMemory is a memory that several servers use.
type sharedMemory struct {
	*memory
	used      map[tokens.Once]bool
	notBefore int64
}

func (m *sharedMemory) NotBefore() int64 { return m.notBefore }

func (*sharedMemory) Await(context.Context, int) bool { return false }

func (m *sharedMemory) UpdateOnce(
	ctx context.Context, id tokens.ID, once tokens.Once, fn func(tokens.State) tokens.State,
) (spent bool, err error) {
	err = m.Update(ctx, id, func(s tokens.State) tokens.State {
		next := fn(s)
		if spent = next != s && !m.used[once]; spent {
			return next
		}
		return s
	})
	if err == nil && !spent && m.used[once] {
		err = tokens.ErrUsed
	}
	m.used[once] = m.used[once] || spent
	return spent, err
}

// TestProofAtTwoServers checks that a proof that one server has accepted is refused by another, as
// it is by the first one, and that each request may write several times with one proof.
func TestProofAtTwoServers(t *testing.T) {
	s := newSite(t)
	shared := &sharedMemory{memory: s.tokens, used: map[tokens.Once]bool{}}
	s.Gate.Store = shared
	k, token := stiletest.NewKey(), s.mint()
	for range 3 { // the first call binds
		p := s.proofBy(k, 2, itemsPath, token)
		if rec := s.carry(2, itemsPath, token, p, ""); rec.Code != 200 {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		here := s.carry(2, itemsPath, token, p, "").Body.String()
		known := s.Proofs
		s.Proofs = proof.NewChecker(start.Add(-time.Hour)) // of another server, with the same store
		there := s.carry(2, itemsPath, token, p, "").Body.String()
		s.Proofs = known
		if !strings.Contains(there, `"proof_invalid"`) || !strings.Contains(there, "it was used before") {
			t.Errorf("another server: %s", there)
		}
		if a, b := withoutRef(here), withoutRef(there); a != b {
			t.Errorf("the refusals differ:\n%s\n%s", a, b)
		}
	}
	if len(shared.used) != 3 {
		t.Errorf("%d proofs are spent", len(shared.used))
	}
}

// withoutRef returns a refusal without its reference.
func withoutRef(body string) string {
	before, rest, _ := strings.Cut(body, `"ref":"`)
	_, after, _ := strings.Cut(rest, `"`)
	return before + after
}

// TestForgottenTokens checks that a token is refused if its state may have been lost, and that its
// explanation says so.
func TestForgottenTokens(t *testing.T) {
	s := newSite(t)
	shared := &sharedMemory{memory: s.tokens, used: map[tokens.Once]bool{}}
	s.Gate.Store = shared
	bound, unbound := s.mint(), s.mint()
	s.get(itemsPath, bound)
	shared.notBefore = s.now.Unix()
	if rec := s.get(itemsPath, bound); rec.Code != 200 {
		t.Errorf("a token whose state is known: %d %s", rec.Code, rec.Body)
	}
	if rec := s.get(itemsPath, unbound); !strings.Contains(rec.Body.String(), `"token_expired"`) {
		t.Errorf("a token that may have been used: %d %s", rec.Code, rec.Body)
	}
	if rule := s.notes.notes[len(s.notes.notes)-1].Rule; rule != "lost states" {
		t.Errorf("rule %q", rule)
	}
}
