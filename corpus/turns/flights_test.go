package turns

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestS54SameQuestionRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Flights[int]
		var runs atomic.Int64
		release := make(chan struct{})
		search := func() (int, error) { runs.Add(1); <-release; return 7, nil }
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if p, err := f.Do(t.Context(), "q", search); err != nil || p != 7 {
					t.Errorf("%+v, %v", p, err)
				}
			})
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		synctest.Wait()
		if _, err := f.Do(short, "q", search); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller with less time: %v", err)
		}
		close(release)
		wg.Wait()
		if runs.Load() != 1 || len(f.all) != 0 {
			t.Errorf("%d searches ran, want 1; %d are stored", runs.Load(), len(f.all))
		}
	})
}

// TestS54OtherCallersDoNotFail: if the caller that runs a search leaves or panics, another one runs
// it.
func TestS54OtherCallersDoNotFail(t *testing.T) {
	for name, first := range map[string]func(context.Context) (int, error){
		"left":   func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() },
		"panics": func(ctx context.Context) (int, error) { <-ctx.Done(); panic("first") },
	} {
		synctest.Test(t, func(t *testing.T) {
			var f Flights[int]
			ctx, leave := context.WithCancel(t.Context())
			go func() {
				defer func() { recover() }()
				_, _ = f.Do(ctx, "q", func() (int, error) { return first(ctx) })
			}()
			synctest.Wait()
			answered := false
			go func() {
				p, err := f.Do(t.Context(), "q", func() (int, error) { return 7, nil })
				answered = err == nil && p == 7
			}()
			synctest.Wait()
			leave()
			synctest.Wait()
			if !answered || len(f.all) != 0 {
				t.Errorf("%s: answered %v, %d stored", name, answered, len(f.all))
			}
		})
	}
}
