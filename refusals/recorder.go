package refusals

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Recorder takes refusals as they happen, and the log lines about them. Noting
// one never waits for the store.
//
// Of what has the same address, tenant and code in one minute the first is
// stored and logged at once. The others are counted, and their number is
// written when the minute is over: a flood leaves one row and two lines a
// minute. A killed process loses the numbers of its last minute.
type Recorder struct {
	store Store
	log   *slog.Logger
	queue chan Refusal

	mu     sync.Mutex
	recent *memory
	rows   tally[row]
	lines  tally[written]
}

// row is what a minute's refusals of one key leave in the store: the first.
type row struct {
	Refusal
	lasting bool
}

// NewRecorder is a recorder that writes to store while [Recorder.Run] runs.
func NewRecorder(store Store, log *slog.Logger) *Recorder {
	return &Recorder{store: store, log: log, queue: make(chan Refusal, waiting),
		recent: newMemory(Recent), rows: newTally[row](), lines: newTally[written]()}
}

// Note remembers a refusal. The first of its key in a minute is stored, if
// lasting is true and the store keeps up.
func (r *Recorder) Note(f Refusal, lasting bool) {
	r.mu.Lock()
	e, first := r.rows.count(keyOf(f), f.At, 1)
	if first {
		e.value = row{f, lasting}
		if e.key.Address == several {
			e.value.Tenant, e.value.Address, e.value.Identity = "", several, ""
		}
	}
	r.recent.add(f, e)
	f = e.value.Refusal
	r.mu.Unlock()
	if first && lasting {
		select {
		case r.queue <- f:
		default: // it is in memory, and a flood of them says nothing new
		}
	}
}

func keyOf(f Refusal) Key {
	k := Key{Message: "refused", Code: f.Code, Tenant: f.Tenant, Address: f.Address}
	if f.Observed {
		k.Message = "observed"
	}
	return k
}

// Find returns the refusal of that reference, however it is typed: case, spaces
// and the hyphen don't matter, nor an O for a 0, or an I or L for a 1.
func (r *Recorder) Find(ctx context.Context, ref string) (Refusal, error) {
	ref = CanonicalRef(ref)
	if f, ok := r.find(ref); ok {
		return f, nil
	}
	return r.store.Refusal(ctx, ref)
}

func (r *Recorder) find(ref string) (Refusal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.recent.byRef[ref]
	if !ok {
		return Refusal{}, false
	}
	f := n.Refusal
	f.More = n.row.count - 1
	return f, true
}

// CanonicalRef is a reference as it was given out, from one that a person typed.
func CanonicalRef(ref string) string {
	ref = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(ref)))
	if len(ref) != 8 {
		return ref
	}
	return ref[:4] + "-" + ref[4:]
}

// Run writes what is noted until ctx is done, and then what is left. It writes
// the numbers of each minute when that is over, and removes what is old at the
// start and every hour.
func (r *Recorder) Run(ctx context.Context, now func() time.Time) {
	prune, second := time.NewTicker(time.Hour), time.NewTicker(time.Second)
	defer prune.Stop()
	defer second.Stop()
	r.prune(ctx, now())
	for {
		select {
		case f := <-r.queue:
			r.write(ctx, f)
		case <-second.C:
			r.Flush(ctx, now())
		case <-prune.C:
			r.prune(ctx, now())
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			for len(r.queue) > 0 {
				r.write(last, <-r.queue)
			}
			r.Flush(last, time.Time{})
			return
		}
	}
}

// Flush writes the numbers of all minutes but that of now.
func (r *Recorder) Flush(ctx context.Context, now time.Time) {
	r.mu.Lock()
	rows, lines := r.rows.end(now), r.lines.end(now)
	r.mu.Unlock()
	r.writeCounts(lines)
	var some []Refusal
	for _, e := range rows {
		if e.value.lasting && e.count > 1 {
			f := e.value.Refusal
			f.More = e.count - 1
			some = append(some, f)
		}
	}
	if len(some) > 0 {
		r.add(ctx, some)
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
	r.add(ctx, some)
}

func (r *Recorder) add(ctx context.Context, some []Refusal) {
	if err := r.store.AddRefusals(ctx, some, Most); err != nil {
		r.log.Warn("refusals could not be stored", "refusals", len(some), "err", err)
	}
}

func (r *Recorder) prune(ctx context.Context, now time.Time) {
	if err := r.store.PruneRefusals(ctx, now.Add(-Keep), Most); err != nil {
		r.log.Warn("old refusals could not be removed", "err", err)
	}
}
