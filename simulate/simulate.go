// Package simulate simulates a day of traffic, or several, against the real rules, using a fake
// clock.
//
// [Run] simulates groups of people, scrapers and attackers. Each call goes through [tokens.Gate],
// and each binding through [addresses.Policy.Apply], as in the server; only the requests, the clock
// and the store are simulated. The [Report] says what the rules did to each group: how many
// challenges and blocks people met, and how much of the corpus a scraper got. The defaults of the
// policy were found in this way, and a test keeps the figures in docs/policy.md up to date.
//
// The same [Config] leads to the same Report, byte for byte: each group has a random generator of
// its own, whose seed is made from Config.Seed and the group's name.
//
// The simulation does not say how real people and real scrapers behave. The shapes are typical ones
// from the literature (people.go cites it). The scrapers know the rules and do what works best.
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

// Config says what is simulated, and by which rules.
type Config struct {
	Seed      uint64
	Days      int // at least 1
	Corpus    int // number of items
	Scale     int // people in percent of a group's size; scrapers are always all of them
	Policy    tokens.Policy
	Addresses addresses.Policy
	Groups    []string                           // names of the groups to simulate; empty: all
	Progress  func(done, of int)                 // called by one goroutine at a time; may be nil
	Work      [tokens.MaxLevel + 1]time.Duration // time of each work level on a slow phone
}

// Default returns a simulation of one day with the default policy.
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

// Plain returns c with the plain rules, to compare with: an address over its binding budget is
// blocked immediately, and records are not counted.
func (c Config) Plain() Config {
	c.Addresses.Then, c.Addresses.Records = addresses.ThenBlock, 0
	return c
}

// Run simulates every group by the rules of c, and by the plain rules to compare with. Groups have
// no address in common, so they run in parallel.
func Run(ctx context.Context, c Config) (Report, error) {
	chosen, err := choose(c.Groups)
	if err != nil {
		return Report{}, err
	}
	r := Report{Seed: c.Seed, Days: c.Days, Corpus: c.Corpus, Scale: c.Scale,
		Groups: make([]Result, len(chosen)), Plain: make([]Result, len(chosen))}
	var jobs []func()
	for n, k := range chosen {
		jobs = append(jobs, func() { r.Groups[n] = simulateGroup(ctx, c, k) }, func() { r.Plain[n] = simulateGroup(ctx, c.Plain(), k) })
	}
	each(jobs, c.Progress)
	return r, ctx.Err()
}

// each runs jobs on all processors, and reports the progress.
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

// simulateGroup simulates one group.
func simulateGroup(ctx context.Context, c Config, k group) Result {
	h := fnv.New64a()
	h.Write([]byte(k.name))
	w := newWorld(c, rand.New(rand.NewPCG(c.Seed, h.Sum64())))
	w.run(ctx, k.make(w))
	return w.result(k)
}
