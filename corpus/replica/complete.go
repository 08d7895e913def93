package replica

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	attempts   = 3                // to transfer a chunk
	maxAttempt = 30 * time.Second // for one attempt
	maxPatches = 16               // that are applied one after another
)

// Complete makes a file what a manifest says. It keeps the chunks that the file has at their place.
// Others it copies from near, files on this machine, or applies patches, or fetches
// them from the store. It verifies the hash of each chunk that it reads or writes. have are the
// hashes of the file's chunks, if they are known: nil verifies all. After an error the file has
// chunks of both, and Complete with have nil can continue.
func (r *Replica) Complete(ctx context.Context, file string, m Manifest, have Hashes, near ...File) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = r.complete(ctx, f, m, have, near)
	if err == nil {
		err = f.Truncate(m.Size)
	}
	return errors.Join(err, f.Close())
}

func (r *Replica) complete(ctx context.Context, f *os.File, m Manifest, have Hashes, near []File) error {
	c := &completion{r: r, m: m, f: f}
	defer c.close()
	if err := c.open(near); err != nil {
		return err
	}
	var different []int
	for n, want := range m.Hashes {
		if has, known := have.at(n); !known || has != want {
			different = append(different, n)
		}
	}
	missing, err := c.without(ctx, different, c.isThere)
	if err != nil || len(missing) == 0 {
		return err
	}
	p := r.progress("the corpus is being fetched", len(missing))
	return inParallel(ctx, len(missing), func(ctx context.Context, i int) error {
		b, err := r.fetch(ctx, m.Hashes[missing[i]], m.sizeOf(missing[i]))
		if err != nil {
			return fmt.Errorf("chunk %d of generation %d: %w", missing[i], m.Generation, err)
		}
		p.add(1)
		_, err = f.WriteAt(b, int64(missing[i])*ChunkSize)
		return err
	})
}

// completion is the state of [Replica.Complete].
type completion struct {
	r    *Replica
	m    Manifest
	f    *os.File
	near []*os.File
	at   []map[Hash]int // where the files in near have each chunk
}

func (c *completion) open(near []File) error {
	for _, n := range near {
		f, err := os.Open(n.Name)
		if err != nil {
			return err
		}
		at := make(map[Hash]int, len(n.Hashes))
		for i, h := range n.Hashes {
			at[h] = i
		}
		c.near, c.at = append(c.near, f), append(c.at, at)
	}
	return nil
}

func (c *completion) close() {
	for _, f := range c.near {
		f.Close()
	}
}

// without returns the chunks for which has returns false.
func (c *completion) without(ctx context.Context, chunks []int, has func(n int) (bool, error)) (missing []int, err error) {
	lacks := make([]bool, len(chunks))
	err = inParallel(ctx, len(chunks), func(_ context.Context, i int) error {
		ok, err := has(chunks[i])
		lacks[i] = !ok
		return err
	})
	for i, n := range chunks {
		if lacks[i] {
			missing = append(missing, n)
		}
	}
	return missing, err
}

// isThere reports whether the file has a chunk at its place, if need be after it was copied there.
func (c *completion) isThere(n int) (bool, error) {
	buf := buffers.Get().(*[ChunkSize]byte)
	defer buffers.Put(buf)
	ok, _, err := c.has(c.f, n, n, buf)
	if ok || err != nil {
		return ok, err
	}
	for i, near := range c.near {
		at, has := c.at[i][c.m.Hashes[n]]
		if !has {
			continue
		}
		ok, b, err := c.has(near, at, n, buf)
		if err != nil {
			return false, err
		}
		if ok {
			_, err := c.f.WriteAt(b, int64(n)*ChunkSize)
			return true, err
		}
	}
	return false, nil
}

// has reports whether a file has, as its chunk at, the chunk n of the manifest.
func (c *completion) has(f *os.File, at, n int, buf *[ChunkSize]byte) (bool, []byte, error) {
	b, err := readChunk(f, at, buf[:])
	if err != nil {
		return false, nil, err
	}
	b = b[:min(len(b), c.m.sizeOf(n))] // the file may be longer as yet
	return sha256.Sum256(b) == c.m.Hashes[n], b, nil
}

var buffers = sync.Pool{New: func() any { return new([ChunkSize]byte) }}

// Patch brings a file from one generation to a later one by the patches between them, if all exist.
// It verifies nothing: the file must be completed afterwards. It returns the hashes of the chunks
// that it did not change, also after an error.
func (r *Replica) Patch(ctx context.Context, file string, from, to Manifest) (Hashes, error) {
	patches, err := r.patches(ctx, from.Generation, to.Generation)
	if err != nil || len(patches) == 0 {
		return from.Hashes, err
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0o600)
	if err != nil {
		return from.Hashes, err
	}
	hashes := slices.Clone(from.Hashes)
	for _, p := range patches {
		if err = hashes.apply(f, p); err != nil {
			break
		}
	}
	return hashes, errors.Join(err, f.Close())
}

// patches returns the patches that lead from one generation to another, none if one is missing.
func (r *Replica) patches(ctx context.Context, from, to int64) (all [][]byte, err error) {
	if to-from > maxPatches {
		return nil, nil
	}
	for n := from + 1; n <= to; n++ {
		p, err := r.Catalog.Patch(ctx, n)
		if errors.Is(err, ErrNone) || err == nil && p == nil {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		r.moved.fetched.Add(int64(len(p)))
		all = append(all, p)
	}
	return all, nil
}

// fetch fetches a chunk and verifies it.
func (r *Replica) fetch(ctx context.Context, h Hash, size int) (b []byte, err error) {
	err = r.try(ctx, func(ctx context.Context) error {
		packed, err := r.Chunks.Get(ctx, h)
		if err != nil {
			return err
		}
		r.moved.fetched.Add(int64(len(packed)))
		if b, err = unpack(packed, ChunkSize); err != nil {
			return fmt.Errorf("%s %w", h, err)
		}
		if len(b) != size || sha256.Sum256(b) != h {
			return fmt.Errorf("%s %w in the store", h, ErrDamaged)
		}
		return nil
	})
	return b, err
}

// try calls fn up to a few times, until it succeeds.
func (r *Replica) try(ctx context.Context, fn func(context.Context) error) (err error) {
	for n := range attempts {
		if n > 0 {
			select {
			case <-ctx.Done():
				return errors.Join(context.Cause(ctx), err)
			case <-time.After(r.Wait << (2 * n)):
			}
		}
		one, cancel := context.WithTimeout(ctx, maxAttempt)
		err = fn(one)
		cancel()
		if err == nil || errors.Is(err, ErrNone) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// progress logs how far a long transfer is.
type progress struct {
	r     *Replica
	text  string
	of    int
	done  atomic.Int64
	mu    sync.Mutex
	after time.Time
}

// progressEvery is how often a long transfer is logged.
const progressEvery = 5 * time.Second

func (r *Replica) progress(text string, of int) *progress {
	return &progress{r: r, text: text, of: of, after: time.Now().Add(progressEvery)}
}

func (p *progress) add(n int64) {
	done := p.done.Add(n)
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.After(p.after) {
		p.after = now.Add(progressEvery)
		p.r.Log.Info(p.text, "mib", done*ChunkSize>>20, "of", int64(p.of)*ChunkSize>>20)
	}
}
