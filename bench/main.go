// Command bench measures what protection costs. It compares the throughput of the real server with
// that of a bare Echo handler that sends the same body, in the same run. The real server binds,
// checks and counts each call, and makes it durable before the response leaves. A third measurement
// adds a key proof to each call. The absolute figures depend on the machine; the ratio does not.
//
// The load comes from this process over loopback, through 64 connections that wait for each
// response. Each server is a process of its own. Bench checks how each body begins, since the
// status of a refusal over JSONP is 200 too. At the end it checks that the usage shows exactly the
// calls that were answered.
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
	rounds := flag.Int("rounds", 5, "measurements of each server, in turn")
	seconds := flag.Float64("seconds", 3, "length of one measurement, in seconds")
	conns := flag.Int("conns", 64, "number of connections")
	tokens := flag.Int("tokens", 2000, "number of tokens that share the calls")
	bare := flag.String("bare", "", "serve this `FILE` as the bare handler (used by the program itself)")
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

// measure prints a line for each round, then the median ratios.
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

	p := plan{addr: s.addr, conns: conns, requests: s.share(conns), want: []byte(bodyStart), duration: d}
	var ratios, withProofs []float64
	answered := s.answered
	for range rounds {
		r, err := s.round(p, base)
		if err != nil {
			return err
		}
		fmt.Println(r)
		answered += r.protected.calls + r.proven.calls
		ratios, withProofs = append(ratios, r.ratio(r.protected)), append(withProofs, r.ratio(r.proven))
	}
	conditions := fmt.Sprintf("%d connections, %d tokens, body %d bytes", conns, tokens, len(s.body))
	fmt.Printf("\nprotected, durable JSONP calls: %s; %s\n", spread(ratios), conditions)
	fmt.Printf("the same with a key proof each (ES256): %s; %s\n", spread(withProofs), conditions)
	return s.checkUsage(answered)
}

// round is one measurement of each kind.
type round struct {
	bare, protected, proven result
}

// round measures the bare handler, then protected calls, then protected calls with proofs.
func (s *subject) round(p plan, base *bareServer) (r round, err error) {
	plain := p
	plain.addr = base.addr
	if r.bare, err = plain.runAgainst(base.Process.Pid); err != nil {
		return r, fmt.Errorf("bare: %w", err)
	}
	if r.protected, err = p.runAgainst(s.server.PID()); err != nil {
		return r, fmt.Errorf("protected: %w", err)
	}
	if r.proven, err = s.runProven(p, r.protected.calls); err != nil {
		return r, fmt.Errorf("with proofs: %w", err)
	}
	return r, nil
}

// ratio returns the throughput of a result, relative to the bare handler in the same round.
func (r round) ratio(of result) float64 { return of.perSecond / r.bare.perSecond }

func (r round) String() string {
	return fmt.Sprintf("bare %s   protected %s   ratio %.2f   with proofs %s   ratio %.2f",
		r.bare, r.protected, r.ratio(r.protected), r.proven, r.ratio(r.proven))
}

// runProven runs a plan with calls that carry proofs. It prepares half as many again as were
// answered without proofs, so that the server can't answer all of them in time.
func (s *subject) runProven(p plan, calls int) (r result, err error) {
	if p.requests, err = s.withProofs(p.conns, calls/p.conns*3/2+1); err != nil {
		return r, err
	}
	p.once = true
	return p.runAgainst(s.server.PID())
}

// spread returns the median of ratios, with the lowest and the highest.
func spread(ratios []float64) string {
	slices.Sort(ratios)
	return fmt.Sprintf("%.2f of bare Echo (median of %d; %.2f to %.2f)", ratios[len(ratios)/2], len(ratios), ratios[0], ratios[len(ratios)-1])
}

// bodyStart is how the body of an admitted JSONP call begins.
const bodyStart = `/**/ typeof cb === 'function' && cb({"data":`

// subject is the real server, with what a load needs.
type subject struct {
	server   *stiletest.Server
	addr     string
	tokens   []string // address-bound
	keyed    []keyed
	body     []byte // of one call
	answered int    // calls that were answered before the measurement
}

// request returns a token's call: one item over JSONP.
func (s *subject) request(token string) []byte {
	return fmt.Appendf(nil, "GET /v1/items/%s?callback=cb&client_id=acme&access_token=%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nReferer: https://www.acme.example/\r\n\r\n",
		itemID, url.QueryEscape(token), s.addr)
}

// share divides the tokens among the connections.
func (s *subject) share(conns int) func(int) [][]byte {
	return func(conn int) (mine [][]byte) {
		for n := conn; n < len(s.tokens); n += conns {
			mine = append(mine, s.request(s.tokens[n]))
		}
		return mine
	}
}

// checkUsage checks that the server charges exactly the calls that were answered.
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
		return fmt.Errorf("the usage shows %d calls, but %d were answered", charged, answered)
	}
	fmt.Printf("usage: %d calls charged, %d answered\n", charged, answered)
	return nil
}

// parallel runs fn for 0 to n-1, eight at a time. It returns one of the errors, if there are any.
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
