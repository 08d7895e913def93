//go:build measure

package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/tokens"
)

// TestMeasureTokens logs what calls cost as the number of tokens in use grows: the start, the
// processor time and the rate of calls of random tokens by 64 callers, folds and checkpoints
// included, the longest a call waited, and the memory of a token.
//
//	go test -tags sqlite_fts5,measure -run MeasureTokens -v ./store/sqlite
//
// STILE_TOKENS names other numbers than 2,000 and 1,000,000.
func TestMeasureTokens(t *testing.T) {
	for _, many := range strings.Fields(cmp.Or(os.Getenv("STILE_TOKENS"), "2000 1000000")) {
		n, err := strconv.Atoi(many)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(many, func(t *testing.T) { measureTokens(t, n) })
	}
}

func measureTokens(t *testing.T, many int) {
	file := newFile(t)
	prepare(t, file, many)
	before := residentBytes(t)
	start, cpu := time.Now(), processorTime(t)
	db := openFile(t, file, options())
	callsIn(t, db) // as the server does at its start
	t.Logf("start: %v, %v of processor time", time.Since(start), processorTime(t)-cpu)
	g := &tokens.Gate{Store: db}
	calls := func(n int, pick func(int) int64) (each, longest time.Duration) {
		cpu, worst := processorTime(t), new(atomic.Int64)
		var next atomic.Int64
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
					began := time.Now()
					v, err := g.Apply(context.Background(), benchID(pick(i)), measurePolicy, measureCall())
					if err != nil || v.Outcome != tokens.Admit {
						t.Error(v, err)
						return
					}
					for took := int64(time.Since(began)); took > worst.Load(); {
						worst.Store(took)
					}
				}
			})
		}
		wg.Wait()
		return (processorTime(t) - cpu) / time.Duration(n), time.Duration(worst.Load())
	}
	each, _ := calls(many, func(i int) int64 { return int64(i - 1) })
	t.Logf("the first call of each token: %v of processor time", each)
	heap := heap()
	debug.FreeOSMemory()
	t.Logf("memory: %d MB of heap, %d bytes a token resident", heap>>20, (residentBytes(t)-before)/max(int64(many), 1))
	for range 3 {
		const n = 1_000_000
		start := time.Now()
		each, longest := calls(n, func(int) int64 { return rand.Int64N(int64(many)) })
		t.Logf("calls: %v of processor time each, %.0f a second, the longest %v", each, n/time.Since(start).Seconds(), longest)
	}
	killed := copyAsKilled(t, db)
	start, cpu = time.Now(), processorTime(t)
	again := openFile(t, killed, options())
	callsIn(t, again)
	t.Logf("start after a kill: %v, %v of processor time", time.Since(start), processorTime(t)-cpu)
}

// prepare makes a database with the rows of some tokens that have made calls.
func prepare(t *testing.T, file string, many int) {
	db := openFile(t, file, options())
	c := measureCall()
	ids := make([]tokens.ID, many)
	for n := range ids {
		ids[n] = benchID(int64(n))
	}
	slices.SortFunc(ids, compareIDs)
	for n := 0; n < many; {
		err := db.tx(t.Context(), func(tx *sql.Tx) error {
			for end := min(many, n+10_000); n < end; n++ {
				s, v := tokens.Step(tokens.State{}, measurePolicy, c)
				if v.Outcome != tokens.Admit {
					t.Fatal(v)
				}
				db.used.Change(&tokens.State{}, &s)
				if err := writeToken(tx, ids[n], s); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.tx(t.Context(), func(tx *sql.Tx) error { return writeSums(tx, &db.used) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

var measurePolicy = tokens.Policy{Calls: 1 << 30, Records: 1 << 31, BindWithin: time.Minute, SpikeCalls: 1 << 31, SpikePer: time.Minute}

func measureCall() tokens.Call {
	at := time.Now()
	return tokens.Call{At: at, Tenant: 1, IssuedAt: at, Expires: at.Add(24 * time.Hour), From: netip.MustParseAddr("192.0.2.1"),
		Records: 1, Route: tokens.Item, Address: tokens.AddressVerdict{Known: true, Allowance: 1 << 30}}
}

// processorTime returns the processor time of this process.
func processorTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// residentBytes returns the memory of this process that is resident.
func residentBytes(t testing.TB) int64 {
	runtime.GC()
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	var size, pages int64
	if _, err2 := fmt.Sscan(string(b), &size, &pages); err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return pages * int64(os.Getpagesize())
}
