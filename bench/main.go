// Command bench measures what protection costs. It compares the throughput of the real server with
// that of a bare Echo handler that sends the same body, in the same run. The real server binds,
// checks and counts each call, and makes it durable before the response leaves. It is measured with
// SQLite, without and with a key proof in each call; as one of several nodes, over Valkey and over
// PostgreSQL alone; and as one and as three nodes behind HAProxy. The absolute figures depend on
// the machine; the ratios do not.
//
// The load comes from this process over loopback, through 64 connections that wait for each
// response. Each server and each engine is a process of its own, on the same machine. Bench checks
// how each body begins, since the status of a refusal over JSONP is 200 too. At the end it checks
// that the usage shows exactly the calls that were answered.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"stile.example/stile/stiletest"
)

// options are the conditions of a run.
type options struct {
	rounds, conns, tokens int
	duration              time.Duration
	on                    []string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "measurements of each kind, in turn")
	seconds := flag.Float64("seconds", 3, "length of one measurement, in seconds")
	flag.IntVar(&o.conns, "conns", 64, "number of connections")
	flag.IntVar(&o.tokens, "tokens", 2000, "number of tokens that share the calls")
	on := flag.String("on", "sqlite,valkey,postgres,haproxy", "what to measure next to the bare handler")
	bare := flag.String("bare", "", "serve this `FILE` as the bare handler (used by the program itself)")
	flag.Parse()
	if *bare != "" {
		fatal(serveBare(*bare))
	}
	o.duration, o.on = time.Duration(*seconds*float64(time.Second)), strings.Split(*on, ",")
	fatal(o.check())
	fatal(run(o))
}

func (o options) check() error {
	for _, name := range o.on {
		if !slices.Contains([]string{"sqlite", "valkey", "postgres", "haproxy"}, name) {
			return fmt.Errorf("-on %q: must be a list of sqlite, valkey, postgres and haproxy, separated by commas", name)
		}
	}
	if o.rounds < 1 || o.conns < 1 || o.tokens < o.conns || o.duration <= 0 {
		return errors.New("-rounds, -conns and -seconds must be positive, and -tokens at least -conns")
	}
	return nil
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measurement is one kind of load. It is repeated in each round.
type measurement struct {
	name    string
	subject *subject // nil: the bare handler
	run     func(plan) (result, error)
	results []result
}

// run starts everything, measures, and prints a line for each measurement, then a table.
func run(o options) error {
	dir, err := os.MkdirTemp("", "stile-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	all := &subjects{dir: dir, tokens: o.tokens}
	defer all.end()
	kinds, err := all.start(o.on)
	if err != nil {
		return err
	}
	base, err := startBare(dir, all.list[0].body)
	if err != nil {
		return err
	}
	defer base.Process.Kill()
	kinds = append([]*measurement{{name: "bare Echo", run: func(p plan) (result, error) {
		p.addr, p.requests = base.addr, all.list[0].share(p.conns)
		return p.runAgainst(base.Process.Pid)
	}}}, kinds...)
	if err := measure(kinds, o); err != nil {
		return err
	}
	fmt.Printf("\n%d connections, %d tokens, body %d bytes; medians of %d rounds\n\n", o.conns, o.tokens, len(all.list[0].body), o.rounds)
	if err := table(kinds); err != nil {
		return err
	}
	return all.checkUsage()
}

func measure(kinds []*measurement, o options) error {
	p := plan{conns: o.conns, want: []byte(bodyStart), duration: o.duration}
	for n := range o.rounds {
		for _, m := range kinds {
			r, err := m.run(p)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			fmt.Printf("round %d  %-38s %s\n", n+1, m.name, r)
			m.results = append(m.results, r)
			if m.subject != nil {
				m.subject.answered += r.calls
			}
		}
	}
	return nil
}

// table prints the medians. A ratio is that to the first kind in the same round.
func table(kinds []*measurement) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "JSONP CALLS OF ONE ITEM\tCALLS/S\tRATIO\tLOWEST TO HIGHEST\tP99\tCPU OF STILE")
	for _, m := range kinds {
		var ratios []float64
		for n, r := range m.results {
			ratios = append(ratios, r.perSecond/kinds[0].results[n].perSecond)
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.2f to %.2f\t%v\t%.1f µs\n", m.name, median(m.results, func(r result) float64 { return r.perSecond }),
			middle(ratios), slices.Min(ratios), slices.Max(ratios),
			median(m.results, result.p99).Round(10*time.Microsecond), median(m.results, result.cpuPerCall))
	}
	return w.Flush()
}

func median[T cmp.Ordered](results []result, of func(result) T) T {
	var all []T
	for _, r := range results {
		all = append(all, of(r))
	}
	return middle(all)
}

// middle returns the median of at least one value.
func middle[T cmp.Ordered](all []T) T {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

// bodyStart is how the body of an admitted JSONP call begins.
const bodyStart = `/**/ typeof cb === 'function' && cb({"data":`

// subject is a server, or several nodes, with what a load needs.
type subject struct {
	name     string
	server   *stiletest.Server
	addr     string   // of the node that is called, or of the only server
	tokens   []string // address-bound
	keyed    []keyed
	body     []byte // of one call
	answered int    // calls that were answered
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

// checkUsage checks that exactly the calls that were answered are charged.
func (s *subject) checkUsage() error {
	var lines []struct{ Calls int }
	if err := s.server.CommandJSON(&lines, "usage", "--tenant", "acme"); err != nil {
		return err
	}
	charged := 0
	for _, l := range lines {
		charged += l.Calls
	}
	if charged != s.answered {
		return fmt.Errorf("%s: the usage shows %d calls, but %d were answered", s.name, charged, s.answered)
	}
	fmt.Printf("usage with %s: %d calls charged, %d answered\n", s.name, charged, s.answered)
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
