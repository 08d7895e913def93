package values

import (
	"slices"
	"testing"
)

// TestCollect: a batch swaps each key once, in the order of their arrival, and nothing that its
// caller has given up: that caller was informed that it did not happen.
func TestCollect(t *testing.T) {
	e := &Engine{queue: make(chan *swap, queueLen)}
	of := func(key string) *swap { return &swap{key: []byte(key)} }
	a, again, b, gone := of("a"), of("a"), of("b"), of("c")
	gone.taken.Store(true)
	for _, s := range []*swap{again, b, gone} {
		e.queue <- s
	}
	batch, later := e.collect(a, nil)
	if !slices.Equal(batch, []*swap{a, b}) || !slices.Equal(later, []*swap{again}) {
		t.Errorf("the batch has %d swaps, the next one %d", len(batch), len(later))
	}
	again.taken.Store(true)
	if batch, later = e.collect(nil, later); len(batch)+len(later) > 0 {
		t.Errorf("%d swaps that were given up are sent", len(batch)+len(later))
	}
	for range batchLen + 5 {
		e.queue <- of(string(rune(0x4e00 + len(e.queue))))
	}
	if batch, later = e.collect(<-e.queue, nil); len(batch) != batchLen || len(later) > 0 || len(e.queue) != 5 {
		t.Errorf("a batch of %d, %d for the next one, %d wait", len(batch), len(later), len(e.queue))
	}
}
