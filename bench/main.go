// Command bench measures what protection costs: calls a second of the real
// server, each call bound, checked, counted and durable before its answer
// leaves, as a ratio to a bare Echo handler that answers with the same body,
// in the same run; and the same of calls that carry a key proof each. The absolute figures are the machine's; the ratio is ours.
//
// The load comes from this process over loopback, by 64 connections that wait
// for their answers; each server is a process of its own. It checks each body,
// since a refusal over JSONP is 200 as well, and in the end that the usage
// shows exactly the calls that were answered.
package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"stile.example/stile/stiletest"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each server is measured, in turn")
	seconds := flag.Float64("seconds", 3, "length of one measurement")
	conns := flag.Int("conns", 64, "connections")
	tokens := flag.Int("tokens", 2000, "tokens that share the calls")
	bare := flag.String("bare", "", "serve this file as the bare handler (the program starts itself so)")
	flag.Parse()
	if *bare != "" {
		fatal(serveBare(*bare))
	}
	fatal(measure(*rounds, time.Duration(*seconds*float64(time.Second)), *conns, *tokens))
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure prints a line for each server and round, then the median ratio.
func measure(rounds int, d time.Duration, conns, tokens int) error {
	dir, err := os.MkdirTemp("", "stile-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := newSubject(dir, tokens)
	if err != nil {
		return err
	}
	defer s.server.Kill()
	base, err := startBare(dir, s.body)
	if err != nil {
		return err
	}
	defer base.Process.Kill()

	protected := plan{addr: s.addr, conns: conns, requests: s.share(conns), good: []byte(answerHead), duration: d}
	plain := protected
	plain.addr = base.addr
	var ratios, proven []float64
	answered := s.warmed
	for range rounds {
		b, err := plain.runBy(base.Process.Pid)
		if err != nil {
			return fmt.Errorf("bare: %w", err)
		}
		p, err := protected.runBy(s.server.PID())
		if err != nil {
			return fmt.Errorf("protected: %w", err)
		}
		k, err := s.runProven(protected, p.calls)
		if err != nil {
			return fmt.Errorf("with proofs: %w", err)
		}
		answered += p.calls + k.calls
		ratios, proven = append(ratios, p.perSecond/b.perSecond), append(proven, k.perSecond/b.perSecond)
		fmt.Printf("bare %s   protected %s   ratio %.2f   with proofs %s   ratio %.2f\n", b, p, ratios[len(ratios)-1], k, proven[len(proven)-1])
	}
	setting := fmt.Sprintf("%d connections, %d tokens, body %d bytes", conns, tokens, len(s.body))
	fmt.Printf("\nprotected, durable JSONP calls: %s; %s\n", spread(ratios), setting)
	fmt.Printf("the same with a key proof each (ES256): %s; %s\n", spread(proven), setting)
	return s.checkUsage(answered)
}

// runProven carries a plan out with calls that carry proofs. There are as many
// as were answered without, which is more than can be.
func (s *subject) runProven(p plan, calls int) (r result, err error) {
	if p.requests, err = s.signed(p.conns, calls/p.conns*3/2+1); err != nil {
		return r, err
	}
	p.once = true
	return p.runBy(s.server.PID())
}

// spread is the median of ratios, and their ends.
func spread(ratios []float64) string {
	slices.Sort(ratios)
	return fmt.Sprintf("%.2f of bare Echo (median of %d; %.2f to %.2f)", ratios[len(ratios)/2], len(ratios), ratios[0], ratios[len(ratios)-1])
}

const answerHead = `/**/ typeof cb === 'function' && cb({"data":`

// subject is the real server with what a load needs.
type subject struct {
	server  *stiletest.Server
	addr    string
	tokens  []string
	holders []holder
	body    []byte // of one call
	warmed  int    // calls that were answered before the measurement
}

// requests are the calls of all tokens, each of one item over JSONP.
func (s *subject) request(token string) []byte {
	return fmt.Appendf(nil, "GET /v1/items/%s?callback=cb&client_id=acme&access_token=%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nReferer: https://www.acme.example/\r\n\r\n",
		itemID, url.QueryEscape(token), s.addr)
}

// share deals the tokens out to connections.
func (s *subject) share(conns int) func(int) [][]byte {
	return func(conn int) (mine [][]byte) {
		for n := conn; n < len(s.tokens); n += conns {
			mine = append(mine, s.request(s.tokens[n]))
		}
		return mine
	}
}

// checkUsage compares the calls that the server charges with those that were
// answered.
func (s *subject) checkUsage(answered int) error {
	var lines []struct{ Calls int }
	if err := s.server.CommandJSON(&lines, "usage", "--tenant", "acme"); err != nil {
		return err
	}
	charged := 0
	for _, l := range lines {
		charged += l.Calls
	}
	if charged != answered {
		return fmt.Errorf("%d calls are in the usage, %d were answered", charged, answered)
	}
	fmt.Printf("usage: %d calls charged, %d answered\n", charged, answered)
	return nil
}

// parallel runs fn for 0 to n-1, eight at a time, and returns the first error.
func parallel(n int, fn func(int) error) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
		next  = make(chan int)
	)
	for range 8 {
		wg.Go(func() {
			for i := range next {
				if err := fn(i); err != nil {
					mu.Lock()
					first = err
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return first
}
