package usage_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stile.example/stile/usage"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// book is a Store of fixed lines.
type book struct {
	lines []usage.Line
	from  string
	err   error
}

func (b *book) Usage(_ context.Context, tenant, from, _ string) (found []usage.Line, err error) {
	b.from = from
	for _, l := range b.lines {
		if l.Day >= from && (tenant == "" || l.Tenant == tenant) {
			found = append(found, l)
		}
	}
	return found, b.err
}

// TestMeterIsExact: 64 at once over a quota of 1,000 get 1,000, though half of
// what they reserve is given back.
func TestMeterIsExact(t *testing.T) {
	var m usage.Meter
	var kept atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for n := range 200 {
				if !m.Reserve(1, 1000, noon) {
					continue
				}
				if (i+n)%2 == 0 {
					m.Release(1, noon)
					continue
				}
				kept.Add(1)
			}
		})
	}
	wg.Wait()
	for m.Reserve(1, 1000, noon) {
		kept.Add(1)
	}
	if kept.Load() != 1000 || m.Used(1, noon) != 1000 || m.Used(2, noon) != 0 {
		t.Errorf("%d kept, %d used", kept.Load(), m.Used(1, noon))
	}
}

// TestLawMeter: whatever is reserved and released in whatever months, the
// meter agrees with a plain count, and no month goes over its limit.
func TestLawMeter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type account struct {
			tenant uint32
			month  string
		}
		var m usage.Meter
		count := map[account]int64{}
		const limit = 3
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			tenant := uint32(rapid.IntRange(1, 2).Draw(t, "tenant"))
			at := noon.Add(time.Duration(rapid.IntRange(-70, 70).Draw(t, "days")) * 24 * time.Hour)
			a := account{tenant, at.Format("2006-01")}
			if rapid.Bool().Draw(t, "release") && count[a] > 0 {
				m.Release(tenant, at)
				count[a]--
			} else if m.Reserve(tenant, limit, at) != (count[a] < limit) {
				t.Fatalf("with %d of %d used", count[a], limit)
			} else {
				count[a] = min(count[a]+1, limit)
			}
			if m.Used(tenant, at) != count[a] {
				t.Fatalf("used %d, want %d", m.Used(tenant, at), count[a])
			}
		}
	})
}

func TestMeterMonth(t *testing.T) {
	var m usage.Meter
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	if !m.Reserve(1, 1, end.Add(-1)) || m.Reserve(1, 1, end.Add(-1)) {
		t.Error("November is not one call")
	}
	here := time.FixedZone("east", 10*60*60)
	if m.Reserve(1, 1, end.Add(-1).In(here)) {
		t.Error("a time in another zone opened a month of its own")
	}
	if !m.Reserve(1, 1, end) {
		t.Error("December does not begin at 0")
	}
	m.Release(1, end.Add(-1)) // a call of November that ends in December
	if m.Used(1, end) != 1 || m.Used(1, noon) != 0 {
		t.Errorf("December %d, November %d", m.Used(1, end), m.Used(1, noon))
	}
	m.Release(1, noon)
	if m.Used(1, noon) != 0 {
		t.Error("a month below 0")
	}
	for range 5 {
		if !m.Reserve(2, 0, noon) {
			t.Error("a tenant without a limit was refused")
		}
	}
	if m.Used(2, noon) != 5 {
		t.Error("a tenant without a limit is not counted")
	}
}

func TestOpenMeter(t *testing.T) {
	b := &book{lines: []usage.Line{
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
	if m.Reserve(1, 23, noon) || !m.Reserve(1, 24, noon) {
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
		t.Error("a day that is none was counted")
	}
}

func BenchmarkReserve(b *testing.B) {
	var m usage.Meter
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Reserve(1, 1<<60, noon)
		}
	})
}
