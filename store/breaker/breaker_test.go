package breaker_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stile.example/stile/store/breaker"
)

func end(t *testing.T, b *breaker.Breaker, o breaker.Outcome) {
	t.Helper()
	leave, err := b.Enter()
	if err != nil {
		t.Fatalf("it was not admitted: %v", err)
	}
	_ = leave(o, nil)
}

// TestOpen: the breaker opens after ten requests without a response, admits one after 500 ms, and
// closes when that succeeds. That is logged once each.
func TestOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		b := breaker.New(breaker.Options{Name: "state", Log: slog.New(slog.NewTextHandler(&log, nil))})
		for range 9 {
			end(t, b, breaker.Silent)
		}
		end(t, b, breaker.Responded) // counts begin again
		for range 10 {
			end(t, b, breaker.Silent)
		}
		isOpen := func() {
			t.Helper()
			if _, err := b.Enter(); !errors.Is(err, breaker.ErrOpen) {
				t.Fatalf("it is not open: %v", err)
			}
		}
		isOpen()
		time.Sleep(501 * time.Millisecond)
		leave, err := b.Enter()
		if err != nil {
			t.Fatal(err)
		}
		isOpen() // only one is admitted
		_ = leave(breaker.Silent, nil)
		isOpen()
		if s := b.Stats(); s.Up || s.Breaker != "open" || s.Errors["silent"] != 20 || s.Unsent != 3 {
			t.Errorf("%+v", s)
		}
		time.Sleep(501 * time.Millisecond)
		end(t, b, breaker.Responded)
		end(t, b, breaker.Responded)
		if s := b.Stats(); !s.Up || s.Breaker != "closed" || s.Requests != 23 {
			t.Errorf("%+v", s)
		}
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d lines in the log:\n%s", n, &log)
		}
	})
}

// TestSaysNothing: connections that break and callers that go away don't open the breaker, and
// neither does an engine that refuses: it responds.
func TestSaysNothing(t *testing.T) {
	b := breaker.New(breaker.Options{Log: slog.New(slog.DiscardHandler)})
	for _, o := range []breaker.Outcome{breaker.Cut, breaker.GivenUp, breaker.Refused} {
		for range 30 {
			end(t, b, o)
		}
	}
	if s := b.Stats(); s.Up || s.Breaker != "closed" {
		t.Errorf("%+v", s)
	}
}

// TestFull: a request that would exceed the maximum fails at once, and takes no place.
func TestFull(t *testing.T) {
	b := breaker.New(breaker.Options{Log: slog.New(slog.DiscardHandler), MaxFlight: 8, Trip: -1})
	var wg sync.WaitGroup
	var leaves sync.Map
	for n := range 64 {
		wg.Go(func() {
			leave, err := b.Enter()
			switch {
			case err == nil:
				leaves.Store(n, leave)
			case !errors.Is(err, breaker.ErrFull):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s := b.Stats(); s.Flight != 8 || s.Unsent != 56 {
		t.Errorf("%+v", s)
	}
	leaves.Range(func(_, leave any) bool {
		_ = leave.(func(breaker.Outcome, error) error)(breaker.Responded, nil)
		return true
	})
	for range 8 {
		end(t, b, breaker.Responded)
	}
}

// TestFullSaysNothing: requests that a full breaker refuses do not open it. A late response does
// not make an open one look up.
func TestFullSaysNothing(t *testing.T) {
	b := breaker.New(breaker.Options{Log: slog.New(slog.DiscardHandler), MaxFlight: 1, Trip: 3})
	late, err := b.Enter()
	if err != nil {
		t.Fatal(err)
	}
	for range 9 {
		if _, err := b.Enter(); !errors.Is(err, breaker.ErrFull) {
			t.Fatal(err)
		}
	}
	_ = late(breaker.Responded, nil)

	b = breaker.New(breaker.Options{Log: slog.New(slog.DiscardHandler), Trip: 3})
	if late, err = b.Enter(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		end(t, b, breaker.Silent)
	}
	if _ = late(breaker.Responded, nil); b.Stats().Up {
		t.Error("it is open, and up")
	}
}
