package simulate

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
)

// TestQueue checks that a queue returns what is due by time, then by agent.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var last due
		for range rapid.IntRange(1, 100).Draw(t, "pushes") {
			q.push(due{time.Duration(rapid.IntRange(0, 9).Draw(t, "at")), rapid.IntRange(0, 9).Draw(t, "agent")})
		}
		for n := len(q); n > 0; n-- {
			d := q.pop()
			if d.before(last) || len(q) != n-1 {
				t.Fatalf("%v after %v, %d left", d, last, len(q))
			}
			last = d
		}
	})
}

// TestChance checks the means of the distributions.
func TestChance(t *testing.T) {
	w := &world{Rand: rand.New(rand.NewPCG(1, 1))}
	hours := [24]float64{3: 1, 4: 3}
	for name, c := range map[string]struct {
		next func() float64
		mean float64
	}{
		"inverse Gaussian": {func() float64 { return w.inverseGaussian(8, pagesShape) }, 8},
		"Weibull":          {func() float64 { return w.weibull(0.8, 45) }, 45 * math.Gamma(1+1/0.8)},
		"Poisson":          {func() float64 { return float64(w.poisson(0.6)) }, 0.6},
		"log-normal":       {func() float64 { return w.logNormal(0.4) }, math.Exp(0.4 * 0.4 / 2)},
		"hours":            {func() float64 { return w.hour(&hours).Hours() }, 0.25*3.5 + 0.75*4.5},
		"Zipf":             {func() float64 { return float64(w.zipf(1000)) }, 999/math.Log(1000) - 0.5},
	} {
		const n = 100_000
		sum := 0.0
		for range n {
			sum += c.next()
		}
		if got := sum / n; math.Abs(got-c.mean) > 0.03*c.mean {
			t.Errorf("%s: mean %.3f, want %.3f", name, got, c.mean)
		}
	}
}
