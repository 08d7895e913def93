package handlers

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/challenge"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/tokens"
)

// taskOf returns the challenge in a response, or nil.
func (s *site) taskOf(rec *httptest.ResponseRecorder) *challengeJSON {
	s.Helper()
	var body struct {
		Error struct{ Challenge *challengeJSON }
		Data  json.RawMessage
	}
	s.must(json.Unmarshal(rec.Body.Bytes(), &body))
	if body.Error.Challenge != nil || body.Data == nil {
		return body.Error.Challenge
	}
	var t challengeJSON
	s.must(json.Unmarshal(body.Data, &t))
	return &t
}

// spike makes two calls, so that the second gets a challenge.
func (s *site) spike(token string) *challengeJSON {
	s.Helper()
	s.policy.Token.SpikeCalls = 1
	s.get(itemsPath, token)
	return s.meet(token)
}

// meet makes a call that gets a challenge.
func (s *site) meet(token string) *challengeJSON {
	s.Helper()
	rec := s.get(itemsPath, token)
	t := s.taskOf(rec)
	if t == nil || t.ID == "" {
		s.Fatalf("no challenge: %d %s", rec.Code, rec.Body)
	}
	s.asked = t.ID
	return t
}

// solve tries all answers, and returns the correct one.
func (s *site) solve(id string) string {
	s.Helper()
	asked, ok := s.Challenges.Open(id)
	if !ok {
		s.Fatalf("no challenge: %q", id)
	}
	form, most := "%d", 10_000
	if asked.Kind == challenge.Picture {
		form, most = "%05d", 100_000
	}
	for n := range most {
		if text := fmt.Sprintf(form, n); s.Challenges.IsCorrect(id, text) {
			return text
		}
	}
	s.Fatal("nothing solves it")
	return ""
}

// reply sends the answer to a challenge.
func (s *site) reply(id, answer, token string) *httptest.ResponseRecorder {
	s.Helper()
	return s.get(with("/v1/challenges/"+id+"/answer", "answer", answer), token)
}

func (s *site) exchange(id, token string) *httptest.ResponseRecorder {
	s.Helper()
	return s.get("/v1/challenges/"+id+"/reload", token)
}

// pretend seals a challenge for the token in params, whether it was issued or not, for requests
// that are refused before that is checked.
func (s *site) pretend(params []string) string {
	ask := challenge.Spec{Number: 1, Kind: challenge.Work, Expires: s.now.Add(time.Minute)}
	for i, name := range params {
		if name != "access_token" || i%2 != 0 {
			continue
		}
		if claims, err := s.Verifier.Verify(params[i+1], s.now); err == nil {
			ask.Token = claims.ID
		}
	}
	c, err := s.Challenges.Make(ask)
	s.must(err)
	return c.ID
}

// crowd sets a budget of two bindings an hour.
func (s *site) crowd(then addresses.Then) {
	s.addresses.SetPolicy(addresses.Policy{Bindings: 2, Per: time.Hour, Then: then, SolveRatio: 0.2, Block: []time.Duration{10 * time.Minute, time.Hour}})
}

// bindOther binds another token to the usual address.
func (s *site) bindOthers(n int) {
	for range n {
		s.get(itemsPath, s.mint())
	}
}

const (
	workTask = `{"id":"ID","kind":"work","expires_in":%d,"calls_left":%d,"parameters":{"algorithm":"PBKDF2/SHA-256","cost":1000,"expiresAt":%d,"keyLength":32,"keyPrefix":"HEX","nonce":"HEX","salt":"HEX"}}`
	pictured = `{"id":"ID","kind":"picture","expires_in":300,"calls_left":5,"picture":"https://api.example/v1/challenges/ID/picture.png","sound":"https://api.example/v1/challenges/ID/sound.wav","digits":5}`
	answers  = "/v1/challenges/{id}/answer"
	reloads  = "/v1/challenges/{id}/reload"
	closed   = "The challenge is not open: it was solved or replaced, or it belongs to another token."
)

// work is a challenge as it is issued at a time, to be solved in five minutes.
func work(asked time.Duration, left int) string {
	return fmt.Sprintf(workTask, 300, left, start.Add(asked+5*time.Minute).Unix())
}

// ladder lists refusals by challenges and by blocked addresses.
var ladder = []refused{
	{name: "spike", arrange: after(func(s *site, token string) { s.policy.Token.SpikeCalls = 1; s.get(itemsPath, token) }), code: codes.ChallengeRequired, task: work(0, 5)},
	{name: "spike of suggestions", route: "/v1/suggest", arrange: after(func(s *site, token string) {
		s.policy.Token.SpikeSuggestions = 1
		s.get("/v1/suggest?q=o", token)
	}), code: codes.ChallengeRequired, task: work(0, 5)},
	{name: "the same challenge again", arrange: after(func(s *site, token string) { s.spike(token); s.get(itemsPath, token) }), code: codes.ChallengeRequired, task: work(0, 3)},
	{name: "suggestions with one open", route: "/v1/suggest", arrange: after(func(s *site, token string) { s.spike(token) }), code: codes.ChallengeRequired, task: work(0, 5)},
	{name: "later", arrange: after(func(s *site, token string) { s.spike(token); s.now = s.now.Add(time.Minute) }), code: codes.ChallengeRequired,
		task: fmt.Sprintf(workTask, 240, 4, start.Add(5*time.Minute).Unix())},
	{name: "expired, so another", arrange: after(func(s *site, token string) { s.spike(token); s.now = s.now.Add(5 * time.Minute) }), code: codes.ChallengeRequired, task: work(5*time.Minute, 5)},
	{name: "a picture after two works", arrange: after(func(s *site, token string) {
		s.policy.Token.Ladder = []tokens.Kind{tokens.Work, tokens.Picture}
		s.reply(s.spike(token).ID, s.solve(s.asked), token)
		s.get(itemsPath, token)
	}), code: codes.ChallengeRequired, task: pictured},
	{name: "crowded", arrange: func(s *site) []string { s.crowd(addresses.ThenChallenge); s.bindOthers(2); return good(s) }, code: codes.ChallengeRequired, task: work(0, 5)},

	{name: "wrong answer", route: answers, arrange: after(func(s *site, token string) { s.spike(token) }, "answer", "0"), code: codes.ChallengeFailed, task: work(0, 5)},
	{name: "late answer", route: answers, arrange: func(s *site) []string {
		p := good(s)
		s.spike(p[3])
		s.now = s.now.Add(5 * time.Minute)
		return append(p, "answer", s.solve(s.asked))
	}, code: codes.ChallengeFailed, task: work(5*time.Minute, 5)},
	{name: "wrong once too often", route: answers, arrange: after(func(s *site, token string) { s.policy.Token.PerToken = 1; s.spike(token) }, "answer", "0"), code: codes.TokenChallengedTooOften},
	{name: "challenged too often", arrange: after(func(s *site, token string) {
		s.policy.Token.PerToken = 1
		s.reply(s.spike(token).ID, s.solve(s.asked), token)
		s.get(itemsPath, token)
	}), code: codes.TokenChallengedTooOften},
	{name: "ignored", arrange: after(func(s *site, token string) {
		s.policy.Token.Ignored = 1
		s.spike(token)
		s.meet(token)
	}), code: codes.TokenChallengeIgnored},
	{name: "dead after ignoring", route: answers, arrange: after(func(s *site, token string) {
		s.policy.Token.Ignored = 0
		s.spike(token)
		s.get(itemsPath, token)
	}, "answer", "0"), code: codes.TokenChallengeIgnored},

	{name: "no answer", route: answers, arrange: after(func(s *site, token string) { s.spike(token) }), code: codes.BadRequest, detail: "answer is missing"},
	{name: "empty answer", route: answers, arrange: after(func(s *site, token string) { s.spike(token) }, "answer", ""), code: codes.BadRequest, detail: "answer is missing"},
	{name: "two answers", route: answers, arrange: after(func(s *site, token string) { s.spike(token) }, "answer", "0", "answer", "2"), code: codes.BadRequest, detail: "answer is given more than once"},
	{name: "invalid id", route: "/v1/challenges/x/answer", arrange: also("answer", "0"), code: codes.NotFound, detail: closed},
	{name: "another's challenge", route: answers, arrange: func(s *site) []string { s.spike(s.mint()); return append(good(s), "answer", s.solve(s.asked)) }, code: codes.NotFound, detail: closed},
	{name: "nothing is open", route: answers, arrange: func(s *site) []string {
		p := good(s)
		s.asked = s.pretend(p)
		return append(p, "answer", "0")
	}, code: codes.NotFound, detail: closed},
	{name: "solved before", route: answers, arrange: func(s *site) []string {
		p := good(s)
		s.reply(s.spike(p[3]).ID, s.solve(s.asked), p[3])
		return append(p, "answer", s.solve(s.asked))
	}, code: codes.NotFound, detail: closed},
	{name: "exchanged before", route: reloads, arrange: after(func(s *site, token string) { s.exchange(s.spike(token).ID, token) }), code: codes.NotFound, detail: closed},
	{name: "exchanged once too often", route: reloads, arrange: after(func(s *site, token string) {
		s.policy.Token.PerToken = 1
		s.spike(token)
		for range 3 {
			s.asked = s.taskOf(s.exchange(s.asked, token)).ID
		}
	}), code: codes.TokenChallengedTooOften},
	{name: "no such challenge route", route: "/v1/challenges/{id}/solve", arrange: good, code: codes.NotFound},

	{name: "blocked permanently", arrange: after(func(s *site, _ string) { s.block("192.0.2.0/24", time.Time{}) }), code: codes.AddressBlocked},
	{name: "blocked for a while", arrange: after(func(s *site, _ string) { s.block("192.0.2.1/32", start.Add(90*time.Second)) }), code: codes.AddressBlocked, retry: "90"},
	{name: "blocked before the token is read", arrange: func(s *site) []string {
		s.block("192.0.2.1/32", start.Add(time.Hour))
		return []string{"client_id", "acme", "access_token", "x"}
	}, code: codes.AddressBlocked, retry: "3600"},
	{name: "blocked by the rule", arrange: func(s *site) []string { s.crowd(addresses.ThenBlock); s.bindOthers(3); return good(s) }, code: codes.AddressBlocked, retry: "600"},
	{name: "blocked by this very call", arrange: func(s *site) []string { s.crowd(addresses.ThenBlock); s.bindOthers(2); return good(s) }, code: codes.AddressBlocked, retry: "600"},

	{name: "a challenge can't be made", arrange: after(func(s *site, token string) {
		s.policy.Token.SpikeCalls = 1
		s.get(itemsPath, token)
		s.Challenges = idle{s.Challenges}
	}), code: codes.Overloaded, retry: "N"},
	{name: "an open challenge can't be made", route: "/v1/token", arrange: after(func(s *site, token string) { s.spike(token); s.Challenges = idle{s.Challenges} }), code: codes.Overloaded, retry: "N"},
	{name: "a challenge can't be exchanged", route: reloads, arrange: after(func(s *site, token string) { s.spike(token); s.Challenges = idle{s.Challenges} }), code: codes.Overloaded, retry: "N"},
	{name: "the address can't be checked", arrange: after(func(s *site, _ string) { s.addresses.store.fault = errDisk }), code: codes.Overloaded, retry: "N"},
}

// idle can't make challenges.
type idle struct{ Challenges }

func (idle) Make(challenge.Spec) (challenge.Challenge, error) { return challenge.Challenge{}, errDisk }

// TestSolved checks the whole responses from the challenge to the next call, over each transport.
func TestSolved(t *testing.T) {
	for _, way := range []string{"json", "jsonp", "form"} {
		s := newSite(t)
		token := s.mint()
		s.spike(token)
		ask := func(route string, pairs ...string) *httptest.ResponseRecorder {
			return s.send(way, refused{route: route}, append([]string{"client_id", "acme", "access_token", token}, pairs...))
		}
		check := func(rec *httptest.ResponseRecorder, body string) {
			t.Helper()
			if way == "jsonp" {
				s.check(rec, 200, "text/javascript; charset=utf-8", "/**/ typeof cb === 'function' && cb("+body+");", way)
				return
			}
			s.check(rec, 200, "application/json", body, way)
		}
		check(ask("/v1/token"), `{"data":{"binding":"address","calls":1,"calls_limit":100,"expires_in":86400,"challenge":`+work(0, 5)+`},"meta":{`+fresh+`}}`)
		check(ask(reloads), `{"data":`+work(0, 5)+`,"meta":{`+fresh+`}}`)
		s.asked = s.openID(token)
		check(ask(answers, "answer", s.solve(s.asked)), `{"data":{"solved":true},"meta":{`+fresh+`}}`)
		check(ask("/v1/token"), `{"data":{"binding":"address","calls":1,"calls_limit":100,"expires_in":86400,"challenge":null},"meta":{`+fresh+`}}`)
		if rec := s.get("/v1/items/one", token); rec.Code != 200 || s.Meter.Used(1, s.now) != 2 {
			t.Errorf("%s: after it: %d %s; the meter says %d", way, rec.Code, rec.Body, s.Meter.Used(1, s.now))
		}
	}
}

// TestExpiredChallengeIsNotShown checks that an expired challenge is not shown, and that the next
// call gets another.
func TestExpiredChallengeIsNotShown(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	s.spike(token)
	if s.now = s.now.Add(5*time.Minute - time.Second); s.openID(token) != s.asked {
		t.Error("it is not shown before it expires")
	}
	s.now = s.now.Add(time.Second)
	if rec := s.get("/v1/token", token); !strings.Contains(rec.Body.String(), `"challenge":null`) {
		t.Errorf("%s", rec.Body)
	}
}

// TestDeadTokensDoNotReachTheStore checks that an answer by a token that is known to be dead does
// not reach the store.
func TestDeadTokensDoNotReachTheStore(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	s.spike(token)
	s.revokeToken(token)
	s.tokens.fault = errDisk
	for _, rec := range []*httptest.ResponseRecorder{s.reply(s.asked, "0", token), s.exchange(s.asked, token)} {
		if !strings.Contains(rec.Body.String(), "token_revoked") {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	}
}

// openID returns the id of the open challenge, from /v1/token.
func (s *site) openID(token string) string {
	s.Helper()
	_, text, _ := strings.Cut(s.get("/v1/token", token).Body.String(), `"challenge":{"id":"`)
	id, _, _ := strings.Cut(text, `"`)
	return id
}

// TestRateLimitHeaders checks that a challenge leaves the token's remaining calls unchanged, and
// that a dead token has none.
func TestRateLimitHeaders(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	s.policy.Token.Ignored = 1
	s.spike(token)
	if l := s.get(itemsPath, token).Header().Get("RateLimit"); l != `"token";r=99;t=86400` {
		t.Errorf("challenged: %s", l)
	}
	if l := s.get(itemsPath, token).Header().Get("RateLimit"); l != `"token";r=0;t=86400` {
		t.Errorf("dead: %s", l)
	}
	if n := s.Meter.Used(1, s.now); n != 1 {
		t.Errorf("%d calls were counted", n)
	}
}

// TestKinds checks that the kinds in tokens and in challenge have the same numbers.
func TestKinds(t *testing.T) {
	if challenge.Kind(tokens.Work) != challenge.Work || challenge.Kind(tokens.Picture) != challenge.Picture {
		t.Error("they differ")
	}
	if tokens.MaxLevel != challenge.MaxLevel {
		t.Error("their levels differ")
	}
}
