package refusals

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Recorder records refusals, and the log lines about them. Recording never waits for the store.
//
// The first refusal of an address, tenant and code in a minute is stored and logged immediately.
// Further ones are counted, and their number is written when the minute is over. So a flood causes
// one row and two lines a minute. If the process is killed, the numbers of its last minute are
// lost.
type Recorder struct {
	store Store
	log   *slog.Logger
	queue chan Refusal
	lost  atomic.Int64 // refusals that could not be stored since the store failed

	mu     sync.Mutex
	recent *memory
	rows   tally[row]
	lines  tally[written]
}

// row is the first refusal of a key in a minute, as it is stored.
type row struct {
	Refusal
	durable bool
}

// NewRecorder returns a Recorder that writes to store while [Recorder.Run] runs.
func NewRecorder(store Store, log *slog.Logger) *Recorder {
	return &Recorder{store: store, log: log, queue: make(chan Refusal, waiting),
		recent: newMemory(Recent), rows: newTally[row](), lines: newTally[written]()}
}

// Note records a refusal. The first of its key in a minute is stored if durable is true and the
// store keeps up.
func (r *Recorder) Note(f Refusal, durable bool) {
	f.Detail = Clip(f.Detail)
	r.mu.Lock()
	e, first := r.rows.count(keyOf(f), f.At, 1)
	if first {
		e.value = row{f, durable}
		if e.key.Address == several {
			e.value.Tenant, e.value.Address, e.value.Identity, e.value.Detail, e.value.Token = "", several, "", "", [16]byte{}
		}
	}
	r.recent.add(f, e)
	f = e.value.Refusal
	r.mu.Unlock()
	if first && durable {
		r.enqueue(f) // if not, it is in memory; during a flood, further rows would say nothing new
	}
}

// enqueue makes [Recorder.Run] store a refusal, unless too many wait.
func (r *Recorder) enqueue(f Refusal) {
	select {
	case r.queue <- f:
	default:
	}
}

// Keep stores a refusal that was recorded, even if others of its minute are: it is an example of
// something. It is counted by itself then, and no longer with those. It does not wait for the
// store.
func (r *Recorder) Keep(f Refusal) {
	f.Detail = Clip(f.Detail)
	r.mu.Lock()
	if n := r.recent.byRef[f.Ref]; n != nil && n.row.value.Ref != f.Ref {
		n.row.count--
		n.row = &entry[row]{value: row{Refusal: f}, count: 1}
	}
	r.mu.Unlock()
	r.enqueue(f)
}

func keyOf(f Refusal) Key {
	k := Key{Message: "refused", Code: f.Code, Tenant: f.Tenant, Address: f.Address}
	if f.Observed {
		k.Message = "observed"
	}
	return k
}

// Find returns the refusal with that reference, however it is typed: case, spaces and hyphens are
// ignored, O stands for 0, and I and L for 1.
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

// First returns the oldest refusal that is kept with a code and an Identity, or [ErrNotFound]. It
// is for support: it reads all refusals.
func (r *Recorder) First(ctx context.Context, code, identity string) (Refusal, error) {
	f, err := r.store.FirstRefusal(ctx, code, identity)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Refusal{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.recent.byRef {
		if n.Code == code && n.Identity == identity && !n.Observed && (err != nil || n.At.Before(f.At)) {
			f, err = n.Refusal, nil
		}
	}
	return f, err
}

// CanonicalRef returns the reference as it was issued, from one that a person typed.
func CanonicalRef(ref string) string {
	ref = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(ref)))
	if len(ref) != 8 {
		return ref
	}
	return ref[:4] + "-" + ref[4:]
}

// IsRef reports whether a text that a person typed can be a reference.
func IsRef(ref string) bool {
	ref = CanonicalRef(ref)
	return len(ref) == len("7QK2-M4TD") && strings.Trim(ref, "0123456789ABCDEFGHJKMNPQRSTVWXYZ-") == ""
}

// Run writes recorded refusals until ctx is done, and then those that remain. It writes the numbers
// of each finished minute, and removes old refusals at the start and every hour.
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

// Flush writes the numbers of all minutes except that of now.
func (r *Recorder) Flush(ctx context.Context, now time.Time) {
	r.mu.Lock()
	rows, lines := r.rows.end(now), r.lines.end(now)
	r.mu.Unlock()
	r.writeCounts(lines)
	var some []Refusal
	for _, e := range rows {
		if e.value.durable && e.count > 1 {
			f := e.value.Refusal
			f.More = e.count - 1
			some = append(some, f)
		}
	}
	if len(some) > 0 {
		r.add(ctx, some)
	}
}

// write stores a refusal, and those that are waiting behind it.
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

// add stores refusals. If the store does not work, they are lost, which is logged once when that
// begins, and once when it ends.
func (r *Recorder) add(ctx context.Context, some []Refusal) {
	err := r.store.AddRefusals(ctx, some, Most)
	switch {
	case err != nil && r.lost.Load() == 0:
		r.log.Warn("can't store refusals", "refusals", len(some), "err", err)
	case err == nil && r.lost.Load() > 0:
		r.log.Info("refusals are stored again", "lost", r.lost.Swap(0))
	}
	if err != nil {
		r.lost.Add(int64(len(some)))
	}
}

func (r *Recorder) prune(ctx context.Context, now time.Time) {
	if err := r.store.PruneRefusals(ctx, now.Add(-Keep), Most); err != nil {
		r.log.Warn("can't remove old refusals", "err", err)
	}
}
