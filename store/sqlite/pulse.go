package sqlite

import (
	"sync/atomic"
	"time"
)

// beat is how often who waits for the writer looks whether to go on.
const beat = 100 * time.Millisecond

// pulse tells any number of goroutines that some time has gone by, for the
// price of one timer.
type pulse struct{ c atomic.Pointer[chan struct{}] }

// next is closed at the next beat, and from the pulse's end on at once.
func (p *pulse) next() <-chan struct{} { return *p.c.Load() }

// startPulse begins a pulse, which ends with stop.
func startPulse(stop <-chan struct{}) *pulse {
	p := &pulse{}
	first := make(chan struct{})
	p.c.Store(&first)
	go p.run(stop)
	return p
}

func (p *pulse) run(stop <-chan struct{}) {
	t := time.NewTicker(beat)
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
