package nodes

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// table is a Store in memory. Methods that no test calls are missing.
type table struct {
	Store
	mu      sync.Mutex
	gone    bool          // nothing reaches it
	until   time.Time     // the end of its one lease
	fence   int64         // of the lease
	delay   time.Duration // of each reply
	rows    []Row
	scanned []uint32
	removed []uint32
}

var errGone = errors.New("gone")

func (t *table) Acquire(ctx context.Context, name, _ string, _ uint32, fence int64, length time.Duration) (Lease, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		<-ctx.Done()
		return Lease{}, errGone
	}
	time.Sleep(t.delay)
	switch isOver := !time.Now().Before(t.until); {
	case fence != 0 && (fence != t.fence || isOver), fence == 0 && !isOver:
		return Lease{Name: name}, nil
	case fence == 0:
		t.fence++
	}
	t.until = time.Now().Add(length)
	return Lease{Name: name, Fence: t.fence}, nil
}

func (t *table) Release(_ context.Context, _ string, fence int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return errGone
	}
	if fence == t.fence {
		t.until = time.Time{}
	}
	return nil
}

func (t *table) Nodes(context.Context) ([]Row, error) { return t.rows, nil }

func (t *table) Scanned(_ context.Context, numbers []uint32) error {
	t.scanned = append(t.scanned, numbers...)
	return nil
}

func (t *table) Remove(_ context.Context, numbers []uint32) error {
	t.removed = append(t.removed, numbers...)
	return nil
}

func (t *table) node(number uint32, scan func(context.Context) error) *Node {
	return &Node{number: number, opt: Options{Store: t, Log: slog.New(slog.DiscardHandler), Scan: scan}}
}

// TestPartition: a node that is cut off from the database for 60 s stops what it does alone before
// another one can begin it, and each second it is done by one node at most.
func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone, others := &table{}, &table{}
		ctx, end := context.WithCancel(t.Context())
		defer end()
		first, release, err := alone.node(1, nil).TryHold(ctx, "upkeep", "upkeep")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		if first.Err() != nil {
			t.Fatal("it lost the lease without a reason")
		}
		alone.mu.Lock()
		alone.gone = true
		others.until, others.fence = alone.until, alone.fence // the same row, as the others see it
		alone.mu.Unlock()

		second, releaseSecond, err := others.node(2, nil).Hold(ctx, "upkeep", "upkeep")
		if err != nil {
			t.Fatal(err)
		}
		if first.Err() == nil {
			t.Error("two nodes have the lease")
		}
		release()
		time.Sleep(60 * time.Second)
		others.mu.Lock()
		until, fence := others.until, others.fence
		others.mu.Unlock()
		alone.mu.Lock()
		alone.gone, alone.until, alone.fence = false, until, fence
		alone.mu.Unlock()
		if _, _, err := alone.node(1, nil).TryHold(ctx, "upkeep", "upkeep"); err == nil || second.Err() != nil {
			t.Errorf("it takes the lease of another when it is back: %v", err)
		}
		releaseSecond()
	})
}

// TestTakeOver: whenever a node is killed that does something alone, another one begins it within
// 12 s. With the second until it looks for dead nodes, what the killed one counted is copied soon
// after.
func TestTakeOver(t *testing.T) {
	for killed := range 12 {
		synctest.Test(t, func(t *testing.T) {
			first, others := &table{}, &table{}
			if _, _, err := first.node(1, nil).TryHold(t.Context(), "upkeep", "upkeep"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(killed) * 250 * time.Millisecond)
			first.mu.Lock()
			first.gone = true
			others.until, others.fence = first.until, first.fence // the same row, as the others see it
			first.mu.Unlock()
			ctx, end := context.WithCancel(t.Context())
			began := time.Now()
			others.node(2, nil).RunAlone(ctx, "upkeep", func(context.Context) { end() })
			if took := time.Since(began); took > 12*time.Second || took < leaseLength-leaseExtend-time.Second {
				t.Errorf("killed after %d × 250 ms, another node begins after %s", killed, took)
			}
		})
	}
}

// TestLostLease: if another has the lease, or it ended while the node was paused, the node stops.
func TestLostLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &table{}
		held, release, err := store.node(1, nil).TryHold(t.Context(), "upkeep", "upkeep")
		if err != nil {
			t.Fatal(err)
		}
		store.mu.Lock()
		store.fence++ // it ended, and another has it now
		store.mu.Unlock()
		time.Sleep(leaseExtend + time.Second)
		if held.Err() == nil {
			t.Error("it continues")
		}
		if release(); store.until.IsZero() {
			t.Error("it released the lease of another")
		}
	})
}

// TestScanDead: what a dead node has counted is copied once, and again if that fails.
func TestScanDead(t *testing.T) {
	store := &table{rows: []Row{
		{Number: 1, Info: Info{Name: "lives"}},
		{Number: 2, Info: Info{Name: "dead"}, Silent: DeadAfter},
		{Number: 3, Info: Info{Name: "scanned"}, Silent: time.Hour, Scanned: true},
	}}
	scans := 0
	fails := store.node(1, func(context.Context) error { scans++; return errGone })
	if err := fails.ScanDead(t.Context()); !errors.Is(err, errGone) || scans != 1 || store.scanned != nil {
		t.Errorf("%v, %d scans, noted %v", err, scans, store.scanned)
	}
	n := store.node(1, func(context.Context) error { scans++; return nil })
	if err := n.ScanDead(t.Context()); err != nil || scans != 2 || !slices.Equal(store.scanned, []uint32{2}) {
		t.Errorf("%v, %d scans, noted %v", err, scans, store.scanned)
	}
	store.rows = store.rows[:1]
	if err := n.ScanDead(t.Context()); err != nil || scans != 2 {
		t.Errorf("%v, %d scans", err, scans)
	}
}

// TestReplaced: a dead node is removed once what it counted is copied and a later server of its
// name lives. Until then it is one that an operator must know of.
func TestReplaced(t *testing.T) {
	row := func(number uint32, name, address string, silent time.Duration, scanned bool) Row {
		return Row{Number: number, Info: Info{Name: name, Address: address}, Silent: silent, Scanned: scanned}
	}
	store := &table{rows: []Row{
		row(1, "restarted", "a:1", time.Hour, true),
		row(2, "restarted", "a:1", DeadAfter, true),
		row(3, "restarted", "a:1", 0, false),
		row(4, "restarted", "a:1", DeadAfter, true), // a later one than that which lives
		row(5, "not copied", "b:1", time.Hour, false),
		row(6, "not copied", "b:1", 0, false),
		row(7, "gone", "c:1", time.Hour, true),
		row(8, "gone", "", 0, false), // a command
		row(9, "gone twice", "d:1", time.Hour, true),
		row(10, "gone twice", "d:1", time.Hour, true),
	}}
	n := store.node(3, func(context.Context) error { return nil })
	if err := n.ScanDead(t.Context()); err != nil || !slices.Equal(store.removed, []uint32{1, 2}) {
		t.Errorf("%v, removed %v", err, store.removed)
	}
}
