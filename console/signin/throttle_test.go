package signin

import (
	"net/netip"
	"testing"
	"time"
)

// TestUndo checks that a guess that was not checked, because the server was busy, gives back only
// itself: otherwise many guesses at the same time would give each other new ones.
func TestUndo(t *testing.T) {
	throttle, now, from := newThrottle(), time.Now(), netip.MustParseAddr("192.0.2.1")
	for range 5 {
		throttle.take("alice", from, now)
	}
	for range 3 {
		a, _ := throttle.take("alice", from, now)
		a.undo()
	}
	if left := throttle.now(key("pair", "alice", from.String()), guesses, guessEvery, now).left; left != guesses-5 {
		t.Errorf("%v guesses are left, want %d", left, guesses-5)
	}
}
