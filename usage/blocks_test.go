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
	onTake func() // called before each Take
}

func (b *shared) Take(_ context.Context, _ uint32, _ int32, limit, used int64) (Block, error) {
	if b.onTake != nil {
		b.onTake()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.takes++
	given := max(b.given, used)
	if b.fault != nil || given >= limit {
		return Block{Origin: b.origin}, b.fault
	}
	n := max((limit-given)/100, 1)
	b.given = given + n
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
	if err := m.Refresh(t.Context()); err != nil {
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

// TestEmptyQuota checks that an exhausted quota is not asked for with each call.
func TestEmptyQuota(t *testing.T) {
	b, c := &shared{origin: 1}, &clock{}
	m := metersOf(1, b, c)[0]
	claim(t, m, 1, c, Reserved)
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

// TestLastOfAQuota: calls wait for those that have reserved the last of a quota, on one node and on
// several. A call that is returned is given to one that waits, and all others are refused when all
// calls of the quota are used. None is refused before.
func TestLastOfAQuota(t *testing.T) {
	for name, open := range map[string]func(*clock) *Meter{
		"alone":  func(*clock) *Meter { return &Meter{} },
		"shared": func(c *clock) *Meter { return metersOf(1, &shared{origin: 1}, c)[0] },
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{}
			m := open(c)
			const limit, waiting = 3, 20
			for range limit {
				claim(t, m, limit, c, Reserved)
			}
			answers := make(chan Answer)
			for range waiting {
				go func() {
					answer, err := m.Claim(context.Background(), 1, limit, c.now())
					if err != nil {
						t.Error(err)
					}
					answers <- answer
				}()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if answer, err := m.Claim(ctx, 1, limit, c.now()); answer != Waiting || err != nil {
				t.Errorf("a call whose time ends: %v, %v", answer, err)
			}
			for range 2 {
				m.Release(1, c.now())
				if answer := <-answers; answer != Reserved {
					t.Errorf("a call was returned, and the answer is %v", answer)
				}
			}
			select {
			case answer := <-answers:
				t.Errorf("with all calls reserved, the answer is %v", answer)
			case <-time.After(50 * time.Millisecond):
			}
			for range limit {
				m.Use(1, c.now())
			}
			for range waiting - 2 {
				if answer := <-answers; answer != Exhausted {
					t.Errorf("with all calls used, the answer is %v", answer)
				}
			}
		})
	}
}

// TestSlowBlocks: calls that wait for a block share the outcome: a block, an error, or that nothing
// is left, even if that took long.
func TestSlowBlocks(t *testing.T) {
	broken := errors.New("broken")
	for _, x := range []struct {
		limit  int64
		fault  error
		answer Answer
	}{{5000, nil, Reserved}, {1, nil, Exhausted}, {1, broken, Exhausted}} {
		b, c := &shared{origin: 1, given: 1, fault: x.fault}, &clock{}
		m := metersOf(1, b, c)[0]
		waits := make(chan struct{})
		b.onTake = func() { <-waits; c.advance(2 * emptyFor) }
		a := open(1, c.now())
		_, first := m.claim(a, x.limit)
		for range 20 {
			if _, next := m.claim(a, x.limit); next != first {
				t.Errorf("%+v: a call does not wait for the block that is being taken", x)
			}
		}
		close(waits)
		if <-first.done; !errors.Is(first.err, x.fault) {
			t.Errorf("%+v: %v", x, first.err)
		}
		if x.fault == nil {
			claim(t, m, x.limit, c, x.answer)
		}
		if b.takes != 1 {
			t.Errorf("%+v: %d attempts to take a block", x, b.takes)
		}
	}
}

// TestCallerThatGivesUp: a block is taken although the call that needed it first has ended.
func TestCallerThatGivesUp(t *testing.T) {
	b, c := &shared{origin: 1}, &clock{}
	m := metersOf(1, b, c)[0]
	waits := make(chan struct{})
	b.onTake = func() { <-waits }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if answer, err := m.Claim(ctx, 1, 1000, c.now()); answer == Reserved || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", answer, err)
	}
	close(waits)
	claim(t, m, 1000, c, Reserved)
	if b.takes != 1 {
		t.Errorf("%d attempts to take a block", b.takes)
	}
}

// TestQuotaOfAPart: calls that were made while a tenant had no quota count when it has one again.
func TestQuotaOfAPart(t *testing.T) {
	b, c := &shared{origin: 1}, &clock{}
	m := metersOf(1, b, c)[0]
	claim(t, m, 100, c, Reserved)
	m.Use(1, c.now())
	for range 200 {
		claim(t, m, 0, c, Reserved)
		m.Use(1, c.now())
	}
	b.ledger = 201
	if err := m.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	claim(t, m, 100, c, Exhausted)
	claim(t, m, 202, c, Exhausted) // nothing was left a moment ago
	c.advance(emptyFor)
	claim(t, m, 202, c, Reserved)
	claim(t, m, 203, c, Reserved)
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
		if err := m.Refresh(t.Context()); err != nil || m.Used(1, c.now()) != x.used {
			t.Errorf("%d used, want %d: %v", m.Used(1, c.now()), x.used, err)
		}
	}
	claim(t, m, 1000, c, Reserved)
	m.Use(1, c.now())
	b.ledger = 41 // the last call is not transferred yet
	if err := m.Refresh(t.Context()); err != nil || m.Used(1, c.now()) != 42 {
		t.Errorf("%d used, want 42: %v", m.Used(1, c.now()), err)
	}
}

// TestOnlyOthersCount checks a node of a new installation that has counted nothing itself.
func TestOnlyOthersCount(t *testing.T) {
	b, c := &shared{origin: 1, ledger: 7}, &clock{}
	m, err := OpenMeter(t.Context(), nothing{}, nil, c.now())
	if err != nil {
		t.Fatal(err)
	}
	m.UseBlocks(b, c.now)
	if err := m.Refresh(t.Context()); err != nil || m.Used(1, c.now()) != 7 {
		t.Errorf("%d used, want 7: %v", m.Used(1, c.now()), err)
	}
}

// nothing is the usage of a new installation.
type nothing struct{}

func (nothing) Usage(context.Context, string, string, string) ([]Line, error) { return nil, nil }
