package valkey

// OnlyScripts makes an engine use its script for all swaps, until it connects again.
func (e *Engine) OnlyScripts() {
	for _, l := range e.lanes {
		l.plain.Store(e.conns.dials.Load() + 1)
	}
}
