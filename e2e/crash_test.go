package e2e

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// calls are the numbers of calls of each token, as the clients counted them.
type calls struct {
	sent, answered []atomic.Int64
}

// TestR1NoCountLost kills the server 50 times (100 with -hard) while 64 clients call it. Every
// answered call is in its token's count and in the tenant's usage. No token exceeds its limit, and
// no call is counted that was not sent.
func TestR1NoCountLost(t *testing.T) {
	const limit = 400
	kills := sized(50, 100)
	s := newServer(t, trusting+fmt.Sprintf("policy: {token: {calls: %d}}", limit))
	tokens := s.tokens(40)
	c := calls{make([]atomic.Int64, len(tokens)), make([]atomic.Int64, len(tokens))}
	for range kills {
		s.killUnderLoad(tokens, &c)
		s.must(s.Start())
	}
	s.checkCounts(tokens, &c, limit)
	if total(c.answered) == 0 {
		t.Fatal("no call was answered")
	}
	t.Logf("%d kills, %d calls answered, %d sent", kills, total(c.answered), total(c.sent))
}

func total(of []atomic.Int64) (n int64) {
	for i := range of {
		n += of[i].Load()
	}
	return n
}

// killUnderLoad calls from 64 clients, and kills the server after a random number of calls. Each
// token has an address of its own, so that a changed binding is noticed.
func (s *server) killUnderLoad(tokens []string, c *calls) {
	s.t.Helper()
	var stop atomic.Bool
	var wg sync.WaitGroup
	before := total(c.sent)
	for client := range 64 {
		wg.Go(func() {
			for n := client; !stop.Load(); n++ {
				i := n % len(tokens)
				c.sent[i].Add(1)
				a, err := s.get("/v1/items/i1", tokens[i], addressOf(i))
				if err != nil {
					continue // the server was killed
				}
				switch a.code() {
				case "":
					c.answered[i].Add(1)
				case "token_exhausted":
				default:
					s.t.Errorf("token %d: %s", i, a.code())
				}
			}
		})
	}
	until := before + 100 + rand.Int64N(300)
	for total(c.sent) < until {
		time.Sleep(100 * time.Microsecond)
	}
	err := s.Kill()
	stop.Store(true)
	wg.Wait()
	s.must(err)
	s.client.CloseIdleConnections()
}

func addressOf(i int) string { return fmt.Sprintf("198.51.100.%d", i) }

// checkCounts compares the counts of the server with those of the clients.
func (s *server) checkCounts(tokens []string, c *calls, limit int) {
	s.t.Helper()
	var counted int64
	for i, token := range tokens {
		v := s.show(token)
		counted += int64(v.Calls)
		if n := c.answered[i].Load(); int64(v.Calls) < n {
			s.t.Errorf("token %d: the server counts %d calls, but answered %d", i, v.Calls, n)
		}
		if int64(v.Calls) > c.sent[i].Load() || v.Calls > limit {
			s.t.Errorf("token %d: the server counts %d calls, but %d were sent and the limit is %d", i, v.Calls, c.sent[i].Load(), limit)
		}
		if a := s.mustGet("/v1/token", token, addressOf(i)); a.code() == "token_hijacked" {
			s.t.Errorf("token %d is no longer bound to its address", i)
		}
	}
	if n := int64(s.charged()); n != counted {
		s.t.Errorf("%d calls charged, %d counted", n, counted)
	}
}

// TestR2AnsweredIsDurable kills the server immediately after it has responded. None of 200 bindings
// and 100 hijacks is lost.
func TestR2AnsweredIsDurable(t *testing.T) {
	s := newServer(t, trusting)
	for range 10 {
		tokens := s.tokens(20)
		s.each(tokens, func(i int) {
			if a := s.mustGet("/v1/items/i1", tokens[i], "192.0.2.1"); a.code() != "" {
				t.Errorf("first call: %s", a.code())
			}
			if i%2 == 1 { // hijack every second one
				if a := s.mustGet("/v1/items/i1", tokens[i], "203.0.113.9"); a.code() != "token_hijacked" {
					t.Errorf("hijacked token: %q", a.code())
				}
			}
		})
		s.must(s.Kill())
		s.client.CloseIdleConnections()
		s.must(s.Start())
		s.each(tokens, func(i int) {
			if i%2 == 1 {
				if a := s.mustGet("/v1/items/i1", tokens[i], "192.0.2.1"); a.code() != "token_hijacked" {
					t.Errorf("a dead token after the restart: %q", a.code())
				}
			} else if a := s.mustGet("/v1/items/i1", tokens[i], "203.0.113.9"); a.code() != "token_hijacked" {
				t.Errorf("a token from another address after the restart: %q", a.code())
			}
		})
	}
}

// each runs fn for all tokens simultaneously.
func (s *server) each(tokens []string, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range tokens {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

// TestR5Drain stops the server under the load of 64 clients, 20 times with -hard. Every request
// that reached it is answered, and its exit code is 0.
func TestR5Drain(t *testing.T) {
	s := newServer(t, trusting+"policy: {token: {calls: 100000, records: 10000000}}")
	tokens := s.tokens(64)
	charged := int64(0)
	for range sized(1, 20) {
		charged += s.stopUnderLoad(tokens)
		s.must(s.Start())
	}
	if n := int64(s.charged()); n != charged {
		t.Errorf("%d calls charged, %d answered", n, charged)
	}
}

// stopUnderLoad stops the server while each token is used, and returns how many calls it answered.
func (s *server) stopUnderLoad(tokens []string) int64 {
	t := s.t
	var stopped atomic.Bool
	var answered atomic.Int64
	var wg sync.WaitGroup
	for i := range tokens {
		wg.Go(func() {
			for !stopped.Load() {
				a, err := s.get("/v1/items?q=item", tokens[i], addressOf(i))
				switch {
				case err != nil && isConnectError(err):
					return
				case err != nil:
					t.Errorf("a call failed: %v", err)
					return
				case a.code() != "":
					t.Errorf("a call was refused: %s", a.code())
				}
				answered.Add(1)
			}
		})
	}
	for answered.Load() < 200 {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the server took %v to stop", took)
	}
	stopped.Store(true)
	wg.Wait()
	s.client.CloseIdleConnections()
	return answered.Load()
}
