package replica

import (
	"context"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"
)

// slowStore has chunks that nothing needs, and takes a second to remove some.
type slowStore struct {
	Catalog
	Chunks
	left int
}

func (s *slowStore) Present(context.Context) (Present, error) { return Present{}, nil }

func (s *slowStore) Forget(context.Context, time.Time) ([]Manifest, error) { return nil, nil }

func (s *slowStore) Before(_ context.Context, _ time.Time, _ *Hash, limit int) (old []Hash, next *Hash, err error) {
	for n := range min(s.left, limit) {
		var h Hash
		binary.BigEndian.PutUint32(h[:], uint32(n))
		old = append(old, h)
	}
	if s.left > limit {
		next = &old[limit-1]
	}
	return old, next, nil
}

func (s *slowStore) Remove(_ context.Context, hashes []Hash) error {
	time.Sleep(time.Second)
	s.left -= len(hashes)
	return nil
}

func (s *slowStore) Lease(context.Context, string, string) (release func(), lost <-chan struct{}, err error) {
	return func() {}, make(chan struct{}), nil
}

// TestCollectIsShort: with a slow store, the removal of unused chunks ends before imports cease to
// wait for it. The next runs continue.
func TestCollectIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{left: 3000}
		r := New(Options{Catalog: s, Chunks: s, Leases: s, Now: time.Now})
		for runs := 1; s.left > 0; runs++ {
			began, before := time.Now(), s.left
			removed, err := r.Collect(t.Context(), "", nil)
			took := time.Since(began)
			if err != nil || removed != before-s.left || removed == 0 || took > maxRemoving+time.Second || took >= maxCollecting {
				t.Fatalf("run %d: removed %d of %d after %s, %v", runs, removed, before, took, err)
			}
		}
	})
}
