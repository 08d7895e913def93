package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"stile.example/stile/stiletest"
)

// postWith posts a call with a proof, and returns the response.
func (s *server) postWith(path, token, proof string) string {
	s.t.Helper()
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	_, text := s.raw("POST", path, header, sessionForm(token)+"&proof="+url.QueryEscape(proof))
	return text
}

// sessionForm returns the parameters of a call that its session proof covers.
func sessionForm(token string) string { return "client_id=acme&access_token=" + token }

// join makes a call with a DPoP proof at a node, and returns the session that the response offers.
func (s *server) join(node *server, key stiletest.Key, path, token string) *stiletest.Session {
	s.t.Helper()
	k := stiletest.NewSessionKey()
	session, err := k.Join(node.postWith(path, token, key.ProofWithSession(k, "POST", s.origin()+path, token, time.Now())), token)
	s.must(err)
	return session
}

// codeOf returns the code in a response, "" if it is not a refusal.
func (s *server) codeOf(text string) string {
	s.t.Helper()
	var a response
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		s.t.Fatalf("%v: %s", err, text)
	}
	return a.code()
}

// TestS80SessionProofs: a session that was agreed on at one server is valid at each. Of 60 copies
// of a request, sent to all at the same time, one is admitted. After kill -9, none of the copies
// is; the next proof of the session is, and at once.
func TestS80SessionProofs(t *testing.T) {
	s := newServer(t, trusting)
	s.waitForProofs()
	const path, proofs = "/v1/items/i1", 20
	nodes := s.all()
	key, token := stiletest.NewKey(), s.tokens(1)[0]
	session := s.join(nodes[0], key, path, token)
	next := func() string {
		proof, err := session.Proof("POST", path, sessionForm(token))
		s.must(err)
		return proof
	}
	var used []string
	for range proofs {
		used = append(used, next())
		var got tally
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				var a response
				err := json.Unmarshal([]byte(nodes[i%len(nodes)].postWith(path, token, used[len(used)-1])), &a)
				got.add(a, err)
			})
		}
		wg.Wait()
		got.want(t, map[string]int{"": 1, "proof_invalid": 59})
	}
	s.must(s.Kill())
	s.client.CloseIdleConnections()
	s.must(s.Start())
	nodes = s.all()
	for i, n := range nodes {
		if code := s.codeOf(n.postWith(path, token, next())); code != "" {
			t.Errorf("after kill -9, at %d: %s", i, code)
		}
		for _, proof := range used {
			if code := s.codeOf(n.postWith(path, token, proof)); code != "proof_invalid" {
				t.Errorf("after kill -9, a copy at %d: %q", i, code)
			}
		}
	}
	if v := s.show(token); v.Calls != 1+proofs+len(nodes) || v.Binding != "key" {
		t.Errorf("token show: %+v", v)
	}
}
