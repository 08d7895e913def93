package valkey

import "stile.example/stile/store/states"

// OnlyScripts makes an engine use its script for all swaps, until it connects again.
func (e *Engine) OnlyScripts() {
	for _, l := range e.lanes {
		l.plain.Store(e.conns.dials.Load() + 1)
	}
}

// SlotOf returns the slot of a key in a Cluster.
func SlotOf(k states.Key) int {
	_, slot := newNames("", true).value(k)
	return slot
}
