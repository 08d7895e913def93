// Package replica lets several nodes have the same corpus. A generation is an immutable file; its
// [Manifest] lists the SHA-256 hashes of its chunks of 1 MiB. The node that builds the next
// generation stores the chunks that are new, then commits the manifest: one row of a [Catalog]. All
// others fetch what they lack, verify each chunk, and have the same file, byte by byte.
//
// A change of one item changes about 30 pages of 4 KiB, which are in about 25 chunks. So a
// generation also has a [Patch]: the pages that differ from its parent. A node that has the parent
// fetches only the patch; the chunks are for all others. The hashes of the manifest decide in
// either case.
package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

var (
	// ErrNone means that a catalog has no such generation, or a store no such chunk.
	ErrNone = errors.New("does not exist")
	// ErrOvertaken means that another generation was published since the parent of a generation.
	ErrOvertaken = errors.New("another node has published a generation in the meantime")
	// ErrDamaged means that a chunk is not what its hash says.
	ErrDamaged = errors.New("is damaged")
)

// Present is the present generation of a [Catalog].
type Present struct {
	Generation int64  // 0: none was published
	ID         string // of its manifest; "" for generation 0
	// Undo is the generation that an undo of the last change would publish again, -1 if none.
	Undo int64
}

// Catalog has the manifests of generations, and says which is the present one. All nodes have the
// same.
type Catalog interface {
	Present(ctx context.Context) (Present, error)
	// Manifest returns the manifest of a generation, or [ErrNone].
	Manifest(ctx context.Context, generation int64) (Manifest, error)
	// Patch returns the patch of a generation, nil if it has none.
	Patch(ctx context.Context, generation int64) ([]byte, error)
	// Commit makes a generation the present one, with its patch. Unless its parent is the present
	// one, it changes nothing and returns [ErrOvertaken].
	Commit(ctx context.Context, m Manifest, patch []byte) error
	// Forget removes all manifests but those of the present generation, of the one that an undo
	// would publish, and of those published at or after a time. It returns the rest.
	Forget(ctx context.Context, since time.Time) ([]Manifest, error)
	// ForgetUndo makes that the change to a generation can't be undone, and removes the manifests of
	// all generations before it.
	ForgetUndo(ctx context.Context, generation int64) error
}

// Chunks stores chunks by their hashes. What it stores is packed: see [Pack].
type Chunks interface {
	// Missing returns those of the hashes that are not stored.
	Missing(ctx context.Context, hashes []Hash) ([]Hash, error)
	// Put stores a chunk durably. It may exist already.
	Put(ctx context.Context, h Hash, packed []byte) error
	// Get returns a chunk, or [ErrNone].
	Get(ctx context.Context, h Hash) ([]byte, error)
	// Before returns up to limit hashes after one, in order, of chunks that were stored before a
	// time. next is the hash to continue after, nil at the end.
	Before(ctx context.Context, stored time.Time, after *Hash, limit int) (old []Hash, next *Hash, err error)
	// Remove removes chunks. They may be gone already.
	Remove(ctx context.Context, hashes []Hash) error
}

// Leases lets one node at a time do something.
type Leases interface {
	// Lease takes the lease of a name, to do what the text says, until release is called. lost is
	// closed if the lease ends before. ctx is only for taking it. If another node has it, the error is
	// a [HeldError].
	Lease(ctx context.Context, name, what string) (release func(), lost <-chan struct{}, err error)
}

// HeldError says which node has a lease, and for what.
type HeldError struct {
	Node, What string
	Since      time.Time
}

func (e HeldError) Error() string { return fmt.Sprintf("%s, on node %s", e.What, e.Node) }

// Options is what a [Replica] needs. All but Log and Wait are required.
type Options struct {
	Catalog Catalog
	Chunks  Chunks
	Leases  Leases
	Now     func() time.Time
	Log     *slog.Logger
	Wait    time.Duration // a quarter of that before the first repetition of a request; 0 means 100 ms
}

// Replica publishes and fetches generations. It is safe for concurrent use.
type Replica struct {
	Options
	moved moved
}

// moved counts what was transferred, in bytes as packed.
type moved struct{ fetched, stored atomic.Int64 }

// New returns a replica.
func New(o Options) *Replica {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Wait == 0 {
		o.Wait = 100 * time.Millisecond
	}
	return &Replica{Options: o}
}

// Moved returns how many bytes were fetched from the stores and written to them, packed.
func (r *Replica) Moved() (fetched, stored int64) {
	return r.moved.fetched.Load(), r.moved.stored.Load()
}

// LeaseName names the lease of whoever changes the corpus or removes chunks.
const LeaseName = "corpus"

// Collecting is what the lease is held for while unused chunks are removed.
const Collecting = "unused parts of the corpus are being removed"

// maxCollecting is how long an import waits for a node that removes unused chunks.
const maxCollecting = 10 * time.Second

// Hold takes the lease of the corpus, and waits for it while another node removes unused chunks.
// The context that it returns is done if the lease is lost.
func (r *Replica) Hold(ctx context.Context, what string) (_ context.Context, release func(), err error) {
	for deadline := time.Now().Add(maxCollecting); ; {
		end, lost, err := r.Leases.Lease(ctx, LeaseName, what)
		if err == nil {
			ctx, release := untilLost(ctx, lost, end)
			return ctx, release, nil
		}
		held, isHeld := errors.AsType[HeldError](err)
		if !isHeld || held.What != Collecting || time.Now().After(deadline) {
			return nil, nil, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// errLost is the cause of a context whose lease was lost.
var errLost = errors.New("this node has lost the right to change the corpus, since it could not reach the database in time; try again")

func untilLost(ctx context.Context, lost <-chan struct{}, end func()) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-lost:
			cancel(errLost)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(context.Canceled); end() }
}
