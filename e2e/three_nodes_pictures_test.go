package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/challenge"
)

// TestThreeNodesPictures: a picture that one node issues can be seen, heard, answered and replaced
// at the others. A wrong answer that is sent to all nodes at the same time counts once, and the
// correct one, sent to all nodes 64 times, is accepted once.
func TestThreeNodesPictures(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {spike: {calls: 1}, challenge: {ladder: [picture]}}")
	nodes, read := s.all(), s.pictureReader()
	for i, token := range s.tokens(3) {
		from := addressOf(i)
		issuer, other, third := nodes[i%3], nodes[(i+1)%3], nodes[(i+2)%3]
		issuer.mustGet("/v1/items/i1", token, from)
		c := s.challengeIn(issuer.mustGet("/v1/items/i1", token, from))
		if c.Kind != "picture" {
			t.Fatalf("the kind of the challenge is %s, want picture", c.Kind)
		}
		third.seeAndHear(c)

		wrong := s.answers(c.ID, "no digits", token, from)
		wrong.want(t, map[string]int{"challenge_failed": 1, "not_found": 3*64 - 1})
		if n := s.challengesOf(token); n != 2 {
			t.Errorf("token %d: %d challenges after a wrong answer that was sent 192 times, want 2", i, n)
		}
		late := s.answers(c.ID, read(c.ID), token, from)
		late.want(t, map[string]int{"not_found": 3 * 64})

		c = s.challengeIn(other.mustGet("/v1/items/i1", token, from))
		reloaded, err := third.reload(c.ID, token, from)
		s.must(err)
		issuer.seeAndHear(reloaded)
		late = s.answers(c.ID, read(c.ID), token, from)
		late.want(t, map[string]int{"not_found": 3 * 64})
		solved := s.answers(reloaded.ID, read(reloaded.ID), token, from)
		solved.want(t, map[string]int{"": 1, "not_found": 3*64 - 1})
		if a := other.mustGet("/v1/items/i1", token, from); a.code() != "" || a.Meta.Token.Calls != 2 {
			t.Errorf("token %d: a call after the picture was solved: %s, %d calls", i, a.code(), a.Meta.Token.Calls)
		}
		if n := s.challengesOf(token); n != 2 {
			t.Errorf("token %d: %d challenges at the end, want 2", i, n)
		}
	}
}

// answers sends an answer to all nodes 64 times at the same time.
func (s *server) answers(id, answer, token, from string) *tally {
	var got tally
	var wg sync.WaitGroup
	nodes := s.all()
	for n := range 3 * 64 {
		wg.Go(func() {
			got.add(nodes[n%3].get("/v1/challenges/"+id+"/answer?answer="+url.QueryEscape(answer), token, from))
		})
	}
	wg.Wait()
	return &got
}

// seeAndHear fetches the picture and the sound of a challenge. Its URLs lead to any node, so it
// takes their paths.
func (s *server) seeAndHear(c issued) {
	s.t.Helper()
	for at, magic := range map[string]string{c.Picture: "\x89PNG\r\n", c.Sound: "RIFF"} {
		u, err := url.Parse(at)
		s.must(err)
		status, body := s.raw("GET", u.Path, http.Header{"X-Forwarded-For": {"192.0.2.1"}}, "")
		if status != http.StatusOK || !strings.HasPrefix(body, magic) || !strings.Contains(u.Path, c.ID) {
			s.t.Errorf("%s at %s: %d %.40q", at, s.URL, status, body)
		}
	}
}

// reload replaces a challenge.
func (s *server) reload(id, token, from string) (c issued, err error) {
	a, err := s.get("/v1/challenges/"+id+"/reload", token, from)
	if err != nil || a.code() != "" {
		return c, fmt.Errorf("reload: %s %v", a.code(), err)
	}
	return c, json.Unmarshal(a.Data, &c)
}

// challengesOf returns how many challenges were issued to a token.
func (s *server) challengesOf(token string) int {
	s.t.Helper()
	var v struct{ Challenges int }
	s.must(s.CommandJSON(&v, "token", "show", token))
	return v.Challenges
}

// pictureReader returns a function that reads the digits of a picture. It tries all, with the key
// that the nodes seal answers with.
func (s *server) pictureReader() func(id string) string {
	s.t.Helper()
	d, err := s.openData(0, time.Now())
	s.must(err)
	maker, err := challenge.NewMaker(d.Keys.SecretKey())
	s.must(err)
	s.must(d.Close())
	return func(id string) string {
		s.t.Helper()
		for n := range 100_000 {
			if answer := fmt.Sprintf("%05d", n); maker.IsCorrect(id, answer) {
				return answer
			}
		}
		s.t.Fatalf("no five digits are the answer to %s", id)
		return ""
	}
}
