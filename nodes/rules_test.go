package nodes

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func row(number uint32, name string, change func(*Row)) Row {
	r := Row{Number: number, Info: Info{Name: name, Address: "10.0.0.1:8080", Settings: map[string]string{"a": "1", "b": "2"}}}
	if change != nil {
		change(&r)
	}
	return r
}

// TestDead: a node is dead after 5 s of silence, nobody waits for it, and what it counted is copied
// once.
func TestDead(t *testing.T) {
	silent := func(d time.Duration) func(*Row) { return func(r *Row) { r.Silent = d } }
	all := []Row{row(1, "self", nil), row(2, "live", silent(DeadAfter-1)), row(3, "dead", silent(DeadAfter)),
		row(4, "scanned", func(r *Row) { r.Silent, r.Scanned = time.Hour, true })}
	if numbers, names := Unscanned(all); !slices.Equal(numbers, []uint32{3}) || !slices.Equal(names, []string{"dead"}) {
		t.Errorf("unscanned: %v %v", numbers, names)
	}
	if late := Waiting(all, 1, func(Row) bool { return false }); !slices.Equal(late, []string{"live"}) {
		t.Errorf("waiting for %v", late)
	}
	if late := Waiting(all, 1, func(r Row) bool { return r.Number == 2 }); len(late) != 0 {
		t.Errorf("waiting for %v", late)
	}
}

// TestDifferences: only live servers differ, and only in settings that both know. Each difference
// is one line in the log.
func TestDifferences(t *testing.T) {
	other := func(change func(*Row)) func(*Row) {
		return func(r *Row) { r.Settings = map[string]string{"a": "0", "c": "3"}; change(r) }
	}
	all := []Row{row(1, "self", nil), row(2, "n2", other(func(*Row) {})), row(3, "command", other(func(r *Row) { r.Address = "" })),
		row(4, "dead", other(func(r *Row) { r.Silent = time.Minute }))}
	found := Differences(all[0].Settings, all)
	if len(found) != 1 || found[0].Setting != "a" || !slices.Equal(found[0].Nodes, []string{"n2"}) {
		t.Fatalf("%+v", found)
	}
	var log bytes.Buffer
	n := &Node{opt: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	for _, d := range [][]Difference{found, found, nil, nil, found} {
		n.logDifferences(d)
	}
	if text := log.String(); strings.Count(text, "level=WARN") != 2 || strings.Count(text, "same again") != 1 || !strings.Contains(text, "setting=a nodes=[n2]") {
		t.Errorf("the log:\n%s", text)
	}
}

// TestSameNames: two servers that both say that they live have the same name. One that was killed
// and started again does not, and neither does a command.
func TestSameNames(t *testing.T) {
	started := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	at := func(start, seen time.Duration, change func(*Row)) func(*Row) {
		return func(r *Row) {
			if r.Started, r.Seen = started.Add(start), started.Add(seen); change != nil {
				change(r)
			}
		}
	}
	for what, c := range map[string]struct {
		first, second func(*Row)
		want          []string
	}{
		"both live":         {at(0, 10*time.Second, nil), at(5*time.Second, 11*time.Second, nil), []string{"n"}},
		"just started":      {at(0, 6*time.Second, nil), at(5*time.Second, 6*time.Second, nil), nil},
		"killed, restarted": {at(0, 4*time.Second, func(r *Row) { r.Silent = 4 * time.Second }), at(5*time.Second, 8*time.Second, nil), nil},
		"one is dead":       {at(0, 9*time.Second, func(r *Row) { r.Silent = time.Minute }), at(5*time.Second, 69*time.Second, nil), nil},
		"one is a command":  {at(0, 10*time.Second, nil), at(5*time.Second, 11*time.Second, func(r *Row) { r.Address = "" }), nil},
	} {
		if got := SameNames([]Row{row(1, "n", c.first), row(2, "n", c.second), row(3, "other", at(0, 11*time.Second, nil))}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
	var log bytes.Buffer
	n := &Node{opt: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	for _, names := range [][]string{{"n"}, {"n"}, nil, {"n"}} {
		n.logSameNames(names)
	}
	if text := log.String(); strings.Count(text, "level=WARN") != 2 || !strings.Contains(text, "names=[n]") {
		t.Errorf("the log:\n%s", text)
	}
}

// memory is a Store of rows and one lease. It is for faults and times: store/postgres/nodetable is
// tested with the real one.
type memory struct {
	Store
	mu      sync.Mutex
	rows    []Row
	asked   int64
	fence   int64 // of the lease; 0: it was taken by another
	failing error
}

func (m *memory) Nodes(context.Context) ([]Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.rows), nil
}

func (m *memory) Increase(context.Context, string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	return m.asked, nil
}

func (m *memory) Acquire(_ context.Context, name, what string, _ uint32, _ int64, _ time.Duration) (Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Lease{Name: name, What: what, Node: "other", Fence: m.fence}, m.failing
}

func (m *memory) Release(context.Context, string, int64) error { return nil }

func (m *memory) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func newNode(m *memory) *Node {
	return &Node{number: 1, settling: settling{turn: make(chan struct{}, 1)}, opt: Options{Store: m, Log: slog.New(slog.DiscardHandler), Settle: func(context.Context) error { return nil }}}
}

// TestSettle: a node waits for all live nodes, not for those that die, and not longer than 3 s.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{rows: []Row{row(1, "self", nil), row(2, "n2", nil)}}
		n := newNode(m)
		began := time.Now()
		time.AfterFunc(time.Second, func() { m.set(func() { m.rows[1].Settled = m.asked }) })
		if err := n.Settle(t.Context()); err != nil || time.Since(began) < time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		time.AfterFunc(time.Second, func() { m.set(func() { m.rows[1].Silent, m.rows[1].Scanned = DeadAfter, true }) })
		if err := n.Settle(t.Context()); err != nil {
			t.Errorf("a node that dies and is scanned: %v", err)
		}
		m.set(func() { m.rows[1].Silent = 0 })
		began = time.Now()
		late, isLate := errors.AsType[*Unsettled](n.Settle(t.Context()))
		if !isLate || !slices.Equal(late.Nodes, []string{"n2"}) || time.Since(began) != settleWithin {
			t.Errorf("after %v: %v", time.Since(began), late)
		}
	})
}

// TestSettleLongTransfer: a node that has too much to copy says so, and the reader goes without.
func TestSettleLongTransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for others := range 2 {
			m := &memory{rows: []Row{row(1, "self", nil), row(2, "n2", nil)}[:1+others]}
			n := newNode(m)
			n.opt.Info.Name = "self"
			n.opt.Settle = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
			late, isLate := errors.AsType[*Unsettled](n.Settle(t.Context()))
			if !isLate || !slices.Equal(late.Nodes, []string{"self"}) {
				t.Errorf("%d others: %v", others, late)
			}
		}
	})
}

// TestSettleRarely: a node asks the others at most five times a second, however often usage is read
// there. A node that is alone does not wait.
func TestSettleRarely(t *testing.T) {
	for others, least := range []time.Duration{0, 9 * settleEvery} {
		synctest.Test(t, func(t *testing.T) {
			m := &memory{rows: []Row{row(1, "self", nil), row(2, "n2", nil)}[:1+others]}
			m.rows[others].Settled = 1 << 40
			n, began := newNode(m), time.Now()
			for range 10 {
				if err := n.Settle(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if took := time.Since(began); took < least || took > least+settleEvery {
				t.Errorf("%d others: %s", others, took)
			}
		})
	}
}

// TestLeaseEnds: a node regards its lease as ended before the database does, if it can't extend it,
// and at once if another has it.
func TestLeaseEnds(t *testing.T) {
	for what, c := range map[string]struct {
		fault  func(*memory)
		at, by time.Duration
	}{
		"the database is away": {func(m *memory) { m.failing = errors.New("away") }, leaseExtend, leaseLength - leaseMargin},
		"another has it":       {func(m *memory) { m.fence = 0 }, 0, leaseExtend},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &memory{fence: 7}
			held, release, err := newNode(m).TryHold(t.Context(), "x", "a test")
			if err != nil {
				t.Fatal(err)
			}
			defer release()
			time.Sleep(5*leaseLength + time.Millisecond)
			if held.Err() != nil {
				t.Fatalf("%s: lost although it was extended", what)
			}
			m.set(func() { c.fault(m) })
			began := time.Now()
			<-held.Done()
			if took := time.Since(began); took < c.at || took > c.by {
				t.Errorf("%s: lost after %v, want %v to %v", what, took, c.at, c.by)
			}
			if _, _, err := newNode(&memory{}).TryHold(t.Context(), "x", "a test"); err == nil || !strings.Contains(err.Error(), "on the node other") {
				t.Errorf("of another: %v", err)
			}
		})
	}
}
