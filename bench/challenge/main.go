// Command challenge measures what work and proofs cost a browser. It serves a page to a real
// Chromium, which solves challenges of each level in a Web Worker. It prints how long they took,
// and how long one key takes at other costs. The work levels were chosen with these figures
// (docs/challenges.md). Then it prints how long the crypto of a call's proof takes.
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

// phoneFactor is how much longer a slow phone takes than this machine. It is an assumption:
// Lighthouse slows a fast computer by a factor of 4 to simulate a mid-range phone.
const phoneFactor = 4

func main() {
	browser := flag.String("chromium", "chromium", "program of the browser")
	n := flag.Int("n", 15, "number of challenges of each level")
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
		p, err := workFor(cost, keys-1)
		if err != nil {
			return err
		}
		tasks = append(tasks, p)
	}
	// The first task is a warm-up, and is not counted.
	report, err := solve(ctx, browser, append([]challenge.Parameters{tasks[0]}, tasks...))
	if err != nil {
		return err
	}
	solutions := report.Solutions[1:]
	printLevels(solutions[:len(solutions)-len(costs)], n)
	printCosts(solutions[len(solutions)-len(costs):], keys)
	fmt.Printf("\nthe proof of a call, Chromium: %.0f µs for a MAC (session proof), %.0f µs for a signature (DPoP)\n", report.Proofs.MAC, report.Proofs.Signature)
	return nil
}

// levels returns n challenges of each level.
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

// costs are those at which one key is measured.
var costs = []int{1, 100, 250, 500, 1000, 2000, 5000}

// workFor returns work of any cost that is solved by the counter.
func workFor(cost int, counter uint32) (challenge.Parameters, error) {
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
	fmt.Fprintf(w, "level\tkeys, mean\tms, mean\tmin\tmedian\tmax\tms a key, mean\tmin\tslow phone (x%d) s\t\n", phoneFactor)
	for level := range len(all) / n {
		of := all[level*n : (level+1)*n]
		var keys, ms float64
		fastest := math.Inf(1) // ms a key: a busy machine distorts it less than the mean
		for _, s := range of {
			keys, ms = keys+float64(s.Counter)+1, ms+s.Milliseconds
			fastest = min(fastest, s.Milliseconds/float64(s.Counter+1))
		}
		slices.SortFunc(of, func(a, b solution) int { return cmp.Compare(a.Milliseconds, b.Milliseconds) })
		fmt.Fprintf(w, "%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.3f\t%.3f\t%.2f\t\n", level, keys/float64(n), ms/float64(n),
			of[0].Milliseconds, of[n/2].Milliseconds, of[n-1].Milliseconds, ms/keys, fastest, ms/float64(n)*phoneFactor/1000)
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

// inGo returns how long this program takes for one key, in milliseconds.
func inGo(cost, keys int) float64 {
	p, err := workFor(cost, uint32(keys-1))
	if err != nil {
		return 0
	}
	start := time.Now()
	challenge.Solve(context.Background(), p)
	return float64(time.Since(start).Microseconds()) / 1000 / float64(keys)
}
