package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/stiletest"
)

// visitors are people with tokens and addresses of their own.
type visitors struct {
	s      *site
	tokens []string
	rounds int
}

// heard is what visitors got in answer to their searches.
type heard struct {
	took    []time.Duration // in order
	refused map[string]int
}

func (h heard) at(percent int) time.Duration { return h.took[(len(h.took)-1)*percent/100] }

func (h heard) count() (refused int) {
	for _, n := range h.refused {
		refused += n
	}
	return refused
}

func (h heard) String() string {
	ms := func(percent int) float64 { return float64(h.at(percent)) / 1e6 }
	return fmt.Sprintf("%d searches, p50 %.1f, p95 %.1f, p99 %.1f, max %.1f ms, refused: %v", len(h.took), ms(50), ms(95), ms(99), ms(100), h.refused)
}

// search lets four visitors at a time search for one word every 100 ms, for a
// rare word and for one that every eighth item has in turn. The answers are not
// cached: no word is searched for twice with the same order and limit.
func (v *visitors) search(rounds int) (h heard) {
	h.refused = map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for one := range 4 {
		wg.Go(func() {
			l := v.s.line()
			defer l.close()
			for round := v.rounds; round < v.rounds+rounds; round++ {
				n := 4*round + one
				q := url.Values{"q": {stiletest.SlowRareWord(n)}, "sort": {[]string{"relevance", "newest", "title"}[n%3]}, "limit": {fmt.Sprint(1 + n/64%50)}}
				if round%2 == 1 {
					q.Set("q", fmt.Sprint("medium", n/8%8))
				}
				q.Set("client_id", "acme")
				at := time.Now()
				code, err := l.get("/v1/items?"+q.Encode(), v.tokens[n%len(v.tokens)], fmt.Sprintf("198.51.100.%d", n%len(v.tokens)))
				took := time.Since(at)
				mu.Lock()
				h.took = append(h.took, took)
				if err != nil {
					v.s.t.Error(err)
				} else if code != "" {
					h.refused[code]++
				}
				mu.Unlock()
				time.Sleep(100*time.Millisecond - took)
			}
		})
	}
	wg.Wait()
	v.rounds += rounds
	slices.Sort(h.took)
	return h
}

// attack sends requests over 200 connections, one after the other on each,
// until it is told to stop. It returns how many were answered with each code.
func (s *site) attack(request func(conn, n int) (path, token, from string)) (stop func() map[string]int) {
	answers := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var next atomic.Int64
	stopped := make(chan struct{})
	for conn := range 200 {
		l := s.line()
		s.must(l.open())
		open := l.conn
		wg.Go(func() {
			for {
				code, err := l.get(request(conn, int(next.Add(1))))
				select {
				case <-stopped:
					return
				default:
				}
				if err != nil {
					s.t.Errorf("an attacker's request: %v", err)
					return
				}
				mu.Lock()
				answers[code]++
				mu.Unlock()
			}
		})
		wg.Go(func() { <-stopped; open.Close() })
	}
	return func() map[string]int {
		close(stopped)
		wg.Wait()
		return answers
	}
}

// others returns how much processor time everything but the server and this
// test has used, with what the host took from this machine. It is 0 where there
// is no /proc/stat.
func (s *site) others() time.Duration {
	s.t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	var user, nice, system, idle, wait, irq, soft, steal int64
	fmt.Sscanf(string(text), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &soft, &steal)
	var own syscall.Rusage
	s.must(syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	used := time.Duration(user+nice+system+irq+soft+steal) * time.Second / 100
	return used - s.cpu() - time.Duration(own.Utime.Nano()+own.Stime.Nano())
}

// TestS54Attack: while 200 connections send expensive questions, with one token
// or many, from one address or 50, visitors' searches for a word are answered:
// none is overloaded, and their p95 is about what it was. The tokens and
// addresses of the attackers have no limits here, and neither has any spike.
//
// The figures of a quiet machine are in docs/security.md. Where others use the
// machine, they delay searches too, and up to a tenth of them may be refused.
func TestS54Attack(t *testing.T) {
	s := newSite(t, trusting+"policy: {token: {calls: 1000000, records: 100000000}}")
	s.must(stiletest.WriteSlowCorpus(filepath.Join(s.Dir, "slow.jsonl"), stiletest.SlowItems))
	s.command("content", "import", "slow.jsonl")
	v := &visitors{s: s, tokens: s.tokens(40)}
	tokens := s.tokens(600)
	v.search(16) // fills the caches
	calm := v.search(40)
	t.Logf("undisturbed: %v", calm)
	slow := func(n int) string {
		q := stiletest.SlowQuery(n)
		q.Set("limit", "1")
		return "/v1/items?client_id=acme&" + q.Encode()
	}
	ordinary := func(n int) string {
		return fmt.Sprintf("/v1/items?client_id=acme&q=medium%d&sort=title&tag=tag%d&limit=%d", n%8, n/8%40, 1+n/320%50)
	}
	other := func(n int) string {
		if n%2 == 0 {
			return fmt.Sprintf("/v1/items/slow-%d/related?client_id=acme", n*7919%stiletest.SlowItems)
		}
		return fmt.Sprintf("/v1/suggest?client_id=acme&q=s%d%%20s%d", n%100, n/100%100)
	}
	for _, a := range []struct {
		name    string
		path    func(n int) string
		request func(conn int) (token, from string)
	}{
		{"slow, one token", slow, func(int) (string, string) { return tokens[0], "203.0.113.1" }},
		{"slow, one address", slow, func(conn int) (string, string) { return tokens[conn], "203.0.113.1" }},
		{"slow, 50 addresses", slow, func(conn int) (string, string) { return tokens[200+conn], fmt.Sprint("203.0.113.", 2+conn%50) }},
		{"ordinary, 50 addresses", ordinary, func(conn int) (string, string) { return tokens[200+conn], fmt.Sprint("203.0.113.", 2+conn%50) }},
		{"related and suggestions, 50 addresses", other, func(conn int) (string, string) { return tokens[200+conn], fmt.Sprint("203.0.113.", 2+conn%50) }},
	} {
		stop := s.attack(func(conn, n int) (path, token, from string) {
			token, from = a.request(conn)
			return a.path(n), token, from
		})
		cpu, others, began := s.cpu(), s.others(), time.Now()
		h := v.search(40)
		cpu, others = s.cpu()-cpu, s.others()-others
		answers := stop()
		ratio, took := float64(h.at(95))/float64(calm.at(95)), time.Since(began)
		t.Logf("%s: %v; p95 × %.2f; attackers' answers %v; processor time %v, of others %v", a.name, h, ratio, answers, cpu, others)
		quiet, refused := others < took/5, h.count()
		if quiet && (refused > 0 || ratio > 10) || refused > len(h.took)/10 {
			t.Errorf("%s: %d refused, p95 %.2f times the undisturbed; quiet: %t", a.name, refused, ratio, quiet)
		}
	}
	t.Logf("undisturbed, afterwards: %v", v.search(40))
}
