package tokens

import (
	"testing"

	"pgregory.net/rapid"
)

// TestProofWindow compares a window with the set of all counters that were used.
func TestProofWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w ProofWindow
		used, highest := map[uint32]bool{0: true}, uint32(0)
		for range rapid.IntRange(0, 100).Draw(t, "counters") {
			counter := rapid.OneOf(rapid.Uint32Range(0, 200), rapid.Uint32Range(1<<32-100, 1<<32-1)).Draw(t, "counter")
			isKnown := counter > highest || highest-counter < 64
			if got, want := w.accepts(counter), isKnown && !used[counter]; got != want {
				t.Fatalf("%d after %d: accepted %v, want %v", counter, highest, got, want)
			}
			if w.accepts(counter) {
				w, used[counter], highest = w.with(counter), true, max(highest, counter)
			}
		}
	})
}
