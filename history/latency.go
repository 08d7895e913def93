package history

import (
	"slices"
	"time"
)

// bounds are the upper ends of the buckets that latencies are counted in. The last one has no end.
var bounds = []time.Duration{
	100 * time.Microsecond, 200 * time.Microsecond, 350 * time.Microsecond, 500 * time.Microsecond, 750 * time.Microsecond,
	time.Millisecond, 1500 * time.Microsecond, 2 * time.Millisecond, 3500 * time.Microsecond, 5 * time.Millisecond,
	7500 * time.Microsecond, 10 * time.Millisecond, 20 * time.Millisecond, 35 * time.Millisecond, 50 * time.Millisecond,
	75 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 350 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, time.Hour,
}

const buckets = 24

// bucketOf returns the bucket of a latency.
func bucketOf(d time.Duration) int {
	n, _ := slices.BinarySearch(bounds, d)
	return min(n, len(bounds)-1)
}

// Latency is how long calls took. A percentile is interpolated in its bucket: it is within 30 % of
// the exact one.
type Latency struct {
	Calls int64   `json:"calls"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
}

// latencyOf returns the latencies of counts.
func latencyOf(c Counts) (l Latency) {
	var n [buckets]int64
	for i := range n {
		n[i] = c[latencyName(i)]
		l.Calls += n[i]
	}
	l.P50, l.P95, l.P99 = percentile(n, l.Calls, .5), percentile(n, l.Calls, .95), percentile(n, l.Calls, .99)
	return l
}

// percentile returns the latency that a share p of the calls did not exceed, in milliseconds.
func percentile(n [buckets]int64, all int64, p float64) float64 {
	rank := p * float64(all)
	from, before := time.Duration(0), int64(0)
	for i, in := range n {
		if in > 0 && float64(before+in) >= rank {
			to := bounds[i]
			if i == len(bounds)-1 {
				to = from // longer than the longest bound
			}
			share := (rank - float64(before)) / float64(in)
			return float64(from+time.Duration(share*float64(to-from))) / float64(time.Millisecond)
		}
		from, before = bounds[i], before+in
	}
	return 0
}
