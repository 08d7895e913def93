package limiter

import (
	"fmt"
	"testing"
	"time"
)

// TestManyNames checks that a flood of names takes a bounded amount of memory and does not keep
// others out, and that a name must wait no longer than the period.
func TestManyNames(t *testing.T) {
	l, now := New(2, time.Minute), time.Now()
	for i := range 3 * maxNames {
		l.Allow(fmt.Sprint(i), now)
	}
	if !l.Allow("another", now) || l.names.Len() > maxNames {
		t.Errorf("another name is refused, and %d are remembered", l.names.Len())
	}
	for range 2 {
		l.Allow("another", now)
	}
	if wait := l.Wait("another", now); wait != time.Minute || l.Wait("another", now.Add(time.Minute)) > 0 {
		t.Errorf("wait %v", wait)
	}
	if l.Allow("another", now) || !l.Allow("another", now.Add(time.Minute)) {
		t.Error("the limit of a name")
	}
}
