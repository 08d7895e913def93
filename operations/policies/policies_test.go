package policies

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/settings"
	"stile.example/stile/simulate"
)

// TestOneAtATime checks that comparisons by many callers simulate one group at a time, and that one
// that waits ends with its request.
func TestOneAtATime(t *testing.T) {
	set, err := settings.Load(settings.Source{Flags: map[string]string{"data": t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := datadir.Open(t.Context(), set, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	var running, most atomic.Int32
	release := make(chan struct{})
	simulated = func(ctx context.Context, _ simulate.Config, _ string) (simulate.Result, error) {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		select {
		case <-release:
		case <-ctx.Done():
		}
		return simulate.Result{}, ctx.Err()
	}
	t.Cleanup(func() { simulated = simulate.One })
	change := Change{Policy: map[string]string{"policy.spike.calls": "30"}, Groups: []string{"class"}}
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			if _, err := Compare(t.Context(), d, change); err != nil {
				t.Error(err)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for running.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := Compare(ctx, d, change); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another is simulated: %v", err)
	}
	close(release)
	callers.Wait()
	if most.Load() != 1 {
		t.Errorf("%d groups were simulated at the same time, want 1", most.Load())
	}
}
