package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/engines"
)

// sweepAs sweeps as a node would at a time.
func (s *server) sweepAs(node int, at time.Time) {
	s.t.Helper()
	d, err := s.openData(node, at)
	s.must(err)
	s.must(d.Store.Sweep(s.t.Context(), at))
	s.must(d.Close())
}

// TestThreeNodesWebhook: an event is delivered once, whichever node causes it.
func TestThreeNodesWebhook(t *testing.T) {
	s := newServer(t, trusting+"webhooks: {targets: loopback}\n")
	var mu sync.Mutex
	got := map[string]int{}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		io.Copy(io.Discard, req.Body)
		mu.Lock()
		defer mu.Unlock()
		got[req.Header.Get("Webhook-Id")]++
	}))
	defer receiver.Close()
	s.command("webhook", "add", receiver.URL)
	const events = 12
	for i := range events {
		_, err := s.all()[i%3].Command("tenant", []string{"suspend", "resume"}[i%2], "acme")
		s.must(err)
	}
	received := func() int { mu.Lock(); defer mu.Unlock(); return len(got) }
	s.within("all events", func() bool { return received() >= events })
	s.command("tenant", "suspend", "acme")
	s.within("one more", func() bool { return received() >= events+1 })
	mu.Lock()
	defer mu.Unlock()
	for id, n := range got {
		if n != 1 {
			t.Errorf("the event %s was delivered %d times", id, n)
		}
	}
	if len(got) != events+1 {
		t.Errorf("%d events were delivered, want %d", len(got), events+1)
	}
}

// TestThreeNodesKilled kills a node under load, three times. No token exceeds its limit, and every
// answered call is in the ledger once another node has copied what the dead one counted.
func TestThreeNodesKilled(t *testing.T) {
	const limit = 300
	s := newServer(t, trusting+fmt.Sprintf("policy: {token: {calls: %d}}", limit))
	// With a quota, nodes hold blocks of it.
	s.command("tenant", "set", "acme", "--calls-per-month", "100000")
	tokens := s.tokens(30)
	c := calls{make([]atomic.Int64, len(tokens)), make([]atomic.Int64, len(tokens))}
	for round := range 3 {
		killed := s.killNode(round, tokens, &c)
		other := s.all()[(round+1)%3]
		s.within("the ledger has all calls", func() bool { return other.charged() == other.callsOf(tokens) })
		took := time.Since(killed)
		t.Logf("%v after the kill, the ledger has all calls", took.Round(100*time.Millisecond))
		if took > 15*time.Second {
			t.Errorf("%v until the ledger had all calls", took)
		}
		s.must(s.Nodes.Node(round).Start())
	}
	s.checkCounts(tokens, &c, limit)
	t.Logf("%d calls answered, %d sent", total(c.answered), total(c.sent))
}

// killNode calls all nodes from 24 clients, and kills one of them. The others answer all calls.
func (s *server) killNode(node int, tokens []string, c *calls) (killed time.Time) {
	s.t.Helper()
	nodes := s.all()
	var stop atomic.Bool
	var wg sync.WaitGroup
	before := total(c.sent)
	for client := range 24 {
		wg.Go(func() {
			for n := client; !stop.Load(); n++ {
				i, k := n%len(tokens), rand.IntN(3)
				c.sent[i].Add(1)
				a, err := nodes[k].get("/v1/items/i1", tokens[i], addressOf(i))
				switch {
				case err != nil && k == node: // it was killed
				case err != nil:
					s.t.Errorf("a call of a node that lives: %v", err)
				case a.code() == "":
					c.answered[i].Add(1)
				case a.code() != "token_exhausted":
					s.t.Errorf("token %d: %s", i, a.code())
				}
			}
		})
	}
	await := func(n int64) {
		for total(c.sent) < before+n {
			time.Sleep(time.Millisecond)
		}
	}
	await(500 + rand.Int64N(500))
	err := nodes[node].Kill()
	killed = time.Now()
	await(1500)
	stop.Store(true)
	wg.Wait()
	s.must(err)
	s.client.CloseIdleConnections()
	return killed
}

// callsOf returns how many calls the states of tokens count.
func (s *server) callsOf(tokens []string) (n int) {
	s.t.Helper()
	for _, token := range tokens {
		n += s.show(token).Calls
	}
	return n
}

// TestThreeNodesKilledQuota kills nodes that hold a part of a tenant's quota. It is never exceeded,
// and at most the blocks of the dead nodes are lost.
func TestThreeNodesKilledQuota(t *testing.T) {
	s := newServer(t, trusting)
	const quota = 1000
	s.command("tenant", "set", "acme", "--calls-per-month", fmt.Sprint(quota))
	tokens := s.tokens(12)
	nodes := s.all()
	var answered, unknown, refused atomic.Int64
	load := func(calls int, alive ...int) {
		var wg sync.WaitGroup
		for client, token := range tokens {
			wg.Go(func() {
				for n := range calls / len(tokens) {
					a, err := nodes[alive[(client+n)%len(alive)]].get("/v1/items/i1", token, addressOf(client))
					switch {
					case err != nil:
						unknown.Add(1)
					case a.code() == "":
						answered.Add(1)
					case a.code() == "tenant_exhausted":
						refused.Add(1)
					default:
						t.Errorf("a call: %s", a.code())
					}
				}
			})
		}
		wg.Wait()
	}
	load(300, 0, 1, 2)
	s.must(nodes[1].Kill())
	load(300, 0, 2)
	s.must(nodes[2].Kill())
	s.must(s.Nodes.Node(1).Start())
	s.client.CloseIdleConnections()
	load(1200, 0, 1)
	// Each of the two held a block of 1 % of what was left, at most 10, and perhaps the next one.
	if n := answered.Load() + unknown.Load(); n > quota || n < quota-40 || refused.Load() == 0 {
		t.Errorf("%d calls answered, %d without a response, %d refused, of a quota of %d", answered.Load(), unknown.Load(), refused.Load(), quota)
	}
	t.Logf("%d of %d calls of the quota were answered", answered.Load(), quota)
}

// TestThreeNodesRoundTrips counts the round trips to Valkey, of calls one after the other: at most
// 1.05 for each call if the balancer sends all calls of a token to one node, and at most 2.0 if it
// does not.
//
// The first call of a token has four: it binds the token, counts the binding at the address, stores
// what the address allows, and counts the call. With a proof it has five, because the node first
// reads whether the token is bound to that key. Of later calls, the usual number is tested too:
// Valkey is asked a second time if a machine is so busy that a reply is late.
func TestThreeNodesRoundTrips(t *testing.T) {
	for _, c := range []struct {
		affinity bool
		most     float64
	}{{true, 1.05}, {false, 2.0}} {
		program := unstarted(t, trusting)
		proxy := engines.NewProxy(t, engines.Valkey(t, "appendonly yes", "maxmemory-policy noeviction").Addr)
		program.Nodes.State, program.Nodes.Affinity, program.Nodes.Unwatched = "valkey://"+proxy.Addr, c.affinity, true
		s := startServer(t, program)
		// Valkey gets the script.
		if a := s.mustGet("/v1/items/i1", s.tokens(1)[0], addressOf(99)); a.code() != "" {
			t.Fatal(a.code())
		}
		for round, first := range []int{4, 5} {
			withKey := round == 1
			trips := s.tripsOfCalls(proxy, 8, 200, round, withKey)
			all, later := 0, []int{}
			for _, of := range trips {
				later = append(later, of[1:]...)
				for _, n := range of {
					all += n
				}
			}
			per := float64(all) / float64(len(trips)*len(trips[0]))
			t.Logf("affinity %t, proofs %t: %.3f round trips a call", c.affinity, withKey, per)
			if per > c.most {
				t.Errorf("affinity %t, proofs %t: %.3f round trips a call, at most %.2f are allowed", c.affinity, withKey, per, c.most)
			}
			firsts := make([]int, len(trips))
			for i, of := range trips {
				firsts[i] = of[0]
			}
			if n := median(firsts); n != first {
				t.Errorf("affinity %t, proofs %t: %d round trips for the first call of a token, want %d", c.affinity, withKey, n, first)
			}
			if n := median(later); c.affinity && n != 1 || n > 2 {
				t.Errorf("affinity %t, proofs %t: %d round trips for a later call", c.affinity, withKey, n)
			}
		}
	}
}

// ofCall matches what a call sends: it changes, or reads with the epoch, the state of a token, an
// address or a quota.
var ofCall = regexp.MustCompile(`\r\n(SET|MGET|EVALSHA\r\n\$40\r\n\w{40}\r\n\$1\r\n\d)\r\n\$\d+\r\n[atq]:\{`)

// tripsOfCalls makes the same number of calls with each of several new tokens, from addresses that
// made none before, and returns the round trips of each call: trips[token][call]. Those that the
// nodes make without calls are not counted: they are about neither a token nor an address.
func (s *server) tripsOfCalls(proxy *engines.Proxy, tokens, each, round int, withKey bool) (trips [][]int) {
	s.t.Helper()
	var sent atomic.Int64
	proxy.Observe(func(b []byte) {
		if ofCall.Match(b) {
			sent.Add(1)
		}
	})
	const path = "/v1/items/i1"
	list, key := s.tokens(tokens), stiletest.NewKey()
	trips = make([][]int, tokens)
	for n := range each * tokens {
		i := n % tokens
		from, before := addressOf(round*tokens+i), sent.Load()
		var a response
		if withKey {
			a = s.withProof("header", path, list[i], s.proofBy(key, "header", path, list[i]), from)
		} else {
			a = s.mustGet(path, list[i], from)
		}
		if a.code() != "" {
			s.t.Fatalf("call %d: %s", n, a.code())
		}
		trips[i] = append(trips[i], int(sent.Load()-before))
	}
	return trips
}

// median returns what half of the numbers don't exceed.
func median(list []int) int {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// TestThreeNodesUpgrade stops each node (SIGTERM) and starts it again under load, behind a balancer
// that follows /readyz. No call is refused or fails, and none is lost from the ledger.
func TestThreeNodesUpgrade(t *testing.T) {
	s := newServer(t, trusting)
	tokens := s.tokens(8)
	var stopped atomic.Bool
	var answered atomic.Int64
	var wg sync.WaitGroup
	for i, token := range tokens {
		key := stiletest.NewKey()
		const path = "/v1/items/i1"
		wg.Go(func() {
			for !stopped.Load() {
				var a response
				var err error
				if i%2 == 0 {
					a, err = s.get(path, token, addressOf(i))
				} else {
					a, err = s.withHeaderProof(path, token, s.proofBy(key, "header", path, token), addressOf(i))
				}
				if err != nil || a.code() != "" {
					t.Errorf("a call: %v %+v", err, a.Error)
					continue
				}
				answered.Add(1)
			}
		})
	}
	await := func(n int64) {
		for until := answered.Load() + n; answered.Load() < until && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
	}
	for _, n := range s.Nodes.All() {
		await(200)
		s.must(n.Stop())
		await(200)
		s.must(n.Start())
	}
	await(200)
	stopped.Store(true)
	wg.Wait()
	if n := int64(s.charged()); n != answered.Load() {
		t.Errorf("%d calls charged, %d answered", n, answered.Load())
	}
	t.Logf("%d calls during the upgrade of three nodes", answered.Load())
}

// withHeaderProof is withProof for calls that may get no response.
func (s *server) withHeaderProof(path, token, proof, from string) (response, error) {
	req, err := http.NewRequest("GET", s.URL+path+"?client_id=acme", nil)
	if err != nil {
		return response{}, err
	}
	req.Header = http.Header{"Authorization": {"DPoP " + token}, "Dpop": {proof}, "X-Forwarded-For": {from}}
	return s.do(req)
}
