package load

import (
	"math"
	"math/bits"
	"time"
)

// Histogram counts durations in buckets whose width is less than 1 % of their values, as an HDR
// histogram does. It takes the same memory for any number of durations. The zero Histogram is
// empty.
type Histogram struct {
	buckets [octaves << perOctave]uint32
	n       uint64
	max     time.Duration
}

const (
	perOctave = 7  // bits: each doubling of the duration has 128 buckets
	octaves   = 33 // durations from 1 ns to 9 min; longer ones count as that
)

// Add counts one duration. A negative one counts as 0.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucketOf(d)]++
	h.n++
	h.max = max(h.max, d)
}

// Percentile returns a duration that a share p of all durations, 0 to 1, did not exceed. It is the
// upper end of a bucket, but at most the longest duration. If h is empty, it is 0.
func (h *Histogram) Percentile(p float64) time.Duration {
	rank := uint64(math.Ceil(p*float64(h.n) - 1e-9))
	sum := uint64(0)
	for i, n := range h.buckets {
		if sum += uint64(n); n > 0 && sum >= max(rank, 1) {
			return min(upperEnd(i), h.max)
		}
	}
	return h.max
}

// bucketOf returns the bucket of a duration. Those under 128 ns have a bucket each.
func bucketOf(d time.Duration) int {
	n := uint64(d)
	octave := max(bits.Len64(n)-perOctave-1, 0)
	i := octave<<perOctave + int(n>>octave)
	return min(i, octaves<<perOctave-1)
}

// upperEnd returns the longest duration in a bucket.
func upperEnd(i int) time.Duration {
	octave := max(i>>perOctave-1, 0)
	mantissa := i - octave<<perOctave
	return time.Duration(uint64(mantissa+1)<<octave - 1)
}
