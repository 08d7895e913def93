package e2e

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/challenge"
	"stile.example/stile/stiletest"
)

// all returns the three nodes, each without the balancer. One server is its only node.
func (s *server) all() (nodes []*server) {
	if s.Nodes == nil {
		return []*server{s}
	}
	for _, n := range s.Nodes.All() {
		one := *s
		one.Server = n
		nodes = append(nodes, &one)
	}
	return nodes
}

// within returns how long it took until fn returned true, and fails after 10 s.
func (s *server) within(what string, fn func() bool) time.Duration {
	s.t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		switch took := time.Since(began); {
		case fn():
			return took
		case took > 10*time.Second:
			s.t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// TestThreeNodesCallLimit: of 90 simultaneous calls with a token that is limited to 30, 30 to each
// node, exactly 30 are admitted, for each of 20 tokens. Of 900 calls of a tenant whose quota is
// 300, exactly 300 are.
func TestThreeNodesCallLimit(t *testing.T) {
	s := newServer(t, trusting+"policy: {token: {calls: 30}}")
	nodes := s.all()
	for _, token := range s.tokens(20) {
		var got tally
		var wg sync.WaitGroup
		for i := range 90 {
			wg.Go(func() { got.add(nodes[i%3].get("/v1/items/i1", token, "192.0.2.1")) })
		}
		wg.Wait()
		got.want(t, map[string]int{"": 30, "token_exhausted": 60})
	}
	secret, err := s.Tenant("globe", "--calls-per-month", "300")
	s.must(err)
	tokens := make([]string, 45)
	for i := range tokens {
		tokens[i], err = s.Token("globe", secret)
		s.must(err)
	}
	var got tally
	var wg sync.WaitGroup
	for client := range 45 {
		wg.Go(func() {
			for n := range 20 {
				got.add(nodes[(client+n)%3].as("globe").get("/v1/items/i1", tokens[client], "192.0.2.1"))
			}
		})
	}
	wg.Wait()
	got.want(t, map[string]int{"": 300, "tenant_exhausted": 600})
	for _, n := range nodes {
		if calls := n.charged(); calls != 600 {
			t.Errorf("%s: %d calls were charged to acme, want 600", n.URL, calls)
		}
	}
}

// TestThreeNodesTwoBindings: of simultaneous first calls at three nodes, from three addresses or
// with three keys, exactly one is admitted, in 2,000 races.
func TestThreeNodesTwoBindings(t *testing.T) {
	s := newServer(t, trusting)
	nodes := s.all()
	keys := []stiletest.Key{stiletest.NewKey(), stiletest.NewKey(), stiletest.NewKey()}
	const path = "/v1/items/i1"
	race := func(i int, token string) int {
		var wg sync.WaitGroup
		var admitted atomic.Int32
		for n, node := range nodes {
			proof := s.proofBy(keys[n], "header", path, token)
			wg.Go(func() {
				var a response
				if i%2 == 0 {
					a = node.mustGet(path, token, fmt.Sprintf("192.0.2.%d", n))
				} else {
					a = node.withProof("header", path, token, proof, "192.0.2.1")
				}
				switch a.code() {
				case "":
					admitted.Add(1)
				case "token_hijacked", "proof_invalid":
				default:
					t.Errorf("race %d: %s", i, a.code())
				}
			})
		}
		wg.Wait()
		return int(admitted.Load())
	}
	tokens := s.tokens(2000)
	var several, none atomic.Int32
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for i := client; i < len(tokens); i += 8 {
				switch n := race(i, tokens[i]); {
				case n == 0:
					none.Add(1)
				case n > 1:
					several.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if several.Load() != 0 || none.Load() != 0 {
		t.Errorf("of 2,000 races, several calls were admitted in %d, and none in %d", several.Load(), none.Load())
	}
}

// TestThreeNodesOneChallenge: the answer to a challenge, sent to all nodes 64 times at the same
// time, is accepted once.
func TestThreeNodesOneChallenge(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {spike: {calls: 1}}")
	nodes := s.all()
	for i, token := range s.tokens(5) {
		from := fmt.Sprintf("192.0.2.%d", i)
		s.mustGet("/v1/items/i1", token, from)
		c := s.challengeIn(s.mustGet("/v1/items/i1", token, from))
		if c.Parameters == nil {
			t.Fatalf("the kind of the challenge is %s, want work", c.Kind)
		}
		found, err := challenge.Solve(t.Context(), *c.Parameters)
		s.must(err)
		var accepted atomic.Int32
		var wg sync.WaitGroup
		for n := range 3 * 64 {
			wg.Go(func() {
				a, err := nodes[n%3].get("/v1/challenges/"+c.ID+"/answer?answer="+strconv.Itoa(int(found.Counter)), token, from)
				if err != nil || a.Status >= 500 {
					t.Errorf("an answer: %v %s", err, a.code())
				}
				if err == nil && a.code() == "" {
					accepted.Add(1)
				}
			})
		}
		wg.Wait()
		if n := accepted.Load(); n != 1 {
			t.Errorf("token %d: the answer was accepted %d times", i, n)
		}
	}
}

// TestThreeNodesOneProof: a proof that is sent to all nodes at the same time is accepted once, both
// when it binds the token and later.
func TestThreeNodesOneProof(t *testing.T) {
	s := newServer(t, trusting)
	nodes := s.all()
	const path = "/v1/items/i1"
	for i, token := range s.tokens(20) {
		key := stiletest.NewKey()
		for round := range 3 {
			proof := s.proofBy(key, "header", path, token)
			var got tally
			var wg sync.WaitGroup
			for n := range 12 {
				wg.Go(func() { got.add(nodes[n%3].withProof("header", path, token, proof, "192.0.2.1"), nil) })
			}
			wg.Wait()
			if fmt.Sprint(got.codes) != fmt.Sprint(map[string]int{"": 1, "proof_invalid": 11}) {
				t.Errorf("token %d, proof %d: %v", i, round, got.codes)
			}
		}
		if v := s.show(token); v.Calls != 3 {
			t.Errorf("token %d: %d calls were counted, want 3", i, v.Calls)
		}
	}
}

// TestThreeNodesBlock: a block by hand, and its end, apply at all nodes within a second.
func TestThreeNodesBlock(t *testing.T) {
	s := newServer(t, trusting)
	nodes := s.all()
	for i, token := range s.tokens(6) {
		from := fmt.Sprintf("192.0.2.%d", i)
		s.mustGet("/v1/items/i1", token, from)
		for _, change := range [][]string{{"block", "address_blocked"}, {"remove", ""}} {
			_, err := nodes[i%3].Command("address", change[0], from)
			s.must(err)
			took := s.within(change[0], func() bool {
				for _, n := range nodes {
					if n.mustGet("/v1/items/i1", token, from).code() != change[1] {
						return false
					}
				}
				return true
			})
			if took > time.Second {
				t.Errorf("address %s: %v until all nodes knew it", change[0], took)
			}
		}
	}
}

// as returns the server as clients of a tenant see it.
func (s *server) as(clientID string) *server {
	one := *s
	one.client = &http.Client{Timeout: s.client.Timeout, Transport: withClientID{s.client.Transport, clientID}}
	return &one
}

// withClientID names a tenant in each request that names another.
type withClientID struct {
	http.RoundTripper
	clientID string
}

func (w withClientID) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	q := req.URL.Query()
	q.Set("client_id", w.clientID)
	req.URL.RawQuery = q.Encode()
	return w.RoundTripper.RoundTrip(req)
}

// TestThreeNodesChanges: under load, a tenant that is added, given another secret and removed is so
// at all nodes within a second. While keys are rotated, no fresh token is refused at any node.
func TestThreeNodesChanges(t *testing.T) {
	s := newServer(t, trusting)
	nodes := s.all()
	stop := s.loadOfFreshTokens()
	everywhere := func(what, secret string, works bool) {
		t.Helper()
		took := s.within(what, func() bool {
			for _, n := range nodes {
				if _, err := n.Token("globe", secret); (err == nil) != works {
					return false
				}
			}
			return true
		})
		if took > time.Second {
			t.Errorf("%s: %v until all nodes knew it", what, took)
		}
	}
	for i := range 3 {
		secret, err := nodes[i].Tenant("globe")
		s.must(err)
		everywhere("tenant add", secret, true)
		var next struct {
			Secret string `json:"client_secret"`
		}
		s.must(nodes[(i+1)%3].CommandJSON(&next, "tenant", "rotate-secret", "globe", "--overlap", "0s"))
		everywhere("its old secret", secret, false)
		everywhere("its new secret", next.Secret, true)
		_, err = nodes[(i+2)%3].Command("tenant", "remove", "globe", "--yes")
		s.must(err)
		everywhere("tenant remove", next.Secret, false)
		_, err = nodes[i].Command("key", "rotate")
		s.must(err)
	}
	if n := stop(); n < 50 {
		t.Errorf("only %d fresh tokens were tried", n)
	}
}

// loadOfFreshTokens obtains tokens from any node and calls each node with them, until stop is
// called. None may be refused.
func (s *server) loadOfFreshTokens() (stop func() (tokens int64)) {
	var stopped atomic.Bool
	var n atomic.Int64
	var wg sync.WaitGroup
	for client := range 4 {
		from := fmt.Sprintf("198.51.100.%d", client)
		wg.Go(func() {
			for !stopped.Load() {
				nodes := s.all()
				token, err := nodes[rand.IntN(3)].Token("acme", s.secret)
				if err != nil {
					s.t.Errorf("a fresh token: %v", err)
					return
				}
				for _, node := range nodes {
					if a, err := node.get("/v1/items/i1", token, from); err != nil || a.code() != "" {
						s.t.Errorf("a call with a fresh token: %v %+v", err, a.Error)
						return
					}
				}
				n.Add(1)
			}
		})
	}
	return func() int64 {
		stopped.Store(true)
		wg.Wait()
		return n.Load()
	}
}

// TestThreeNodesUsage: usage that is read from any node immediately after calls at all of them
// equals the calls exactly, and sweeps change nothing.
func TestThreeNodesUsage(t *testing.T) {
	s := newServer(t, trusting)
	nodes := s.all()
	tokens := s.tokens(30)
	calls := 0
	for round := range 6 {
		var wg sync.WaitGroup
		for i, token := range tokens {
			n := rand.IntN(8)
			calls += n
			wg.Go(func() {
				for k := range n {
					if a := nodes[(i+k)%3].mustGet("/v1/items/i1", token, addressOf(i)); a.code() != "" {
						t.Errorf("call: %s", a.code())
					}
				}
			})
		}
		wg.Wait()
		if got := nodes[round%3].charged(); got != calls {
			t.Errorf("round %d: node %d says %d calls, want %d", round, round%3+1, got, calls)
		}
		var each [3]int
		for i, n := range nodes {
			wg.Go(func() { each[i] = n.charged() })
		}
		wg.Wait()
		if each != [3]int{calls, calls, calls} {
			t.Errorf("round %d: the nodes say %v calls, want %d", round, each, calls)
		}
	}
	for i, day := range []int{0, 2, 40} {
		s.sweepAs(i, time.Now().AddDate(0, 0, day))
		if got := nodes[i].charged(); got != calls {
			t.Errorf("after a sweep in %d days: %d calls, want %d", day, got, calls)
		}
	}
}

// TestThreeNodesImport: an import on one node is visible at all within 3 s, and a cursor of one
// node continues at another.
func TestThreeNodesImport(t *testing.T) {
	s := newServer(t, trusting)
	nodes := s.all()
	token := s.tokens(1)[0]
	for i := range nodes {
		id := fmt.Sprintf("new%d", i)
		s.write("new.jsonl", fmt.Sprintf(`{"id":%q,"collection":"c0","title":"A new item"}`+"\n", id))
		_, err := nodes[i].Command("content", "import", "new.jsonl")
		s.must(err)
		took := s.within("the new item", func() bool {
			for _, n := range nodes {
				if n.mustGet("/v1/items/"+id, token, "192.0.2.1").code() != "" {
					return false
				}
			}
			return true
		})
		t.Logf("an import on node %d is visible on all after %v", i+1, took.Round(time.Millisecond))
		if took > 3*time.Second {
			t.Errorf("an import on node %d: %v until all nodes served it", i+1, took)
		}
	}
	want := strings.Join(idsOf(s, nodes[:1], token), " ")
	if got := strings.Join(idsOf(s, nodes, token), " "); got != want || len(strings.Fields(got)) != 33 {
		t.Errorf("pages from all nodes in turn: %s\npages from one node: %s", got, want)
	}
}

// idsOf reads all items in pages of 4, each page from the next node.
func idsOf(s *server, nodes []*server, token string) (ids []string) {
	s.t.Helper()
	cursor := ""
	for page := 0; page < 20; page++ {
		status, text := nodes[page%len(nodes)].raw("GET", "/v1/items?client_id=acme&q=item&limit=4&cursor="+url.QueryEscape(cursor),
			http.Header{"Authorization": {"Bearer " + token}, "X-Forwarded-For": {"192.0.2.1"}}, "")
		var list struct {
			Data []struct{ ID string }
			Meta struct{ Next string }
		}
		if err := json.Unmarshal([]byte(text), &list); err != nil || status != http.StatusOK {
			s.t.Fatalf("page %d: %d %s", page, status, text)
		}
		for _, one := range list.Data {
			ids = append(ids, one.ID)
		}
		if cursor = list.Meta.Next; cursor == "" {
			break
		}
	}
	return ids
}

// TestThreeNodesOneAssertion: a client assertion that is sent to all nodes at the same time is
// accepted once.
func TestThreeNodesOneAssertion(t *testing.T) {
	s := newServer(t, trusting)
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	enc := base64.RawURLEncoding.EncodeToString
	s.write("jwks.json", fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":%q}]}`, enc(key.Public().(ed25519.PublicKey))))
	s.command("tenant", "add", "globe", "--keys", "jwks.json")
	for i := range 10 {
		signed := enc([]byte(`{"alg":"EdDSA"}`)) + "." + enc(fmt.Appendf(nil, `{"iss":"globe","sub":"globe","aud":"%s/oauth/token","jti":"%d","exp":%d}`,
			s.origin(), i, time.Now().Add(time.Minute).Unix()))
		signed += "." + enc(ed25519.Sign(key, []byte(signed)))
		body := "grant_type=client_credentials&" + params("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", signed)
		var accepted, refused atomic.Int32
		var wg sync.WaitGroup
		for n := range 12 {
			wg.Go(func() {
				switch status, text := s.all()[n%3].raw("POST", "/oauth/token", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, body); status {
				case http.StatusOK:
					accepted.Add(1)
				case http.StatusUnauthorized:
					refused.Add(1)
				default:
					t.Errorf("%d %s", status, text)
				}
			})
		}
		wg.Wait()
		if accepted.Load() != 1 || refused.Load() != 11 {
			t.Errorf("an assertion that was sent 12 times was accepted %d times, and refused %d times", accepted.Load(), refused.Load())
		}
	}
}
