package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/tokens"
)

// TestS10Secrets sends canaries through every route and parameter, with faults and panics, and
// checks that none is in a log, a metric or an error.
func TestS10Secrets(t *testing.T) {
	s := newSite(t)
	token, other := s.mint(), s.mint() // other is revoked on the way
	const canary, address = "canary-0123456789", "203.0.113.77"
	id := s.pretend([]string{"access_token", token})
	var said strings.Builder
	for _, spoil := range []func(){
		func() {},
		func() { s.corpus.fault = errDisk },
		func() { s.corpus.fault, s.corpus.bomb = nil, fmt.Sprint("panic with ", token, canary) },
		func() { s.corpus.bomb = errors.New(canary + token) },
		func() { s.corpus.bomb, s.tokens.fault = nil, errDisk },
		func() { s.tokens.fault, s.Verifier = nil, broken{errDisk} },
	} {
		spoil()
		for _, path := range []string{
			"/v1/items", "/v1/items/one", "/v1/items/none", "/v1/items/one/related", "/v1/suggest", "/v1/collections", "/v1/token",
			"/v1/challenges/" + canary + "/answer", "/v1/challenges/" + id + "/answer", "/v1/challenges/" + id + "/reload", "/v1/challenges/" + id + "/picture.png",
			"/nowhere", "/oauth/token", "/oauth/introspect", "/oauth/revoke", "/problems/x", "/.well-known/jwks.json",
		} {
			secrets := query("client_id", "acme", "access_token", token, "q", canary, "client_secret", s.secret, "token", other, "cursor", canary, "answer", canary, "lang", canary)
			header := http.Header{"Authorization": {"Bearer " + canary}, "Cookie": {canary}, "Referer": {"https://" + canary + ".example/?" + secrets}, "X-Forwarded-For": {address}, "User-Agent": {canary}}
			for _, a := range []ask{
				{path: path + "?" + secrets}, {path: path + "?" + secrets + "&callback=cb"}, {path: path + "?" + secrets + "&callback=" + canary},
				{path: path + "?" + secrets + "&proof=" + canary}, {path: path + "?" + secrets, header: http.Header{"Dpop": {canary}}},
				{path: path + "?" + secrets + "&limit=x&sort=" + canary}, {path: path + "?" + secrets + "&x=%zz"},
				{path: path + "?" + secrets, header: header}, {path: path, header: header}, {method: "POST", path: path, body: secrets},
				{method: "POST", path: path, body: secrets, header: basic("acme", canary)}, {method: "POST", path: path, body: secrets + "&grant_type=" + canary},
				{method: "PUT", path: path + "?" + secrets},
			} {
				a.from = address
				rec := s.do(a)
				if path != "/oauth/token" && path != "/oauth/introspect" {
					said.WriteString(rec.Body.String())
				}
			}
		}
	}
	rec := httptest.NewRecorder()
	s.Admin().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	signature := token[strings.LastIndexByte(token, '.')+1:]
	for where, text := range map[string]string{"the log": s.lines.String(), "the metrics": rec.Body.String(), "an answer": said.String(), "an explanation": fmt.Sprint(s.notes.notes)} {
		for _, secret := range []string{canary, id, signature, token[:60], s.secret, address} {
			if strings.Contains(text, secret) {
				i := strings.Index(text, secret)
				t.Errorf("%s has %.30s: %s", where, secret, text[max(0, i-200):i])
			}
		}
	}
	if n := strings.Count(s.lines.String(), "panic: a "); n < 20 {
		t.Errorf("only %d panics", n)
	}
	if log := s.lines.String(); !strings.Contains(log, `"address":"203.0.113.0/24"`) || !strings.Contains(log, `"tenant":"acme"`) || !strings.Contains(log, `"ref":"`) {
		t.Error("the log says too little")
	}
}

// TestS10Answers checks that no answer to a challenge, correct or wrong, is in a log, a metric, an
// explanation or stored data. Nor is the challenge's id, which gives access to its picture. Answers
// are searched as whole words. An answer has five digits, as have some durations, days, and values
// and bounds of metrics: these are left out, since one run in a thousand had such an answer.
func TestS10Answers(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	var secrets []string
	for range 3 {
		s.policy.Token.Ladder = []tokens.Kind{tokens.Picture}
		task := s.spike(token)
		right := s.solve(task.ID)
		wrong := "9" + right[1:]
		if wrong == right {
			wrong = "8" + right[1:]
		}
		s.do(ask{path: strings.TrimPrefix(task.Picture, publicURL)})
		next := s.taskOf(s.reply(task.ID, wrong, token))
		solution := s.solve(next.ID)
		if rec := s.reply(next.ID, solution, token); rec.Code != 200 {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		secrets = append(secrets, task.ID, next.ID, right, wrong, solution)
	}
	measured := regexp.MustCompile(`(?m)"took":\d+|\ble="[\d.]+"| [\d.e+-]+$|\bDay:\d+`)
	for where, text := range map[string]string{
		"the log": s.lines.String(), "the metrics": s.metrics(), "an explanation": fmt.Sprint(s.notes.notes), "the store": fmt.Sprintf("%+v", s.tokens.states),
	} {
		text = measured.ReplaceAllString(text, "")
		for _, secret := range secrets {
			if regexp.MustCompile(`\b` + regexp.QuoteMeta(secret) + `\b`).MatchString(text) {
				t.Errorf("%s has %s", where, secret)
			}
		}
	}
}
