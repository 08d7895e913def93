package replica

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// minAge is how old a chunk or generation must be to be removed: a node may be fetching it.
	minAge       = time.Hour
	collectStep  = 64   // chunks that are removed at a time
	collectPage  = 1000 // chunks that are listed at a time
	collectsMost = 1 << 14
)

// Collect removes the manifests and chunks that nothing needs: those of the present generation, of
// the one that an undo would publish again, and of the generations of the last hour stay. It
// returns how many chunks it removed. If another node has the lease, it does nothing. One run
// removes at most 16,384 chunks, so that imports don't wait long for it; the next continues.
//
// It also stores chunks of the present generation again that its store has lost, if own is the file
// of that generation. id is that of own's manifest.
func (r *Replica) Collect(ctx context.Context, id string, own *File) (removed int, err error) {
	ctx, release, err := r.Hold(ctx, Collecting)
	if _, isHeld := errors.AsType[HeldError](err); isHeld {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
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
	for after := (*Hash)(nil); removed < collectsMost; {
		old, next, err := r.Chunks.Before(ctx, before, after, collectPage)
		if err != nil {
			return removed, fmt.Errorf("list the chunks of the corpus: %w", err)
		}
		n, err := r.removeUnused(ctx, old, used)
		if removed += n; err != nil {
			return removed, fmt.Errorf("remove unused chunks of the corpus: %w", err)
		}
		if after = next; next == nil {
			break
		}
	}
	return removed, nil
}

// removeUnused removes those of the chunks that are not used, a few at a time, unless ctx is done.
func (r *Replica) removeUnused(ctx context.Context, chunks []Hash, used map[Hash]bool) (removed int, err error) {
	var unused []Hash
	for _, h := range chunks {
		if !used[h] {
			unused = append(unused, h)
		}
	}
	for len(unused) > 0 {
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

// Check returns an error unless the stores have the present generation completely.
func (r *Replica) Check(ctx context.Context) error {
	p, err := r.Catalog.Present(ctx)
	if err != nil || p.Generation == 0 {
		return err
	}
	m, err := r.Catalog.Manifest(ctx, p.Generation)
	if err != nil {
		return fmt.Errorf("generation %d: %w", p.Generation, err)
	}
	missing, err := r.Chunks.Missing(ctx, distinct(m.Hashes))
	if err != nil {
		return fmt.Errorf("look for the chunks of the corpus: %w", err)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d of %d chunks of generation %d %w in the store: a node that has the corpus stores them again within an hour, and until then no new node can fetch it", len(missing), len(m.Hashes), p.Generation, ErrNone)
	}
	return nil
}

// restore stores those chunks of the present generation again that the store has lost.
func (r *Replica) restore(ctx context.Context, id string, own *File) error {
	p, err := r.Catalog.Present(ctx)
	if err != nil || own == nil || p.ID != id {
		return err
	}
	missing, err := r.Chunks.Missing(ctx, distinct(own.Hashes))
	if err != nil || len(missing) == 0 {
		return err
	}
	r.Log.Warn("the store has lost chunks of the corpus; they are stored again", "chunks", len(missing))
	lost := map[Hash]bool{}
	for _, h := range missing {
		lost[h] = true
	}
	s := &scanned{hashes: own.Hashes}
	for n, h := range own.Hashes {
		if lost[h] {
			s.changed = append(s.changed, n)
		}
	}
	return r.storeNew(ctx, own.Name, s)
}
