package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/tokens"
)

// BenchmarkGate is 64 callers at once on some tokens, each call durable when
// it is answered. The first call of each token is made before.
func BenchmarkGate(b *testing.B) {
	for _, many := range []int{1, 2000, 200_000, 1_000_000} {
		b.Run(fmt.Sprintf("%d tokens", many), func(b *testing.B) {
			db := newDB(b)
			g := &tokens.Gate{Store: db}
			callers(b, g, many, many)
			b.ResetTimer()
			took := callers(b, g, b.N, many)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
		})
	}
}

// BenchmarkTransactionACall is what group commit is measured against: each
// call reads a row, writes it, and commits.
func BenchmarkTransactionACall(b *testing.B) {
	db := newDB(b)
	g := &tokens.Gate{Store: plain{db}}
	callers(b, g, b.N, 2000)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// callers makes n calls on the first tokens in turn, and returns how long
// each took.
func callers(b *testing.B, g *tokens.Gate, n, tokensInUse int) []time.Duration {
	const workers = 64
	p := tokens.Policy{Calls: 1 << 30, Records: 1 << 31, BindWithin: time.Minute}
	at := time.Now()
	c := tokens.Call{At: at, Tenant: 1, IssuedAt: at, Expires: at.Add(24 * time.Hour), From: netip.MustParseAddr("192.0.2.1")}
	took := make([]time.Duration, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				start := time.Now()
				v, err := g.Apply(context.Background(), benchID(i%int64(tokensInUse)), p, c)
				if err != nil || v.Outcome != tokens.Admit {
					b.Error(v, err)
					return
				}
				took[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	return took
}

// benchID is the n-th of some ids that are spread as hashes are.
func benchID(n int64) (id tokens.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}
