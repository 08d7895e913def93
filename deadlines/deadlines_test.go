package deadlines

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestSet checks that contexts end in time, that those with almost the same end are shared, and
// that no other is.
func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Set
		start := time.Now()
		a, b := s.Within(t.Context(), time.Second), s.Until(start.Add(time.Second))
		if a != b {
			t.Error("they are not shared")
		}
		if c := s.Within(t.Context(), time.Second+tick); c == a {
			t.Error("another end is shared")
		}
		if c := s.Until(start.Add(time.Second + tick*time.Duration(len(s)))); c == a || s.Until(start.Add(time.Second)) == c {
			t.Error("another end in the same slot is shared")
		}
		late, end := context.WithDeadline(t.Context(), start.Add(time.Hour))
		if at, _ := s.Within(late, time.Second).Deadline(); at.After(start.Add(time.Second + tick)) {
			t.Errorf("with a later deadline, the limit is %v", at.Sub(start))
		}
		end()
		at := time.Unix(0, 5*int64(tick))
		s[5].Store(&deadline{late, 5}) // as it is after the clock was set back
		if s.Until(at) == late {
			t.Error("a context that has ended is shared")
		}
		short, cancel := context.WithDeadline(t.Context(), start.Add(tick))
		first := s.Within(short, time.Second)
		cancel()
		if first.Err() != nil {
			t.Error("it ended when another context was cancelled")
		}
		<-first.Done()
		if took := time.Since(start); took < tick || took > 2*tick || !errors.Is(first.Err(), context.DeadlineExceeded) {
			t.Errorf("it ended after %v: %v", took, first.Err())
		}
		if s.Within(short, time.Second).Err() == nil {
			t.Error("a deadline in the past has not ended")
		}
		<-a.Done()
		if took := time.Since(start); took < time.Second || took > time.Second+tick {
			t.Errorf("it ended after %v", took)
		}
		time.Sleep(2 * time.Second) // all have ended, which frees what they need
	})
}
