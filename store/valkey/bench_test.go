package valkey_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states"
	"stile.example/stile/store/valkey"
)

// valueSize is that of a token's value: a state of 178 bytes, and what store/states puts before it.
const valueSize = 195

// BenchmarkSwap measures swaps of 64 callers, each of its own token, over loopback: their number,
// latency, and the processor time of both sides for each.
func BenchmarkSwap(b *testing.B) {
	for _, bench := range []struct {
		name    string
		start   func(testing.TB, ...string) *engines.Engine
		prepare func(*valkey.Engine)
		once    bool
		fsync   string
	}{
		{name: "valkey9-ifeq", start: engines.Valkey},
		{name: "valkey9-script", start: engines.Valkey, prepare: (*valkey.Engine).OnlyScripts},
		{name: "valkey9-once", start: engines.Valkey, once: true},
		{name: "redis7-script", start: engines.Redis},
		{name: "valkey9-ifeq-always", start: engines.Valkey, fsync: "always"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			settings := []string{"appendonly yes"}
			if bench.fsync != "" {
				settings = append(settings, "appendfsync "+bench.fsync)
			}
			s := bench.start(b, settings...)
			e := open(b, valkey.Options{URL: "valkey://" + s.Addr})
			if bench.prepare != nil {
				bench.prepare(e)
			}
			benchSwaps(b, e, raw(b, s.Addr), bench.once)
		})
	}
}

func benchSwaps(b *testing.B, e *valkey.Engine, c rueidis.Client, once bool) {
	const callers = 64
	keys := make([]states.Key, callers)
	for i := range keys {
		keys[i] = newKey()
		if _, _, err := e.Swap(b.Context(), change(keys[i], "", value(0))); err != nil {
			b.Fatal(err)
		}
	}
	latencies := make([][]time.Duration, callers)
	var left atomic.Int64
	left.Store(int64(b.N))
	server, client := serverTime(b, c), clientTime()
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			known := value(0)
			for n := 1; left.Add(-1) >= 0; n++ {
				s := change(keys[i], known, value(n))
				if once {
					s.Once = states.Once{Digest: [16]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(i)}, Until: inAnHour()}
				}
				began := time.Now()
				if _, swapped, err := e.Swap(b.Context(), s); err != nil || !swapped {
					b.Error(swapped, err)
					return
				}
				latencies[i] = append(latencies[i], time.Since(began))
				known = value(n)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	n := float64(b.N)
	b.ReportMetric(float64(serverTime(b, c)-server)/1e3/n, "server-µs/op")
	b.ReportMetric(float64(clientTime()-client)/1e3/n, "client-µs/op")
	all := slices.Concat(latencies...)
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2])/1e3, "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100])/1e3, "p99-µs")
	b.ReportMetric(n/b.Elapsed().Seconds(), "swaps/s")
}

func value(n int) string {
	return fmt.Sprintf("%-*d", valueSize, n)
}

// serverTime returns the processor time that a server has used.
func serverTime(b testing.TB, c rueidis.Client) time.Duration {
	m := send(b, c, "INFO", "cpu")
	text, _ := m.ToString()
	sum := 0.0
	for line := range strings.Lines(text) {
		name, number, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			f, _ := strconv.ParseFloat(number, 64)
			sum += f
		}
	}
	return time.Duration(sum * float64(time.Second))
}

func clientTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkBytes measures the memory of a token, a new one and one with a proof, by what the server
// reports about 100,000 of them.
func BenchmarkBytes(b *testing.B) {
	for name, start := range map[string]func(testing.TB, ...string) *engines.Engine{"valkey9": engines.Valkey, "redis7": engines.Redis} {
		for _, once := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/proof=%v", name, once), func(b *testing.B) {
				s := start(b)
				e, c := open(b, valkey.Options{URL: "valkey://" + s.Addr}), raw(b, s.Addr)
				const count = 100_000
				before := usedMemory(b, c)
				last := fill(b, e, count, once)
				b.ReportMetric(float64(usedMemory(b, c)-before)/count, "bytes/token")
				m := send(b, c, "MEMORY", "USAGE", "t:{"+base64.RawURLEncoding.EncodeToString([]byte(last.ID))+"}")
				n, _ := m.AsInt64()
				b.ReportMetric(float64(n), "MEMORY-USAGE")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// fill stores so many tokens, and returns the last.
func fill(b *testing.B, e *valkey.Engine, count int, once bool) (last states.Key) {
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for n := i; n < count; n += 64 {
				var id [16]byte
				_, _ = rand.Read(id[:])
				s := change(states.Key{Kind: states.KindToken, ID: string(id[:])}, "", value(n))
				if once {
					s.Once = states.Once{Digest: id, Until: inAnHour()}
				}
				if _, swapped, err := e.Swap(b.Context(), s); err != nil || !swapped {
					b.Error(swapped, err)
					return
				}
				if n == count-1 {
					last = s.Key
				}
			}
		})
	}
	wg.Wait()
	return last
}

func usedMemory(b *testing.B, c rueidis.Client) int64 {
	m := send(b, c, "INFO", "memory")
	text, _ := m.ToString()
	_, rest, _ := strings.Cut(text, "used_memory:")
	number, _, _ := strings.Cut(rest, "\r")
	n, _ := strconv.ParseInt(number, 10, 64)
	return n
}
