package replica

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// parallel is how many chunks a node transfers, or reads, at a time.
const parallel = 4

// File is a file whose chunks have known hashes.
type File struct {
	Name   string
	Hashes Hashes
}

// Publish stores the chunks of a file that are new, and makes it the present generation. m has what
// is known of it: the number, the parent and the change. base is the file of the parent, nil if that
// was generation 0. If another generation was published since the parent, the error is
// [ErrOvertaken]. After any error but that of a commit whose outcome stays unknown, no node sees
// anything of it.
func (r *Replica) Publish(ctx context.Context, file string, m Manifest, base *File) (Manifest, error) {
	m.Format, m.ID, m.At = Format, NewID(), r.Now().UTC()
	s, err := scan(ctx, file, base)
	if err != nil {
		return m, fmt.Errorf("read %s: %w", file, err)
	}
	m.Size, m.Hashes = s.size, s.hashes
	if err := r.storeNew(ctx, file, s); err != nil {
		return m, fmt.Errorf("store the corpus for the other nodes: %w", err)
	}
	return m, r.commit(ctx, m, s.patch(base))
}

// Repeat makes the content of an earlier generation the present one again. m is as for
// [Replica.Publish]. If the earlier generation is not complete any more, the error is [ErrNone].
func (r *Replica) Repeat(ctx context.Context, earlier int64, m Manifest) (Manifest, error) {
	was, err := r.Catalog.Manifest(ctx, earlier)
	if err != nil {
		return m, fmt.Errorf("generation %d: %w", earlier, err)
	}
	m.Format, m.ID, m.At, m.Size, m.Hashes = Format, NewID(), r.Now().UTC(), was.Size, was.Hashes
	missing, err := r.Chunks.Missing(ctx, distinct(was.Hashes))
	if err != nil {
		return m, err
	}
	if len(missing) > 0 {
		return m, fmt.Errorf("%d chunks of generation %d: %w", len(missing), earlier, ErrNone)
	}
	return m, r.commit(ctx, m, nil)
}

// commit commits a manifest. If the reply was lost, it looks whether it was committed.
func (r *Replica) commit(ctx context.Context, m Manifest, patch []byte) error {
	err := r.Catalog.Commit(ctx, m, patch)
	if err == nil || errors.Is(err, ErrOvertaken) {
		return err
	}
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	present, lookErr := r.Catalog.Present(again)
	switch {
	case lookErr != nil:
		return fmt.Errorf("it is not known whether the change was published; look at the corpus before you repeat it: %w", errors.Join(err, lookErr))
	case present.ID == m.ID:
		return nil
	}
	return err
}

// scanned is what Publish must know of a file.
type scanned struct {
	size    int64
	hashes  Hashes
	changed []int    // chunks that differ from those of the base
	patches []*patch // of the parts that were scanned in parallel
}

// patch returns the packed patch, nil if there can't be one.
func (s *scanned) patch(base *File) []byte {
	if base == nil {
		return nil
	}
	var all patch
	for _, p := range s.patches {
		all.b, all.over = append(all.b, p.b...), all.over || p.over || len(all.b)+len(p.b) > maxPatch
	}
	return all.packed()
}

// scan compares a file with its base. A chunk that is the same has the same hash: to compare is
// several times as fast as to hash.
func scan(ctx context.Context, file string, base *File) (*scanned, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var was *os.File
	var known Hashes
	if base != nil {
		if was, err = os.Open(base.Name); err != nil {
			return nil, err
		}
		defer was.Close()
		known = base.Hashes
	}
	s := &scanned{size: info.Size(), hashes: make(Hashes, chunksOf(info.Size()))}
	parts := split(len(s.hashes), parallel)
	changed := make([][]int, len(parts))
	s.patches = make([]*patch, len(parts))
	err = inParallel(ctx, len(parts), func(ctx context.Context, n int) (err error) {
		s.patches[n] = &patch{}
		changed[n], err = s.scanPart(ctx, parts[n], f, was, known, s.patches[n])
		return err
	})
	s.changed = slices.Concat(changed...)
	return s, err
}

// part is a range of chunks.
type part struct{ from, to int }

// split divides n chunks into up to k parts.
func split(n, k int) (parts []part) {
	size := max(1, (n+k-1)/k)
	for from := 0; from < n; from += size {
		parts = append(parts, part{from, min(n, from+size)})
	}
	return parts
}

func (s *scanned) scanPart(ctx context.Context, p part, f, base io.ReaderAt, known Hashes, to *patch) (changed []int, err error) {
	is, was := make([]byte, ChunkSize), make([]byte, ChunkSize)
	for n := p.from; n < p.to; n++ {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		is, err := readChunk(f, n, is)
		if err != nil {
			return nil, err
		}
		hash, isKnown := known.at(n)
		same := was[:0]
		if isKnown {
			if same, err = readChunk(base, n, was); err != nil {
				return nil, err
			}
		}
		if isKnown && bytes.Equal(is, same) {
			s.hashes[n] = hash
			continue
		}
		s.hashes[n] = sha256.Sum256(is)
		changed = append(changed, n)
		if known != nil {
			to.add(n, is, same)
		}
	}
	return changed, nil
}

// readChunk reads a chunk of a file, which is shorter at the end and empty beyond it.
func readChunk(f io.ReaderAt, n int, to []byte) ([]byte, error) {
	k, err := f.ReadAt(to[:ChunkSize], int64(n)*ChunkSize)
	if err == io.EOF {
		err = nil
	}
	return to[:k], err
}

// storeNew stores the changed chunks that no other generation has stored.
func (r *Replica) storeNew(ctx context.Context, file string, s *scanned) error {
	at := map[Hash]int{}
	var ask []Hash
	for _, n := range s.changed {
		if _, again := at[s.hashes[n]]; !again {
			at[s.hashes[n]] = n
			ask = append(ask, s.hashes[n])
		}
	}
	missing, err := r.Chunks.Missing(ctx, ask)
	if err != nil || len(missing) == 0 {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	p := r.progress("the corpus is being stored for the other nodes", len(missing))
	return inParallel(ctx, len(missing), func(ctx context.Context, i int) error {
		b, err := readChunk(f, at[missing[i]], make([]byte, ChunkSize))
		if err != nil {
			return err
		}
		if sha256.Sum256(b) != missing[i] {
			return fmt.Errorf("%s was changed while it was being stored", file)
		}
		packed := Pack(b)
		if err := r.try(ctx, func(ctx context.Context) error { return r.Chunks.Put(ctx, missing[i], packed) }); err != nil {
			return err
		}
		r.moved.stored.Add(int64(len(packed)))
		p.add(1)
		return nil
	})
}

func distinct(hashes Hashes) []Hash {
	list := slices.Clone([]Hash(hashes))
	slices.SortFunc(list, func(a, b Hash) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(list)
}

// inParallel calls fn for 0 to n-1, a few at a time, and returns the first error.
func inParallel(ctx context.Context, n int, fn func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var all sync.WaitGroup
	for range min(n, parallel) {
		all.Go(func() {
			for i := range next {
				if err := fn(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	all.Wait()
	return context.Cause(ctx)
}
