package sqlite

import (
	"sync/atomic"
	"time"
)

// tickInterval is how often who waits for the writer looks whether to go on.
const tickInterval = 100 * time.Millisecond

// sharedTicker tells any number of goroutines that some time has gone by, for the
// price of one timer.
type sharedTicker struct{ c atomic.Pointer[chan struct{}] }

// next is closed at the next beat, and from the pulse's end on at once.
func (p *sharedTicker) next() <-chan struct{} { return *p.c.Load() }

// startTicker begins a pulse, which ends with stop.
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
