// Package simulate plays synthetic traffic through the real rules.
//
// [Run] lets groups of people and of scrapers live through a day, or several,
// by a false clock: each call goes through [tokens.Gate], each binding through
// [addresses.Step], as they do in the server; only the requests, the clock and
// the store are made up. The [Report] says what the rules did to each group: how
// many challenges and blocks people met, and how much of the corpus a scraper
// got. It is how the numbers of the policy are found and kept honest.
//
// The same [Config] gives the same Report, byte for byte: each group draws from
// a generator of its own, seeded by the seed and its name.
//
// What it cannot say: how real people and real scrapers behave. The shapes are
// typical ones from the literature (people.go names them), the scrapers know
// the rules and do what pays best by them.
package simulate

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// Config is what is played, and by which rules.
type Config struct {
	Seed      uint64
	Days      int // at least 1
	Corpus    int // items
	Scale     int // in percent: how many of the people live; 100: all. Scrapers are never fewer
	Policy    tokens.Policy
	Addresses addresses.Policy
	Groups    []string                           // names of the groups to play; none: all
	Progress  func(done, of int)                 // is called as groups are done, from one goroutine at a time; may be nil
	Work      [tokens.MaxLevel + 1]time.Duration // what each level of work costs a slow phone
}

// Default plays a day by the default policy.
func Default() Config {
	return Config{
		Seed: 1, Days: 1, Corpus: 100_000, Scale: 100,
		Policy: tokens.Policy{
			Calls: 2000, Records: 20_000, BindWithin: 10 * time.Minute,
			SpikeCalls: 60, SpikeSuggestions: 240, SpikePer: time.Minute,
			Ladder: []tokens.Kind{tokens.Work, tokens.Work, tokens.Picture}, Ignored: 5, PerToken: 6, Expires: 5 * time.Minute,
			RoamAddresses: 8, RoamPer: 24 * time.Hour,
		},
		Addresses: addresses.Policy{
			Bindings: 25, Per: time.Hour, Records: 375, SolveRatio: 0.2,
			Block: []time.Duration{10 * time.Minute, time.Hour, 4 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour},
		},
		Work: [...]time.Duration{300 * time.Millisecond, time.Second, 3 * time.Second},
	}
}

// Plain is c with the plain rules: a token is bound to an address, and an
// address that binds more than its budget is blocked at once.
func (c Config) Plain() Config {
	c.Addresses.Then, c.Addresses.Records = addresses.ThenBlock, 0
	return c
}

// Run plays every group by the rules of c, and by the plain rules beside them.
// Groups have no address in common, so they are played at the same time.
func Run(ctx context.Context, c Config) (Report, error) {
	chosen, err := choose(c.Groups)
	if err != nil {
		return Report{}, err
	}
	r := Report{Seed: c.Seed, Days: c.Days, Corpus: c.Corpus, Scale: c.Scale,
		Groups: make([]Result, len(chosen)), Plain: make([]Result, len(chosen))}
	var jobs []func()
	for n, k := range chosen {
		jobs = append(jobs, func() { r.Groups[n] = play(ctx, c, k) }, func() { r.Plain[n] = play(ctx, c.Plain(), k) })
	}
	each(jobs, c.Progress)
	return r, ctx.Err()
}

// each runs jobs on all processors, and tells how far they are.
func each(jobs []func(), progress func(done, of int)) {
	var wait sync.WaitGroup
	var mu sync.Mutex
	next, done := 0, 0
	take := func(finished bool) (job func()) {
		mu.Lock()
		defer mu.Unlock()
		if done += map[bool]int{true: 1}[finished]; finished && progress != nil {
			progress(done, len(jobs))
		}
		if next < len(jobs) {
			job = jobs[next]
			next++
		}
		return job
	}
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for job := take(false); job != nil; job = take(true) {
				job()
			}
		})
	}
	wait.Wait()
}

// play lets one group live.
func play(ctx context.Context, c Config, k kind) Result {
	h := fnv.New64a()
	h.Write([]byte(k.name))
	w := newWorld(c, rand.New(rand.NewPCG(c.Seed, h.Sum64())))
	w.live(ctx, k.make(w))
	return w.result(k)
}
