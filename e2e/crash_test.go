package e2e

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// books are what the clients saw of each token.
type books struct {
	sent, answered []atomic.Int64
}

// TestR1NoCountLost kills the server under 32 clients, 50 times. No answered
// call is missing in its token's count or in the tenant's usage, no token gets
// more than its calls, and nothing is counted that was not sent.
func TestR1NoCountLost(t *testing.T) {
	const kills, limit = 50, 400
	s := newSite(t, trusting+fmt.Sprintf("policy: {token: {calls: %d}}", limit))
	tokens := s.tokens(40)
	b := books{make([]atomic.Int64, len(tokens)), make([]atomic.Int64, len(tokens))}
	for range kills {
		s.hammerAndKill(tokens, &b)
		s.must(s.Start())
	}
	s.checkBooks(tokens, &b, limit)
	if b.total(b.answered) == 0 {
		t.Fatal("no call was answered")
	}
	t.Logf("%d kills, %d calls answered, %d sent", kills, b.total(b.answered), b.total(b.sent))
}

func (b *books) total(of []atomic.Int64) (n int64) {
	for i := range of {
		n += of[i].Load()
	}
	return n
}

// hammerAndKill calls from 32 clients until some were answered, then kills.
// Each token has an address of its own, so that a binding that moved shows.
func (s *site) hammerAndKill(tokens []string, b *books) {
	s.t.Helper()
	var stop atomic.Bool
	var wg sync.WaitGroup
	before := b.total(b.sent)
	for c := range 32 {
		wg.Go(func() {
			for n := c; !stop.Load(); n++ {
				i := n % len(tokens)
				b.sent[i].Add(1)
				a, err := s.get("/v1/items/i1", tokens[i], addressOf(i))
				if err != nil {
					continue // the server is gone
				}
				switch a.code() {
				case "":
					b.answered[i].Add(1)
				case "token_exhausted":
				default:
					s.t.Errorf("token %d: %s", i, a.code())
				}
			}
		})
	}
	some := before + 100 + rand.Int64N(300) // somewhere in the middle
	for b.total(b.sent) < some {
		time.Sleep(100 * time.Microsecond)
	}
	err := s.Kill()
	stop.Store(true)
	wg.Wait()
	s.must(err)
	s.client.CloseIdleConnections()
}

func addressOf(i int) string { return fmt.Sprintf("198.51.100.%d", i) }

func (s *site) checkBooks(tokens []string, b *books, limit int) {
	s.t.Helper()
	var counted int64
	for i, token := range tokens {
		v := s.show(token)
		counted += int64(v.Calls)
		if n := b.answered[i].Load(); int64(v.Calls) < n {
			s.t.Errorf("token %d: %d calls counted, %d were answered", i, v.Calls, n)
		}
		if int64(v.Calls) > b.sent[i].Load() || v.Calls > limit {
			s.t.Errorf("token %d: %d calls counted, %d were sent, %d allowed", i, v.Calls, b.sent[i].Load(), limit)
		}
		if a := s.mustGet("/v1/token", token, addressOf(i)); a.code() == "token_hijacked" {
			s.t.Errorf("token %d is no longer bound to its address", i)
		}
	}
	if n := int64(s.charged()); n != counted {
		s.t.Errorf("%d calls charged, %d counted", n, counted)
	}
}

// TestR2WhatHappenedLasts acts, has the answer, kills the server at once, and
// starts it again: 200 bindings and deaths, none lost, none moved.
func TestR2WhatHappenedLasts(t *testing.T) {
	s := newSite(t, trusting)
	for range 10 {
		tokens := s.tokens(20)
		s.each(tokens, func(i int) {
			if a := s.mustGet("/v1/items/i1", tokens[i], "192.0.2.1"); a.code() != "" {
				t.Errorf("first call: %s", a.code())
			}
			if i%2 == 1 { // and every second one is stolen
				if a := s.mustGet("/v1/items/i1", tokens[i], "203.0.113.9"); a.code() != "token_hijacked" {
					t.Errorf("stolen token: %q", a.code())
				}
			}
		})
		s.must(s.Kill())
		s.client.CloseIdleConnections()
		s.must(s.Start())
		s.each(tokens, func(i int) {
			if i%2 == 1 {
				if a := s.mustGet("/v1/items/i1", tokens[i], "192.0.2.1"); a.code() != "token_hijacked" {
					t.Errorf("a dead token answered %q after the restart", a.code())
				}
			} else if a := s.mustGet("/v1/items/i1", tokens[i], "203.0.113.9"); a.code() != "token_hijacked" {
				t.Errorf("a token bound elsewhere answered %q after the restart", a.code())
			}
		})
	}
}

// each runs fn for every token at once.
func (s *site) each(tokens []string, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range tokens {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

// TestR5Drain stops the server under load: every request that reached it is
// answered, and it exits with 0.
func TestR5Drain(t *testing.T) {
	s := newSite(t, trusting)
	tokens := s.tokens(8)
	var stopped atomic.Bool
	var answered atomic.Int64
	var wg sync.WaitGroup
	for i := range tokens {
		wg.Go(func() {
			for !stopped.Load() {
				a, err := s.get("/v1/items?q=item", tokens[i], addressOf(i))
				switch {
				case err != nil && refusedToConnect(err):
					return
				case err != nil:
					t.Errorf("a call failed: %v", err)
					return
				case a.code() != "":
					t.Errorf("a call was answered %s", a.code())
				}
				answered.Add(1)
			}
		})
	}
	for answered.Load() < 200 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	stopped.Store(true)
	wg.Wait()
	s.must(s.Start())
	if n := int64(s.charged()); n != answered.Load() {
		t.Errorf("%d calls charged, %d answered", n, answered.Load())
	}
}
