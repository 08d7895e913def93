package replica

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync/atomic"
)

// SameFile reads all chunks of a generation from the store, and reports whether a file has the same
// content.
func (r *Replica) SameFile(ctx context.Context, m Manifest, file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != m.Size {
		return false, err
	}
	var different atomic.Bool
	err = inParallel(ctx, len(m.Hashes), func(ctx context.Context, n int) error {
		stored, err := r.fetch(ctx, m.Hashes[n], m.sizeOf(n))
		if err != nil {
			return fmt.Errorf("chunk %d of generation %d: %w", n, m.Generation, err)
		}
		b, err := readChunk(f, n, make([]byte, ChunkSize))
		if !bytes.Equal(stored, b) {
			different.Store(true)
		}
		return err
	})
	return err == nil && !different.Load(), err
}
