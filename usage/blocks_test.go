package usage

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// shared gives blocks of one tenant's quota of a month.
type shared struct {
	mu     sync.Mutex
	origin uint64
	given  int64
	ledger int64
	takes  int
	fault  error
}

func (b *shared) Take(_ context.Context, _ uint32, _ int32, limit int64) (Block, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.takes++
	left := limit - b.given
	if b.fault != nil || left <= 0 {
		return Block{Origin: b.origin}, b.fault
	}
	n := max(left/100, 1)
	b.given += n
	return Block{b.origin, n}, nil
}

func (b *shared) Return(_ context.Context, _ uint32, _ int32, back Block) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if back.Origin == b.origin {
		b.given -= back.Calls
	}
	return b.fault
}

func (b *shared) IsValid(_ context.Context, _ uint32, _ int32, of Block) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return of.Origin == b.origin, b.fault
}

func (b *shared) UsedIn(context.Context, int32) (map[uint32]int64, error) {
	return map[uint32]int64{1: b.ledger}, b.fault
}

// clock is a clock that a test sets.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return noon.Add(time.Duration(c.ahead.Load())) }

func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// metersOf returns meters of several nodes.
func metersOf(n int, b Blocks, c *clock) (meters []*Meter) {
	for range n {
		m := &Meter{}
		m.UseBlocks(b, c.now)
		meters = append(meters, m)
	}
	return meters
}

func all(*share) bool { return true }

// TestCounted checks that a meter has counted the calls of its own node, and none of the ledger.
func TestCounted(t *testing.T) {
	b, c := &shared{origin: 1, ledger: 500}, &clock{}
	m := metersOf(1, b, c)[0]
	for range 3 {
		claim(t, m, 1000, c, Reserved)
		m.Use(1, c.now())
	}
	claim(t, m, 1000, c, Reserved)
	m.Release(1, c.now())
	if err := m.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if used, counted := m.Used(1, c.now()), m.Counted(1, c.now()); used != 500 || counted != 3 {
		t.Errorf("%d calls used, of which this node counted %d", used, counted)
	}
}

// claim claims a call, and fails if the answer is another one.
func claim(t *testing.T, m *Meter, limit int64, c *clock, want Answer) {
	t.Helper()
	if got, err := m.Claim(t.Context(), 1, limit, c.now()); got != want || err != nil {
		t.Fatalf("answer %v, %v, want %v", got, err, want)
	}
}

// TestBlocksNeverOver claims three times as many calls as a month has at three nodes, and releases
// some. The calls that were used are never more than the quota, and all of it once the nodes have
// returned what they had.
func TestBlocksNeverOver(t *testing.T) {
	b, c := &shared{origin: 1}, &clock{}
	meters := metersOf(3, b, c)
	const limit = 2000
	var used atomic.Int64
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			m := meters[i%3]
			for n := range 3 * limit / 24 {
				answer, err := m.Claim(context.Background(), 1, limit, c.now())
				switch {
				case err != nil:
					t.Error(err)
				case answer == Reserved && n%7 == 0:
					m.Release(1, c.now())
				case answer == Reserved:
					used.Add(1)
					m.Use(1, c.now())
				}
			}
		})
	}
	wg.Wait()
	if n := used.Load(); n > limit || n < limit-60 {
		t.Errorf("%d of %d used", n, limit)
	}
	for _, m := range meters {
		if err := m.giveBack(t.Context(), all); err != nil {
			t.Error(err)
		}
	}
	c.advance(emptyFor)
	for used.Load() < limit {
		claim(t, meters[0], limit, c, Reserved)
		meters[0].Use(1, c.now())
		used.Add(1)
	}
	claim(t, meters[0], limit, c, Exhausted)
	if !meters[0].IsExhausted(1, limit, c.now()) || b.given != limit {
		t.Errorf("exhausted: %v, %d given", meters[0].IsExhausted(1, limit, c.now()), b.given)
	}
}

// TestEmptyQuota checks that an exhausted quota is not asked for with each call, and that a call
// waits for those that are reserved.
func TestEmptyQuota(t *testing.T) {
	b, c := &shared{origin: 1}, &clock{}
	m := metersOf(1, b, c)[0]
	claim(t, m, 1, c, Reserved)
	claim(t, m, 1, c, Waiting)
	m.Use(1, c.now())
	for range 50 {
		claim(t, m, 1, c, Exhausted)
	}
	if b.takes != 2 {
		t.Errorf("tried %d times", b.takes)
	}
	c.advance(emptyFor)
	claim(t, m, 2, c, Reserved) // the quota was raised
	m.Release(1, c.now())
	claim(t, m, 2, c, Reserved)
	claim(t, m, 0, c, Reserved) // no quota
}

// TestLostQuota checks that a block of a quota that was lost is not used any more, neither are
// calls that are released later, and that a block that could not be confirmed is not used.
func TestLostQuota(t *testing.T) {
	b, c := &shared{origin: 1}, &clock{}
	m := metersOf(1, b, c)[0]
	claim(t, m, 1000, c, Reserved) // a block of 10
	claim(t, m, 1000, c, Reserved)
	b.origin, b.given, b.fault = 2, 500, errors.New("counting")
	c.advance(blocksEvery)
	if err := m.confirm(t.Context()); err == nil {
		t.Error("no error")
	}
	c.advance(validFor)
	if answer, err := m.Claim(t.Context(), 1, 1000, c.now()); err == nil || answer == Reserved {
		t.Errorf("a block that may be lost was used: %v, %v", answer, err)
	}
	b.fault = nil
	if err := m.confirm(t.Context()); err != nil {
		t.Error(err)
	}
	m.Release(1, c.now()) // of the lost block
	claim(t, m, 1000, c, Reserved)
	m.Use(1, c.now())
	m.Release(1, c.now())
	if err := m.giveBack(t.Context(), all); err != nil || b.given != 501 {
		t.Errorf("%d given, %v", b.given, err)
	}
}

// TestIdleBlocks checks that a block is returned when no calls come, and when the node stops.
func TestIdleBlocks(t *testing.T) {
	b, c := &shared{origin: 1}, &clock{}
	m := metersOf(1, b, c)[0]
	claim(t, m, 1000, c, Reserved)
	m.Use(1, c.now())
	for _, given := range []int64{10, 1} {
		if err := m.giveBack(t.Context(), m.isIdle); err != nil || b.given != given {
			t.Errorf("%d given, %v", b.given, err)
		}
		c.advance(idleBlock)
	}
	claim(t, m, 1000, c, Reserved)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.Run(ctx, time.Second, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	if b.given != 2 {
		t.Errorf("%d given after the stop", b.given)
	}
}

// TestUsedOfAllNodes checks that Used has what other nodes used, and never less than the ledger.
func TestUsedOfAllNodes(t *testing.T) {
	b, c := &shared{origin: 1}, &clock{}
	m := metersOf(1, b, c)[0]
	for range 3 {
		claim(t, m, 1000, c, Reserved)
		m.Use(1, c.now())
	}
	for _, x := range []struct{ ledger, used int64 }{{0, 3}, {40, 40}, {41, 41}} {
		b.ledger = x.ledger
		if err := m.refresh(t.Context()); err != nil || m.Used(1, c.now()) != x.used {
			t.Errorf("%d used, want %d: %v", m.Used(1, c.now()), x.used, err)
		}
	}
	claim(t, m, 1000, c, Reserved)
	m.Use(1, c.now())
	b.ledger = 41 // the last call is not transferred yet
	if err := m.refresh(t.Context()); err != nil || m.Used(1, c.now()) != 42 {
		t.Errorf("%d used, want 42: %v", m.Used(1, c.now()), err)
	}
}
