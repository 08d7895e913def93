package sqlite

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

	"stile.example/stile/content"
)

// askerAt is the n-th of many askers.
func askerAt(n int) asker {
	return asker{netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 1}
}

func (db *DB) turnOf(t *testing.T, n, cost int, fn func()) error {
	ctx := content.WithAsker(t.Context(), content.Asker{Address: askerAt(n).from, Tenant: 1})
	return db.inTurn(ctx, cost, func() error { fn(); return nil })
}

func TestS54ExpensiveSearchesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DB{}
		db.times = searchTimes
		db.turns.open(4)
		var running, most, ended atomic.Int64
		for n := range 20 {
			go func() {
				err := db.turnOf(t, n, expensive, func() {
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
		for _, cost := range []int{expensive - 1, long} {
			if err := db.turnOf(t, 0, cost, func() {}); err != nil {
				t.Fatalf("a search that costs %d: %v", cost, err)
			}
		}
		time.Sleep(1050 * time.Millisecond) // by the clock of the bubble
		if most.Load() != 2 || ended.Load() != 20 {
			t.Errorf("%d ran at the same time, %d ended", most.Load(), ended.Load())
		}
		for range 2 {
			go db.turnOf(t, 0, expensive, func() { time.Sleep(time.Minute) })
		}
		synctest.Wait()
		at := time.Now()
		if err := db.turnOf(t, 0, expensive, func() {}); !errors.Is(err, context.DeadlineExceeded) || time.Since(at) != db.times.turn {
			t.Errorf("without a turn: %v after %v", err, time.Since(at))
		}
		time.Sleep(time.Minute)
	})
}

func TestLanesOpen(t *testing.T) {
	for cores, want := range map[int][3]int{1: {2, 1, 1}, 2: {2, 1, 1}, 3: {3, 1, 1}, 4: {4, 2, 1}, 8: {8, 4, 3}, 64: {64, 32, 31}} {
		var l lanes
		l.open(cores)
		if got := [3]int{l.quick.free, l.ordinary.free, l.long.free}; got != want {
			t.Errorf("on %d processors: %v, want %v", cores, got, want)
		}
	}
}

// TestS54TurnsAreFair: of 50 askers with 4 searches waiting each, none delays
// the search of an asker that had few turns, and each gets the same part.
func TestS54TurnsAreFair(t *testing.T) {
	const cost = 150_000
	q := turns{free: 1}
	served := map[asker]int{}
	type one struct {
		w   *waiter
		who asker
	}
	var queue []one
	add := func(n, cost int) *waiter {
		w := q.join(askerAt(n), cost)
		queue = append(queue, one{w, askerAt(n)})
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
	// serve ends the search that runs. Its asker has another one immediately.
	serve := func() {
		i := slices.IndexFunc(queue, func(o one) bool { return has(o.w) })
		who := queue[i].who
		queue = slices.Delete(queue, i, i+1)
		served[who]++
		if b := who.from.As4(); b[2] == 0 {
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
		w := add(256+n%10, expensive) // ten visitors, each once in 200 turns
		serve()
		if !has(w) {
			t.Fatalf("visit %d: an attacker's search went first", n)
		}
	}
	least, most := 1<<30, 0
	for n := range 50 {
		least, most = min(least, served[askerAt(n)]), max(most, served[askerAt(n)])
	}
	if least == 0 || most-least > 1 {
		t.Errorf("of the same askers one had %d turns, another %d", least, most)
	}
	if len(q.ends) > 60 {
		t.Errorf("%d askers are noted", len(q.ends))
	}
	for range 300 { // an asker with three shares
		add(1000, cost/3)
	}
	before := served[askerAt(1000)]
	for range 200 {
		serve()
	}
	if n := served[askerAt(1000)] - before; n < 8 || n > 16 {
		t.Errorf("an asker with three shares had %d of 200 turns, of 51 askers", n)
	}
}

// TestS54SameQuestionHasItsOwnTurn: a visitor does not wait as long as an
// attacker who asks the same question and is at the end of the queue.
func TestS54SameQuestionHasItsOwnTurn(t *testing.T) {
	db := newCorpus(t)
	put(t, db, 0, slowItems()...)
	q := content.Query{Words: []string{"oak", "tree"}, Limit: 1, Facets: []string{"tag", "collection", "a", "b", "c", "d", "e", "f"}}
	db.times.whole, db.times.turn = time.Minute, time.Minute
	turns := db.turns.of(expensive)
	free := turns.free
	turns.free, turns.running = 0, free
	turns.ends = map[asker]int{askerAt(1): 1 << 40}
	search := func(n int) chan error {
		got := make(chan error, 1)
		ctx := content.WithAsker(t.Context(), content.Asker{Address: askerAt(n).from, Tenant: 1})
		waiting := turns.queued()
		go func() {
			_, err := db.Search(ctx, q)
			got <- err
		}()
		for turns.queued() == waiting {
			time.Sleep(time.Millisecond)
		}
		return got
	}
	attacker, visitor := search(1), search(2)
	for range free {
		turns.give()
	}
	if err := <-visitor; err != nil {
		t.Errorf("the visitor: %v", err)
	}
	if err := <-attacker; err != nil {
		t.Errorf("the attacker: %v", err)
	}
}

func (t *turns) queued() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

// TestTurnsKeepNothing: what is noted of askers is bounded while searches wait,
// and gone when none does. A search that gives up leaves the queue.
func TestTurnsKeepNothing(t *testing.T) {
	q := turns{free: 1}
	q.join(askerAt(0), long)
	for n := range 2 * maxAskers {
		q.join(askerAt(1+n), long)
		q.give()
		if len(q.ends) > maxAskers {
			t.Fatalf("after %d searches, %d askers are noted", n, len(q.ends))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.take(ctx, askerAt(1), long); !errors.Is(err, context.Canceled) || len(q.waiting) != 0 {
		t.Errorf("gave up: %v, %d wait", err, len(q.waiting))
	}
	w := q.join(askerAt(2), long)
	q.give()
	if q.leave(w) {
		t.Error("left, and had its turn")
	}
	q.give()
	if q.free != 1 || q.running != 0 || q.now != 0 || len(q.ends) != 0 {
		t.Errorf("nobody waits, and: %s", fmt.Sprint(q.free, q.running, q.now, len(q.ends)))
	}
}
