package evidence_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	. "stile.example/stile/evidence"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// kept is a store in memory, without bounds.
type kept struct {
	mu   sync.Mutex
	rows map[string]Entry
}

func (k *kept) AddEvidence(_ context.Context, some []Entry) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range some {
		name := fmt.Sprint(e.Tenant, e.Day, e.Kind, e.Key)
		before, has := k.rows[name]
		if has {
			before.Add(e)
			e = before
		}
		k.rows[name] = e
	}
	return nil
}

func (k *kept) Evidence(_ context.Context, tenant uint32, from int64) (list []Entry, err error) {
	for _, e := range k.rows {
		if e.Tenant == tenant && e.Day >= from {
			list = append(list, e)
		}
	}
	return list, nil
}

func (k *kept) EvidenceTraffic(context.Context, int64) (map[uint32]Traffic, error) {
	return nil, nil
}

func (k *kept) PruneEvidence(context.Context, int64) error { return nil }

func collector(t testing.TB) (*Collector, *kept) {
	store := &kept{rows: map[string]Entry{}}
	c, err := NewCollector(store, []byte("0123456789abcdef0123456789abcdef"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c, store
}

// TestCounts checks that observations are counted exactly, with their callers and the first
// reference of the day.
func TestCounts(t *testing.T) {
	c, _ := collector(t)
	for i := range 10 {
		first := c.Note(1, Observation{At: noon.Add(time.Duration(i) * time.Second), Kind: Page, Key: "https://a.example", Ref: fmt.Sprint("ref", i), Caller: fmt.Sprint(i % 3)})
		if first != (i == 0 || i == 5) {
			t.Errorf("observation %d is first: %v", i, first)
		}
		if i == 4 {
			if err := c.Flush(t.Context(), noon); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.Note(0, Observation{At: noon, Kind: Page, Key: "of nobody"})
	list, err := c.Of(t.Context(), 1, noon)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if e := list[0]; e.Count != 10 || e.Ref != "ref0" || len(e.Few) != 3 || !e.First.Equal(noon) || !e.Last.Equal(noon.Add(9*time.Second)) {
		t.Errorf("%+v", e)
	}
}

// TestCallsAreCounted checks that the calls between two writes are counted, also when a month ends.
func TestCallsAreCounted(t *testing.T) {
	c, store := collector(t)
	month := map[uint32]int64{1: 100, 2: 5}
	c.WatchCalls(func(time.Time) map[uint32]int64 { return maps.Clone(month) }, noon)
	for _, n := range []int64{100, 107, 107, 110, 4, 6} { // 4: of a new month
		month[1] = n
		if err := c.Flush(t.Context(), noon); err != nil {
			t.Fatal(err)
		}
	}
	n := int64(0)
	for _, e := range store.rows {
		if n += e.Count; e.Tenant != 1 || e.Kind != Calls {
			t.Errorf("%+v", e)
		}
	}
	if n != 10+6 {
		t.Errorf("%d calls are counted", n)
	}
}

// TestLatestDayGivesTheExample checks that over several days the example is the latest day's.
func TestLatestDayGivesTheExample(t *testing.T) {
	e := Entry{Day: 1, Count: 1, Ref: "old", First: noon, Last: noon}
	e.Add(Entry{Day: 2, Count: 2, Ref: "new", First: noon.Add(24 * time.Hour), Last: noon.Add(25 * time.Hour)})
	e.Add(Entry{Day: 3, Count: 1, First: noon.Add(48 * time.Hour), Last: noon.Add(48 * time.Hour)})
	if e.Ref != "new" || e.Count != 4 || !e.First.Equal(noon) || !e.Last.Equal(noon.Add(48*time.Hour)) {
		t.Errorf("%+v", e)
	}
}

// TestBounded checks that a flood of keys and of callers takes a bounded amount of memory, and that
// no event is lost.
func TestBounded(t *testing.T) {
	c, store := collector(t)
	for i := range 10_000 {
		c.Note(1, Observation{At: noon, Kind: Client, Key: fmt.Sprintf("%d\n%0500d", i, i), Note: fmt.Sprintf("%0500d", i), Caller: fmt.Sprint(i)})
	}
	list, err := c.Of(t.Context(), 1, noon)
	if err != nil || len(list) != 4097 {
		t.Fatalf("%d entries, %v", len(list), err)
	}
	n := int64(0)
	for _, e := range store.rows {
		n += e.Count
		if len(e.Key) > 300 || len(e.Note) > 200 || len(e.Few) > 16 {
			t.Errorf("%d bytes of key, %d of note, %d callers", len(e.Key), len(e.Note), len(e.Few))
		}
	}
	if n != 10_000 {
		t.Errorf("%d observations are counted", n)
	}
}

// TestSketch checks the estimate of many callers, of those that repeat, and of two sketches.
func TestSketch(t *testing.T) {
	for _, n := range []int{0, 1, 10, 100, 1000, 10_000, 100_000} {
		c, _ := collector(t)
		for i := range 2 * n {
			c.Note(1, Observation{At: noon.Add(-24 * time.Hour * time.Duration(i%2)), Kind: Bound, Caller: fmt.Sprint("address ", i/2)})
		}
		list, err := c.Of(t.Context(), 1, noon)
		if err != nil {
			t.Fatal(err)
		}
		var all Entry
		for _, e := range list {
			all.Add(e)
		}
		if got := all.Many.Count(); float64(got) < 0.9*float64(n) || float64(got) > 1.1*float64(n) || all.Count != int64(2*n) {
			t.Errorf("%d callers: %d, %d observations", n, got, all.Count)
		}
	}
}

// TestCallersAreHidden checks that callers' hashes depend on the server's key.
func TestCallersAreHidden(t *testing.T) {
	hashes := map[uint32]bool{}
	for _, key := range []string{"0123456789abcdef0123456789abcdef", "1123456789abcdef0123456789abcdef"} {
		store := &kept{rows: map[string]Entry{}}
		c, err := NewCollector(store, []byte(key), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		c.Note(1, Observation{At: noon, Kind: Page, Key: "x", Caller: "address 192.0.2.1"})
		list, _ := c.Of(t.Context(), 1, noon)
		hashes[list[0].Few[0]] = true
	}
	if len(hashes) != 2 {
		t.Error("the hash of an address does not depend on the key")
	}
}

// TestAtOnce checks that nothing is lost when many goroutines observe while entries are written.
func TestAtOnce(t *testing.T) {
	c, store := collector(t)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { defer close(ran); c.Run(ctx, func() time.Time { return noon }) }()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				c.Note(uint32(1+w%2), Observation{At: noon, Kind: Refused, Key: fmt.Sprint(i % 7)})
				if i%250 == 0 {
					if err := c.Flush(ctx, noon); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	cancel()
	<-ran
	n := int64(0)
	for _, e := range store.rows {
		n += e.Count
	}
	if n != 8000 {
		t.Errorf("%d of 8000 observations are counted", n)
	}
}

// BenchmarkNote measures one observation with a caller.
func BenchmarkNote(b *testing.B) {
	c, _ := collector(b)
	for i := range b.N {
		c.Note(1, Observation{At: noon, Kind: Bound, Caller: "address 192.0.2.1"})
		_ = i
	}
}
