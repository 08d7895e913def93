package turns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// callerAt returns the n-th of many callers.
func callerAt(n int) Caller {
	return Caller{netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 1}
}

func TestS54ExpensiveSearchesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLanes(4)
		const limit = 2 * time.Second
		do := func(n, cost int, fn func()) error {
			return l.Do(t.Context(), callerAt(n), 1, cost, limit, func() error { fn(); return nil })
		}
		var running, most, ended atomic.Int64
		for n := range 20 {
			go func() {
				err := do(n, Expensive, func() {
					most.Store(max(most.Load(), running.Add(1)))
					time.Sleep(100 * time.Millisecond)
					running.Add(-1)
					ended.Add(1)
				})
				if err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		for _, cost := range []int{Expensive - 1, Long} {
			if err := do(0, cost, func() {}); err != nil {
				t.Fatalf("a search that costs %d: %v", cost, err)
			}
		}
		time.Sleep(1050 * time.Millisecond) // by the fake clock
		if most.Load() != 2 || ended.Load() != 20 {
			t.Errorf("%d ran at the same time, %d ended", most.Load(), ended.Load())
		}
		for range 2 {
			go do(0, Expensive, func() { time.Sleep(time.Minute) })
		}
		synctest.Wait()
		at := time.Now()
		err := do(0, Expensive, func() {})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(at) != limit {
			t.Errorf("without a turn: %v after %v", err, time.Since(at))
		}
		time.Sleep(time.Minute)
	})
}

func TestLanesOpen(t *testing.T) {
	for cores, want := range map[int][3]int{1: {2, 1, 1}, 2: {2, 1, 1}, 3: {3, 1, 1}, 4: {4, 2, 1}, 8: {8, 4, 3}, 64: {64, 32, 31}} {
		l := NewLanes(cores)
		if got := [3]int{l.quick.free, l.ordinary.free, l.long.free}; got != want {
			t.Errorf("on %d processors: %v, want %v", cores, got, want)
		}
	}
}

// TestS54TurnsAreFair: of 50 callers with 4 searches waiting each, none delays the search of a
// caller that had few turns, and each gets the same part.
func TestS54TurnsAreFair(t *testing.T) {
	const cost = 150_000
	q := queue{free: 1}
	served := map[Caller]int{}
	type one struct {
		w   *waiter
		who Caller
	}
	var order []one
	add := func(n, cost int) *waiter {
		w := q.join(callerAt(n), cost)
		order = append(order, one{w, callerAt(n)})
		return w
	}
	has := func(w *waiter) bool {
		select {
		case <-w.turn:
			return true
		default:
			return false
		}
	}
	// serve ends the search that runs. Its caller starts another one immediately.
	serve := func() {
		i := slices.IndexFunc(order, func(o one) bool { return has(o.w) })
		who := order[i].who
		order = slices.Delete(order, i, i+1)
		served[who]++
		if b := who.Address.As4(); b[2] == 0 {
			add(int(b[3]), cost)
		}
		q.give()
	}
	for range 4 {
		for n := range 50 {
			add(n, cost)
		}
	}
	for n := range 40 {
		for range 20 {
			serve()
		}
		w := add(256+n%10, Expensive) // ten visitors, each once in 200 turns
		serve()
		if !has(w) {
			t.Fatalf("visit %d: an attacker's search went first", n)
		}
	}
	least, most := 1<<30, 0
	for n := range 50 {
		least, most = min(least, served[callerAt(n)]), max(most, served[callerAt(n)])
	}
	if least == 0 || most-least > 1 {
		t.Errorf("of equal callers, one had %d turns, another %d", least, most)
	}
	if len(q.ends) > 60 {
		t.Errorf("%d callers are stored", len(q.ends))
	}
	for range 300 { // a caller with three shares
		add(1000, cost/3)
	}
	before := served[callerAt(1000)]
	for range 200 {
		serve()
	}
	if n := served[callerAt(1000)] - before; n < 8 || n > 16 {
		t.Errorf("a caller with three shares had %d of 200 turns, of 51 callers", n)
	}
}

// TestQueueKeepsNothing: what is stored about callers is bounded while searches wait, and removed
// when none waits. A search that gives up leaves the queue.
func TestQueueKeepsNothing(t *testing.T) {
	q := queue{free: 1}
	q.join(callerAt(0), Long)
	for n := range 2 * maxCallers {
		q.join(callerAt(1+n), Long)
		q.give()
		if len(q.ends) > maxCallers {
			t.Fatalf("after %d searches, %d callers are stored", n, len(q.ends))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.take(ctx, callerAt(1), Long); !errors.Is(err, context.Canceled) || len(q.waiting) != 0 {
		t.Errorf("gave up: %v, %d wait", err, len(q.waiting))
	}
	w := q.join(callerAt(2), Long)
	q.give()
	if q.leave(w) {
		t.Error("left, and had its turn")
	}
	q.give()
	if q.free != 1 || q.running != 0 || q.now != 0 || len(q.ends) != 0 {
		t.Errorf("no search waits, but: %s", fmt.Sprint(q.free, q.running, q.now, len(q.ends)))
	}
}
