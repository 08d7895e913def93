package usage_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
	"stile.example/stile/usage"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fixedUsage is a Store with fixed lines.
type fixedUsage struct {
	lines []usage.Line
	from  string
	err   error
}

func (b *fixedUsage) Usage(_ context.Context, tenant, from, _ string) (found []usage.Line, err error) {
	b.from = from
	for _, l := range b.lines {
		if l.Day >= from && (tenant == "" || l.Tenant == tenant) {
			found = append(found, l)
		}
	}
	return found, b.err
}

// take reserves and uses a call, and reports whether that was possible.
func take(m *usage.Meter, tenant uint32, limit int64, at time.Time) bool {
	if m.Reserve(tenant, limit, at) != usage.Reserved {
		return false
	}
	m.Use(tenant, at)
	return true
}

// TestS53Waiting checks that a reservation is not a use. If reservations fill the month, others
// must wait, and a released call is available again.
func TestS53Waiting(t *testing.T) {
	var m usage.Meter
	for range 2 {
		if got := m.Reserve(1, 2, noon); got != usage.Reserved {
			t.Fatalf("got %v", got)
		}
	}
	if got := m.Reserve(1, 2, noon); got != usage.Waiting || m.Used(1, noon) != 0 {
		t.Errorf("with two of two reserved: %v, %d used", got, m.Used(1, noon))
	}
	m.Release(1, noon)
	m.Use(1, noon)
	m.Release(1, noon) // nothing is reserved
	if m.Used(1, noon) != 1 || !take(&m, 1, 2, noon) {
		t.Errorf("%d used of 2", m.Used(1, noon))
	}
	if got := m.Reserve(1, 2, noon); got != usage.Exhausted {
		t.Errorf("with two of two used: %v", got)
	}
}

// TestMeterIsExact checks that 64 goroutines get exactly a quota of 1,000, although they release
// half of their reservations.
func TestMeterIsExact(t *testing.T) {
	var m usage.Meter
	var kept atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for n := range 200 {
				if m.Reserve(1, 1000, noon) != usage.Reserved {
					continue
				}
				if (i+n)%2 == 0 {
					m.Release(1, noon)
					continue
				}
				m.Use(1, noon)
				kept.Add(1)
			}
		})
	}
	wg.Wait()
	for take(&m, 1, 1000, noon) {
		kept.Add(1)
	}
	if kept.Load() != 1000 || m.Used(1, noon) != 1000 || m.Used(2, noon) != 0 {
		t.Errorf("%d kept, %d used", kept.Load(), m.Used(1, noon))
	}
}

// TestLawMeter checks the meter against a plain count, in any order of reservations and months, and
// that no month exceeds its limit.
func TestLawMeter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type account struct {
			tenant uint32
			month  string
		}
		var m usage.Meter
		used, reserved := map[account]int64{}, map[account]int64{}
		const limit = 3
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			tenant := uint32(rapid.IntRange(1, 2).Draw(t, "tenant"))
			at := noon.Add(time.Duration(rapid.IntRange(-70, 70).Draw(t, "days")) * 24 * time.Hour)
			a := account{tenant, at.Format("2006-01")}
			switch rapid.SampledFrom([]string{"reserve", "use", "release"}).Draw(t, "step") {
			case "use":
				m.Use(tenant, at)
				if reserved[a] > 0 {
					used[a]++
					reserved[a]--
				}
			case "release":
				m.Release(tenant, at)
				reserved[a] = max(reserved[a]-1, 0)
			default:
				want := usage.Reserved
				if used[a] >= limit {
					want = usage.Exhausted
				} else if used[a]+reserved[a] >= limit {
					want = usage.Waiting
				}
				if got := m.Reserve(tenant, limit, at); got != want {
					t.Fatalf("with %d of %d used and %d reserved: %v", used[a], limit, reserved[a], got)
				}
				if want == usage.Reserved {
					reserved[a]++
				}
			}
			if m.Used(tenant, at) != used[a] || used[a] > limit {
				t.Fatalf("used %d, want %d", m.Used(tenant, at), used[a])
			}
		}
	})
}

func TestMeterMonth(t *testing.T) {
	var m usage.Meter
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	if !take(&m, 1, 1, end.Add(-1)) || take(&m, 1, 1, end.Add(-1)) {
		t.Error("November is not one call")
	}
	here := time.FixedZone("east", 10*60*60)
	if take(&m, 1, 1, end.Add(-1).In(here)) {
		t.Error("a time in another zone opened a month of its own")
	}
	if !take(&m, 1, 1, end) {
		t.Error("December does not begin at 0")
	}
	if m.Used(1, end) != 1 || m.Used(1, noon) != 1 {
		t.Errorf("December %d, November %d", m.Used(1, end), m.Used(1, noon))
	}
	for range 5 {
		if !take(&m, 2, 0, noon) {
			t.Error("a tenant without a limit was refused")
		}
	}
	if m.Used(2, noon) != 5 {
		t.Error("a tenant without a limit is not counted")
	}
}

// TestClockAheadAtStart checks that a month does not begin again if the clock was years ahead when
// the server started, and was set right then.
func TestClockAheadAtStart(t *testing.T) {
	s := &fixedUsage{lines: []usage.Line{{Tenant: "acme", Day: "2026-10-31", Calls: 7}, {Tenant: "acme", Day: "2026-11-22", Calls: 23}}}
	number := func(string) (uint32, bool) { return 1, true }
	for _, start := range []time.Time{noon, noon.AddDate(0, 1, 0), noon.AddDate(4, 0, 0)} {
		m, err := usage.OpenMeter(t.Context(), s, number, start)
		if err != nil {
			t.Fatal(err)
		}
		if n := m.Used(1, noon); n != 23 || take(m, 1, 23, noon) {
			t.Errorf("started at %s: %d calls", start, n)
		}
	}
}

func TestOpenMeter(t *testing.T) {
	b := &fixedUsage{lines: []usage.Line{
		{Tenant: "acme", Day: "2026-09-30", Calls: 1000},
		{Tenant: "acme", Day: "2026-10-31", Calls: 7},
		{Tenant: "acme", Day: "2026-11-01", Route: "items", Calls: 20},
		{Tenant: "acme", Day: "2026-11-22", Route: "item", Calls: 3},
		{Tenant: "beta", Day: "2026-11-22", Calls: 5},
		{Tenant: "gone", Day: "2026-11-22", Calls: 99},
	}}
	numbers := map[string]uint32{"acme": 1, "beta": 2}
	number := func(id string) (uint32, bool) { n, ok := numbers[id]; return n, ok }
	m, err := usage.OpenMeter(context.Background(), b, number, noon)
	if err != nil || b.from != "2026-10-01" {
		t.Fatalf("%v, read from %s", err, b.from)
	}
	if m.Used(1, noon) != 23 || m.Used(1, noon.AddDate(0, -1, 0)) != 7 || m.Used(2, noon) != 5 || m.Used(0, noon) != 0 {
		t.Errorf("acme %d and %d, beta %d", m.Used(1, noon), m.Used(1, noon.AddDate(0, -1, 0)), m.Used(2, noon))
	}
	if take(m, 1, 23, noon) || !take(m, 1, 24, noon) {
		t.Error("a restart gave a new month")
	}
	if _, err := usage.OpenMeter(context.Background(), b, number, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)); err != nil || b.from != "2025-12-01" {
		t.Errorf("in January: %v, read from %s", err, b.from)
	}
	b.err = errors.New("disk is gone")
	if _, err := usage.OpenMeter(context.Background(), b, number, noon); !errors.Is(err, b.err) {
		t.Errorf("got %v", err)
	}
	b.err, b.lines = nil, []usage.Line{{Tenant: "acme", Day: "yesterday"}}
	if _, err := usage.OpenMeter(context.Background(), b, number, noon); err == nil {
		t.Error("an invalid day was counted")
	}
}

func BenchmarkReserve(b *testing.B) {
	var m usage.Meter
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			take(&m, 1, 1<<60, noon)
		}
	})
}
