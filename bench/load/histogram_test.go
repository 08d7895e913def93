package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestBuckets checks that each duration is in a bucket that is less than 1 % wide, and that buckets
// neither overlap nor leave gaps.
func TestBuckets(t *testing.T) {
	last := -1
	for i := range octaves << perOctave {
		end := upperEnd(i)
		if bucketOf(end) != i || bucketOf(end+1) != min(i+1, octaves<<perOctave-1) {
			t.Fatalf("bucket %d ends at %d ns, which is in bucket %d, and the next in %d", i, end, bucketOf(end), bucketOf(end+1))
		}
		if width := int(end) - last; width > 1 && float64(width) > 0.01*float64(end) {
			t.Fatalf("bucket %d, until %d ns, is %d ns wide", i, end, width)
		}
		last = int(end)
	}
	if longest := time.Duration(last); longest < 30*time.Second {
		t.Errorf("the last bucket ends at %v", longest)
	}
}

// TestPercentile compares percentiles with those of sorted durations.
func TestPercentile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 10_000 {
		d := time.Duration(random.ExpFloat64() * float64(time.Millisecond))
		h.Add(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, p := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want, got := all[int(p*10_000)-1], h.Percentile(p)
		if got < want || float64(got) > 1.01*float64(want)+1 {
			t.Errorf("p%v is %v, want %v", 100*p, got, want)
		}
	}
	if h.n != 10_000 || h.max != all[9999] || h.Percentile(1) != h.max {
		t.Errorf("count %d, max %v, p100 %v", h.n, h.max, h.Percentile(1))
	}
}

func TestPercentileOfFew(t *testing.T) {
	var h Histogram
	if h.Percentile(.99) != 0 {
		t.Errorf("p99 of nothing is %v", h.Percentile(.99))
	}
	h.Add(-time.Second)
	h.Add(5 * time.Millisecond)
	if low, high := h.Percentile(.5), h.Percentile(.99); low != 0 || high < 4*time.Millisecond || high > 5*time.Millisecond {
		t.Errorf("p50 %v, p99 %v", low, high)
	}
	if h.Percentile(1) != 5*time.Millisecond {
		t.Errorf("p100 is %v", h.Percentile(1))
	}
}
