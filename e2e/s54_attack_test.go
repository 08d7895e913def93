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

// visitors are 4 people who search at a time, with tokens and addresses of their own.
type visitors struct {
	s      *server
	tokens []string
	rounds int // that they have made so far
}

// searches are the times and refusals of visitors' searches.
type searches struct {
	took    []time.Duration // ascending
	refused map[string]int
}

// at returns the time that a percentage of the searches did not exceed.
func (s searches) at(percent int) time.Duration { return s.took[(len(s.took)-1)*percent/100] }

// count returns the number of refused searches.
func (s searches) count() (refused int) {
	for _, n := range s.refused {
		refused += n
	}
	return refused
}

func (s searches) String() string {
	ms := func(percent int) float64 { return float64(s.at(percent)) / 1e6 }
	return fmt.Sprintf("%d searches, p50 %.1f, p95 %.1f, p99 %.1f, max %.1f ms, refused: %v", len(s.took), ms(50), ms(95), ms(99), ms(100), s.refused)
}

// query returns the path of search n, for one word: in even rounds a rare one, in odd rounds one
// that every eighth item has. No word is searched for twice with the same order and limit, so that
// no response comes from a cache.
func (v *visitors) query(round, n int) string {
	q := url.Values{"q": {stiletest.SlowRareWord(n)}, "sort": {[]string{"relevance", "newest", "title"}[n%3]}, "limit": {fmt.Sprint(1 + n/64%50)}}
	if round%2 == 1 {
		q.Set("q", fmt.Sprint("medium", n/8%8))
	}
	q.Set("client_id", "acme")
	return "/v1/items?" + q.Encode()
}

// search makes each visitor search every 100 ms.
func (v *visitors) search(rounds int) searches {
	all := searches{refused: map[string]int{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for one := range 4 {
		wg.Go(func() {
			c := v.s.newConn()
			defer c.close()
			for round := v.rounds; round < v.rounds+rounds; round++ {
				n := 4*round + one
				start := time.Now()
				code, err := c.get(v.query(round, n), v.tokens[n%len(v.tokens)], fmt.Sprintf("198.51.100.%d", n%len(v.tokens)))
				took := time.Since(start)
				mu.Lock()
				all.took = append(all.took, took)
				if err != nil {
					v.s.t.Error(err)
				} else if code != "" {
					all.refused[code]++
				}
				mu.Unlock()
				time.Sleep(100*time.Millisecond - took)
			}
		})
	}
	wg.Wait()
	v.rounds += rounds
	slices.Sort(all.took)
	return all
}

// attack sends requests over 200 connections, on each in sequence, until stop is called. Stop
// returns how many responses had each code.
func (s *server) attack(request func(conn, n int) (path, token, from string)) (stop func() map[string]int) {
	codes := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var next atomic.Int64
	stopped := make(chan struct{})
	for conn := range 200 {
		c := s.newConn()
		s.must(c.open())
		open := c.net
		wg.Go(func() {
			for {
				code, err := c.get(request(conn, int(next.Add(1))))
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
				codes[code]++
				mu.Unlock()
			}
		})
		wg.Go(func() { <-stopped; open.Close() })
	}
	return func() map[string]int {
		close(stopped)
		wg.Wait()
		return codes
	}
}

// others returns how much processor time everything other than the server and this test has used,
// including what the host took from this machine. It returns 0 if there is no /proc/stat.
func (s *server) others() time.Duration {
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

// TestS54Attack: while 200 connections send expensive searches, with one token or many, from one
// address or 50, visitors' searches for a word are answered. None is refused as overloaded, and
// their 95th percentile is at most 10 times what it was before. In this test, no limit applies to
// the attackers' tokens and addresses, and no call counts as a spike.
//
// docs/security.md has the figures of a quiet machine. If other programs use the machine, they
// delay searches too. In that case up to a tenth of the searches may be refused.
func TestS54Attack(t *testing.T) {
	s := newServer(t, trusting+"policy: {token: {calls: 1000000, records: 100000000}}")
	s.must(stiletest.WriteSlowCorpus(filepath.Join(s.Dir, "slow.jsonl"), stiletest.SlowItems))
	s.command("content", "import", "slow.jsonl")
	v := &visitors{s: s, tokens: s.tokens(40)}
	attacks := attacksWith(s.tokens(400))
	v.search(16) // fills the caches
	before := v.search(40)
	t.Logf("undisturbed: %v", before)
	for _, a := range attacks {
		stop := s.attack(func(conn, n int) (path, token, from string) {
			token, from = a.request(conn)
			return a.path(n), token, from
		})
		cpu, others, start := s.cpu(), s.others(), time.Now()
		during := v.search(40)
		cpu, others = s.cpu()-cpu, s.others()-others
		codes := stop()
		ratio, took := float64(during.at(95))/float64(before.at(95)), time.Since(start)
		t.Logf("%s: %v; p95 × %.2f; responses to attackers %v; processor time %v, of other programs %v", a.name, during, ratio, codes, cpu, others)
		isQuiet, refused := others < took/5, during.count()
		if isQuiet && (refused > 0 || ratio > 10) || refused > len(during.took)/10 {
			t.Errorf("%s: %d refused, p95 %.2f times the undisturbed; quiet machine: %t", a.name, refused, ratio, isQuiet)
		}
	}
	t.Logf("undisturbed, afterwards: %v", v.search(40))
}

// attackKind is a kind of attack: the path of request n, and the token and address of a connection.
type attackKind struct {
	name    string
	path    func(n int) string
	request func(conn int) (token, from string)
}

// attacksWith returns the kinds of attacks. They need 400 tokens.
func attacksWith(tokens []string) []attackKind {
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
	from50 := func(conn int) (string, string) { return tokens[200+conn], fmt.Sprint("203.0.113.", 2+conn%50) }
	return []attackKind{
		{"slow, one token", slow, func(int) (string, string) { return tokens[0], "203.0.113.1" }},
		{"slow, one address", slow, func(conn int) (string, string) { return tokens[conn], "203.0.113.1" }},
		{"slow, 50 addresses", slow, from50},
		{"ordinary, 50 addresses", ordinary, from50},
		{"related and suggestions, 50 addresses", other, from50},
	}
}
