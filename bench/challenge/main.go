// Command challenge measures what work costs a browser: it serves a page to a
// real Chromium, which solves challenges of each level in a Web Worker, and
// prints how long that took, and what one key takes at other costs. With these
// figures the levels were chosen (docs/challenges.md).
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"stile.example/stile/challenge"
)

// slower is how much longer a slow phone takes than the machine that measures:
// an assumption. Lighthouse slows a fast computer by 4 for a middling phone.
const slower = 4

func main() {
	browser := flag.String("chromium", "chromium", "the browser's program")
	n := flag.Int("n", 15, "challenges of each level")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := run(ctx, *browser, *n); err != nil {
		fmt.Fprintln(os.Stderr, "challenge:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, browser string, n int) error {
	tasks, err := levels(n)
	if err != nil {
		return err
	}
	const keys = 300
	for _, cost := range costs {
		p, err := known(cost, keys-1)
		if err != nil {
			return err
		}
		tasks = append(tasks, p)
	}
	// The first is there to warm up: it is not counted.
	found, err := solve(ctx, browser, append([]challenge.Parameters{tasks[0]}, tasks...))
	if err != nil {
		return err
	}
	found = found[1:]
	printLevels(found[:len(found)-len(costs)], n)
	printCosts(found[len(found)-len(costs):], keys)
	return nil
}

// levels are n challenges of each level.
func levels(n int) (tasks []challenge.Parameters, err error) {
	m, err := challenge.NewMaker(random(32))
	if err != nil {
		return nil, err
	}
	for level := range uint8(challenge.MaxLevel + 1) {
		for i := range n {
			c, err := m.Make(challenge.Spec{Number: uint16(i), Kind: challenge.Work, Level: level, Expires: time.Now().Add(time.Hour)})
			if err != nil {
				return nil, err
			}
			tasks = append(tasks, *c.Parameters)
		}
	}
	return tasks, nil
}

// costs are those that one key is tried at.
var costs = []int{1, 100, 250, 500, 1000, 2000, 5000}

// known is work of another cost whose counter is known.
func known(cost int, counter uint32) (challenge.Parameters, error) {
	p := challenge.Parameters{
		Algorithm: "PBKDF2/SHA-256", Cost: cost, KeyLength: 32,
		Nonce: fmt.Sprintf("%x", random(16)), Salt: fmt.Sprintf("%x", random(16)),
	}
	key, err := p.Key(counter)
	if err != nil {
		return p, err
	}
	p.KeyPrefix = fmt.Sprintf("%x", key[:16])
	return p, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func printLevels(all []solution, n int) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintf(w, "level\tkeys, mean\tms, mean\tleast\tmedian\tmost\tms a key, mean\tleast\tslow phone (x%d) s\t\n", slower)
	for level := range len(all) / n {
		of := all[level*n : (level+1)*n]
		var keys, ms float64
		least := math.Inf(1) // of the rates: what a loaded machine comes near to only at times
		for _, s := range of {
			keys, ms = keys+float64(s.Counter)+1, ms+s.Milliseconds
			least = min(least, s.Milliseconds/float64(s.Counter+1))
		}
		slices.SortFunc(of, func(a, b solution) int { return cmp.Compare(a.Milliseconds, b.Milliseconds) })
		fmt.Fprintf(w, "%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.3f\t%.3f\t%.2f\t\n", level, keys/float64(n), ms/float64(n),
			of[0].Milliseconds, of[n/2].Milliseconds, of[n-1].Milliseconds, ms/keys, least, ms/float64(n)*slower/1000)
	}
}

func printCosts(all []solution, keys int) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintln(w, "\ncost\tms a key, Chromium\tGo\tChromium / Go\t")
	for i, s := range all {
		browser, program := s.Milliseconds/float64(keys), inGo(costs[i], keys)
		fmt.Fprintf(w, "%d\t%.3f\t%.3f\t%.1f\t\n", costs[i], browser, program, browser/program)
	}
}

// inGo is what one key takes a program, in milliseconds.
func inGo(cost, keys int) float64 {
	p, err := known(cost, uint32(keys-1))
	if err != nil {
		return 0
	}
	begun := time.Now()
	challenge.Solve(context.Background(), p)
	return float64(time.Since(begun).Microseconds()) / 1000 / float64(keys)
}
