package sqlite

import (
	"sync/atomic"
	"time"
)

// tickInterval is how often a caller that waits for the writer checks whether to wait any longer.
const tickInterval = 100 * time.Millisecond

// sharedTicker ticks for any number of goroutines with a single timer.
type sharedTicker struct{ c atomic.Pointer[chan struct{}] }

// next returns a channel that is closed at the next tick. Once the ticker has stopped, it is closed
// already.
func (p *sharedTicker) next() <-chan struct{} { return *p.c.Load() }

// startTicker starts a ticker, which stops when stop is closed.
func startTicker(stop <-chan struct{}) *sharedTicker {
	p := &sharedTicker{}
	first := make(chan struct{})
	p.c.Store(&first)
	go p.run(stop)
	return p
}

func (p *sharedTicker) run(stop <-chan struct{}) {
	t := time.NewTicker(tickInterval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			fresh := make(chan struct{})
			close(*p.c.Swap(&fresh))
		case <-stop:
			close(*p.c.Load())
			return
		}
	}
}
