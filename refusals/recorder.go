package refusals

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Recorder takes refusals as they happen. Noting one never waits: it is not
// worth a visitor's time, nor a scraper's.
type Recorder struct {
	store Store
	log   *slog.Logger
	queue chan Refusal

	mu     sync.Mutex
	recent map[string]Refusal
	ring   []string // refs in the order in which they came
	next   int      // where the next one goes
}

// NewRecorder is a recorder that writes to store while [Recorder.Run] runs.
func NewRecorder(store Store, log *slog.Logger) *Recorder {
	return &Recorder{store: store, log: log, queue: make(chan Refusal, waiting),
		recent: make(map[string]Refusal), ring: make([]string, Recent)}
}

// Note remembers a refusal, and stores it if lasting is true and the store
// keeps up.
func (r *Recorder) Note(f Refusal, lasting bool) {
	r.mu.Lock()
	delete(r.recent, r.ring[r.next])
	r.ring[r.next], r.recent[f.Ref] = f.Ref, f
	r.next = (r.next + 1) % Recent
	r.mu.Unlock()
	if lasting {
		select {
		case r.queue <- f:
		default: // it is in memory, and a flood of them says nothing new
		}
	}
}

// Find is the refusal of that reference, however it is typed: case, spaces and
// the hyphen don't matter, nor an O for a 0, or an I or L for a 1.
func (r *Recorder) Find(ctx context.Context, ref string) (Refusal, error) {
	ref = Normal(ref)
	r.mu.Lock()
	f, ok := r.recent[ref]
	r.mu.Unlock()
	if ok {
		return f, nil
	}
	return r.store.Refusal(ctx, ref)
}

// Normal is a reference as it was given out, from one that a person typed.
func Normal(ref string) string {
	ref = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(ref)))
	if len(ref) != 8 {
		return ref
	}
	return ref[:4] + "-" + ref[4:]
}

// Run writes what is noted until ctx is done, and then what is left; it throws
// out what is old at the start and every hour.
func (r *Recorder) Run(ctx context.Context, now func() time.Time) {
	prune := time.NewTicker(time.Hour)
	defer prune.Stop()
	r.prune(ctx, now())
	for {
		select {
		case f := <-r.queue:
			r.write(ctx, f)
		case <-prune.C:
			r.prune(ctx, now())
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			for len(r.queue) > 0 {
				r.write(last, <-r.queue)
			}
			return
		}
	}
}

// write stores a refusal, and those that wait behind it.
func (r *Recorder) write(ctx context.Context, f Refusal) {
	some := append(make([]Refusal, 0, perStep), f)
	for len(some) < perStep {
		select {
		case f = <-r.queue:
			some = append(some, f)
			continue
		default:
		}
		break
	}
	if err := r.store.AddRefusals(ctx, some); err != nil {
		r.log.Warn("refusals could not be stored", "refusals", len(some), "err", err)
	}
}

func (r *Recorder) prune(ctx context.Context, now time.Time) {
	if err := r.store.PruneRefusals(ctx, now.Add(-Keep), Most); err != nil {
		r.log.Warn("old refusals could not be removed", "err", err)
	}
}
