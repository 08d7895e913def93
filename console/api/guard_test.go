package api

import (
	"fmt"
	"testing"
	"time"
)

// TestGuessesAreBounded checks that a flood of addresses takes a bounded amount of memory, and that
// an address must wait no longer than a minute.
func TestGuessesAreBounded(t *testing.T) {
	g, now := newGuesses(), time.Now()
	for i := range 3 * addresses {
		g.wrong(fmt.Sprint(i), now)
	}
	if n := g.tries.Len(); n > addresses {
		t.Errorf("%d addresses are remembered", n)
	}
	for range maxWrong {
		g.wrong("x", now)
	}
	if g.wait("x", now) != wrongFor || g.wait("x", now.Add(wrongFor)) > 0 {
		t.Error("wait", g.wait("x", now))
	}
}
