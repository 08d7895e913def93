package values_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states/statestest"
	"stile.example/stile/tokens"
)

// BenchmarkUpdate measures calls by 64 callers with 4,096 tokens, at one and two nodes, on a server
// that waits for the disk. It reports the processor time of this process and of the server.
func BenchmarkUpdate(b *testing.B) {
	for _, nodes := range []int{1, 2} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			server := engines.NewPostgres(b, true)
			url := server.Database(b)
			statestest.Empty(b, url)
			var all []*statestest.Node
			for range nodes {
				n := statestest.Open(b, url, statestest.Values(b, url)())
				b.Cleanup(func() { n.Close() })
				all = append(all, n)
			}
			id := func(n int) tokens.ID { return tokens.ID{byte(n), byte(n >> 8), 3} }
			for n := range 4096 {
				if err := all[n%nodes].Update(b.Context(), id(n), bound); err != nil {
					b.Fatal(err)
				}
			}
			var next atomic.Int64
			ours, servers := cpu(), serverCPU(server.PID())
			b.ResetTimer()
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if err := all[int(n)%nodes].Update(b.Context(), id(int(n)%4096), count); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			b.ReportMetric(float64((cpu()-ours).Microseconds())/float64(b.N), "node-cpu-µs/call")
			b.ReportMetric(float64((serverCPU(server.PID())-servers).Microseconds())/float64(b.N), "server-cpu-µs/call")
		})
	}
}

func bound(s tokens.State) tokens.State {
	s.Tenant, s.IssuedAt, s.Expires = 1, time.Now().Unix(), time.Now().Add(24*time.Hour).Unix()
	return s
}

func count(s tokens.State) tokens.State {
	s.Used[0][tokens.Items].Calls++
	return s
}

// cpu returns the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverCPU returns the processor time of a process and its living and ended children.
func serverCPU(pid int) (sum time.Duration) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n))
		if err != nil {
			continue
		}
		f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		parent, _ := strconv.Atoi(f[1])
		if parent == pid || n == pid {
			for _, i := range []int{11, 12} { // utime and stime, in hundredths of a second
				ticks, _ := strconv.Atoi(f[i])
				sum += time.Duration(ticks) * 10 * time.Millisecond
			}
		}
	}
	return sum
}
