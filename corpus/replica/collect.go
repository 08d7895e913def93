package replica

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// minAge is how old a chunk or generation must be to be removed: a node may be fetching it.
	minAge      = time.Hour
	collectStep = 64   // chunks that are removed at a time
	collectPage = 1000 // chunks that are listed at a time
	// maxRemoving is how long one run removes chunks. Imports wait for it for maxCollecting at most.
	maxRemoving = maxCollecting / 2
)

// Collect removes the manifests and chunks that nothing needs: those of the present generation, of
// the one that an undo would publish again, and of the generations of the last hour stay. It
// returns how many chunks it removed. If another node has the lease, it does nothing. One run
// removes chunks for 5 s at most, so that imports don't wait long for it; the next continues.
//
// It also stores chunks of the present generation again that its store has lost, if own is the file
// of that generation. id is that of own's manifest.
func (r *Replica) Collect(ctx context.Context, id string, own *File) (removed int, err error) {
	end, lost, err := r.Leases.Lease(ctx, LeaseName, Collecting)
	if _, isHeld := errors.AsType[HeldError](err); isHeld {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	ctx, release := untilLost(ctx, lost, end)
	defer release()
	before := r.Now().Add(-minAge)
	kept, err := r.Catalog.Forget(ctx, before)
	if err != nil {
		return 0, fmt.Errorf("remove old generations: %w", err)
	}
	if err := r.restore(ctx, id, own); err != nil {
		return 0, fmt.Errorf("restore chunks of the corpus: %w", err)
	}
	used := map[Hash]bool{}
	for _, m := range kept {
		for _, h := range m.Hashes {
			used[h] = true
		}
	}
	ctx, cancel := context.WithTimeout(ctx, maxList)
	defer cancel()
	var until time.Time
	for after := (*Hash)(nil); ; {
		old, next, err := r.Chunks.Before(ctx, before, after, collectPage)
		if err != nil {
			return removed, fmt.Errorf("list the chunks of the corpus: %w", err)
		}
		if until.IsZero() {
			until = time.Now().Add(maxRemoving)
		}
		n, err := r.removeUnused(ctx, old, used, until)
		if removed += n; err != nil {
			return removed, fmt.Errorf("remove unused chunks of the corpus: %w", err)
		}
		if after = next; next == nil || !time.Now().Before(until) {
			return removed, nil
		}
	}
}

// removeUnused removes those of the chunks that are not used, a few at a time, until a time, and
// unless ctx is done.
func (r *Replica) removeUnused(ctx context.Context, chunks []Hash, used map[Hash]bool, until time.Time) (removed int, err error) {
	var unused []Hash
	for _, h := range chunks {
		if !used[h] {
			unused = append(unused, h)
		}
	}
	for len(unused) > 0 && time.Now().Before(until) {
		if ctx.Err() != nil {
			return removed, context.Cause(ctx)
		}
		n := min(len(unused), collectStep)
		if err := r.Chunks.Remove(ctx, unused[:n]); err != nil {
			return removed, err
		}
		removed, unused = removed+n, unused[n:]
	}
	return removed, nil
}

// Checked is what [Replica.Check] has found.
type Checked struct {
	Generation int64
	Chunks     int // different ones, of the present generation
	Missing    int // that the store did not have, or had damaged
	Restored   int // of those
}

// Check reads all chunks of the present generation from the store. If own is the file of that
// generation, by the ID of its manifest, it stores again what is missing or damaged.
func (r *Replica) Check(ctx context.Context, id string, own *File) (c Checked, err error) {
	p, err := r.Catalog.Present(ctx)
	if err != nil || p.Generation == 0 {
		return c, err
	}
	m, err := r.Catalog.Manifest(ctx, p.Generation)
	if err != nil {
		return c, err
	}
	lost, chunks, err := r.lost(ctx, m)
	c = Checked{Generation: m.Generation, Chunks: chunks, Missing: len(lost)}
	if err != nil || own == nil || p.ID != id {
		return c, err
	}
	for _, h := range lost { // Missing does not list damaged ones
		if err := r.storeAgain(ctx, own, h); err != nil {
			return c, fmt.Errorf("restore chunks of the corpus: %w", err)
		}
		c.Restored++
	}
	return c, nil
}

// lost returns the chunks of a generation that can't be fetched, and how many it has. An error
// means that the store can't be read.
func (r *Replica) lost(ctx context.Context, m Manifest) (lost []Hash, chunks int, err error) {
	sizes := map[Hash]int{}
	for n, h := range m.Hashes {
		sizes[h] = m.sizeOf(n)
	}
	all := distinct(m.Hashes)
	var mu sync.Mutex
	p := r.progress("the chunks of the corpus are being read", len(all))
	err = inParallel(ctx, len(all), func(ctx context.Context, i int) error {
		_, err := r.fetch(ctx, all[i], sizes[all[i]])
		p.add(1)
		if !errors.Is(err, ErrNone) && !errors.Is(err, ErrDamaged) {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		lost = append(lost, all[i])
		return nil
	})
	return lost, len(all), err
}

// storeAgain stores a chunk of a file, whatever the store has.
func (r *Replica) storeAgain(ctx context.Context, own *File, h Hash) error {
	f, err := os.Open(own.Name)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := readChunk(f, slices.Index(own.Hashes, h), make([]byte, ChunkSize))
	if err != nil {
		return err
	}
	if sha256.Sum256(b) != h {
		return fmt.Errorf("%s %w as well: start this node again, which repairs it", own.Name, ErrDamaged)
	}
	return r.Chunks.Put(ctx, h, Pack(b))
}

// restore stores those chunks of the present generation again that the store has lost.
func (r *Replica) restore(ctx context.Context, id string, own *File) error {
	p, err := r.Catalog.Present(ctx)
	if err != nil || own == nil || p.ID != id {
		return err
	}
	missing, err := r.missing(ctx, distinct(own.Hashes))
	if err != nil || len(missing) == 0 {
		return err
	}
	r.Log.Warn("the store has lost chunks of the corpus; they are stored again", "chunks", len(missing))
	for _, h := range missing {
		if err := r.storeAgain(ctx, own, h); err != nil {
			return err
		}
	}
	return nil
}
