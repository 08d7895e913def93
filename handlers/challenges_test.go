package handlers

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/challenge"
	"stile.example/stile/tokens"
)

// TestS30SingleUse checks that the correct answer, sent 64 times simultaneously, is accepted once.
func TestS30SingleUse(t *testing.T) {
	for _, kind := range []tokens.Kind{tokens.Work, tokens.Picture} {
		s := newSite(t)
		s.policy.Token.Ladder = []tokens.Kind{kind}
		token := s.mint()
		id := s.spike(token).ID
		right := s.solve(id)
		var all [64]*httptest.ResponseRecorder
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() { all[i] = s.reply(id, right, token) })
		}
		wg.Wait()
		accepted := 0
		for _, rec := range all {
			switch {
			case rec.Code == 200 && strings.HasPrefix(rec.Body.String(), `{"data":{"solved":true}`):
				accepted++
			case rec.Code != 404 || !strings.Contains(rec.Body.String(), closed):
				t.Errorf("%v: %d %s", kind, rec.Code, rec.Body)
			}
		}
		if accepted != 1 {
			t.Errorf("%v: accepted %d times", kind, accepted)
		}
		if rec := s.get("/v1/items/one", token); rec.Code != 200 {
			t.Errorf("%v: after it: %d %s", kind, rec.Code, rec.Body)
		}
	}
}

// TestS30OneSpelling checks that only the exact answer is correct. Each other spelling ends the
// challenge and leads to the next.
func TestS30OneSpelling(t *testing.T) {
	s := newSite(t)
	s.policy.Token.Ladder, s.policy.Token.PerToken = []tokens.Kind{tokens.Picture}, 100
	token := s.mint()
	id := s.spike(token).ID
	for _, wrong := range []func(string) string{
		func(d string) string { return d[:1] + " " + d[1:] },
		func(d string) string { return " " + d },
		func(d string) string { return d + "\n" },
		func(d string) string { return "+" + d },
		func(d string) string { return "0" + d },
		func(d string) string { return d[:4] },
		func(d string) string { return d + "0" },
		func(d string) string { return strings.Map(func(c rune) rune { return c - '0' + '٠' }, d) },
		func(d string) string { return d + "," + d },
		func(d string) string { return strings.Repeat(d, 1000) },
	} {
		answer := wrong(s.solve(id))
		rec := s.reply(id, answer, token)
		next := s.taskOf(rec)
		if rec.Code != 422 || next == nil || next.ID == id {
			t.Fatalf("%q: %d %s", answer, rec.Code, rec.Body)
		}
		if again := s.reply(id, s.solve(id), token); again.Code != 404 {
			t.Fatalf("the right answer after %q: %d %s", answer, again.Code, again.Body)
		}
		id = next.ID
	}
	if rec := s.reply(id, s.solve(id), token); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestS30Owner checks that a correct answer by another token, from another address or of another
// client does not change the challenge, and that one after a reload is late.
func TestS30Owner(t *testing.T) {
	s := newSite(t)
	token, other := s.mint(), s.mint()
	id := s.spike(token).ID
	s.spike(other)
	if rec := s.reply(id, s.solve(id), other); rec.Code != 404 {
		t.Errorf("another token: %d %s", rec.Code, rec.Body)
	}
	if rec := s.exchange(id, other); rec.Code != 404 {
		t.Errorf("another token's reload: %d %s", rec.Code, rec.Body)
	}
	rec := s.exchange(id, token)
	next := s.taskOf(rec)
	if rec.Code != 200 || next.ID == id {
		t.Fatalf("reload: %d %s", rec.Code, rec.Body)
	}
	if rec := s.reply(id, s.solve(id), token); rec.Code != 404 {
		t.Errorf("after a reload: %d %s", rec.Code, rec.Body)
	}
	if rec := s.reply(next.ID, s.solve(next.ID), token); rec.Code != 200 {
		t.Errorf("the next one: %d %s", rec.Code, rec.Body)
	}
}

// TestS30EveryPictureIsCounted checks that each challenge that is issued, answered wrong, late, or
// reloaded more than three times counts as one of the token's, and that the last one kills the
// token.
func TestS30EveryPictureIsCounted(t *testing.T) {
	s := newSite(t)
	s.policy.Token.Ladder = []tokens.Kind{tokens.Picture}
	token := s.mint()
	claims, err := s.Verifier.Verify(token, s.now)
	s.must(err)
	asked := func() uint16 { return s.tokens.states[claims.ID].ChallengesIssued }
	id := s.spike(token).ID
	for n, want := range []uint16{1, 1, 1, 2, 3} {
		rec := s.exchange(id, token)
		if id = s.taskOf(rec).ID; asked() != want {
			t.Errorf("%d reloads: %d asked: %s", n+1, asked(), rec.Body)
		}
	}
	id = s.taskOf(s.reply(id, "wrong", token)).ID
	s.now = s.now.Add(5 * time.Minute)
	s.taskOf(s.reply(id, s.solve(id), token))
	s.now = s.now.Add(5 * time.Minute)
	id = s.meet(token).ID
	if asked() != 6 {
		t.Errorf("%d asked, want 6", asked())
	}
	if rec := s.reply(id, "wrong", token); !strings.Contains(rec.Body.String(), "token_challenged_too_often") {
		t.Errorf("the seventh: %d %s", rec.Code, rec.Body)
	}
}

// TestRestartAcceptsChallenges checks that another server with the same keys accepts the answer to
// a challenge.
func TestRestartAcceptsChallenges(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	id := s.spike(token).ID
	maker, err := challenge.NewMaker(s.key)
	s.must(err)
	s.Challenges = maker
	if again := s.meet(token); again.ID == id {
		t.Error("the memory of challenges has survived: this test says nothing")
	}
	if rec := s.reply(id, s.solve(id), token); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec := s.reply(s.asked, s.solve(s.asked), token); rec.Code != 404 {
		t.Errorf("and the other one too: %d %s", rec.Code, rec.Body)
	}
}
