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

	"stile.example/stile/addresses"
	"stile.example/stile/refusals"
	"stile.example/stile/store/tables/refusallog"
	"stile.example/stile/tokens"
)

// BenchmarkGate makes calls on some tokens by 64 callers at the same time. Each call is durable
// when it returns. The first call of each token is not measured.
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

// BenchmarkTransactionForEachCall is the comparison for group commit: each call reads a row, writes
// it, and commits.
func BenchmarkTransactionForEachCall(b *testing.B) {
	db := newDB(b)
	g := &tokens.Gate{Store: unbatched{db}}
	callers(b, g, b.N, 2000)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// callers makes n calls on the first tokens in turn, and returns how long each took.
func callers(b *testing.B, g *tokens.Gate, n, tokensInUse int) []time.Duration {
	const workers = 64
	p := tokens.Policy{Calls: 1 << 30, Records: 1 << 31, BindWithin: time.Minute, SpikeCalls: 1 << 31, SpikePer: time.Minute}
	at := time.Now()
	c := tokens.Call{At: at, Tenant: 1, IssuedAt: at, Expires: at.Add(24 * time.Hour), From: netip.MustParseAddr("192.0.2.1"),
		Address: tokens.AddressVerdict{Known: true}}
	took := make([]time.Duration, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				start := time.Now()
				v, err := g.Apply(context.Background(), benchID(i%int64(tokensInUse)), p, &c)
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

// BenchmarkBind binds tokens to one address, and to many, by 64 callers at the same time. Each
// binding is durable when it returns.
func BenchmarkBind(b *testing.B) {
	for _, many := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("%d addresses", many), func(b *testing.B) {
			db := newDB(b)
			binders(b, db, many, many)
			b.ResetTimer()
			binders(b, db, b.N, many)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "bindings/s")
		})
	}
}

// binders binds n tokens to the first addresses in turn.
func binders(b *testing.B, db *DB, n, addressesInUse int) {
	bind := func(s addresses.State) addresses.State { s.Bucket++; return s }
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := db.UpdateAddress(context.Background(), benchAddr(i%int64(addressesInUse)), bind); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// benchAddr returns the n-th of some addresses.
func benchAddr(n int64) addresses.Scope {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint32(a[4:], uint32(n)*0x9E3779B1)
	return addresses.OfTenant(netip.AddrFrom16(a), 1)
}

// BenchmarkAddRefusals measures how long calls wait while refusals are written, as many as at a
// time. The table is half full.
func BenchmarkAddRefusals(b *testing.B) {
	table := refusallog.New(newDB(b))
	some := make([]refusals.Refusal, 64)
	add := func(n int) {
		for i := range some {
			id := benchID(int64(n*len(some) + i)).String()
			some[i] = refusals.Refusal{Ref: id[:4] + "-" + id[4:8], At: time.UnixMilli(int64(n)), Tenant: "acme", Code: "address_blocked",
				Rule: "address.bindings", Limit: 25, Seen: 26, Identity: "address 192.0.2.0/24", Address: "192.0.2.0/24"}
		}
		if err := table.AddRefusals(b.Context(), some, refusals.Most); err != nil {
			b.Fatal(err)
		}
	}
	const before = refusals.Most / 2 / 64
	for n := range before {
		add(n)
	}
	n := before
	for b.Loop() {
		add(n)
		n++
	}
}

// benchID returns the n-th of some ids that are distributed like hashes.
func benchID(n int64) (id tokens.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}
