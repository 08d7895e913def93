// Package states keeps values that several nodes change with every call: states of tokens and
// addresses, and quotas of months. The values are in an [Engine], such as Valkey or PostgreSQL.
package states

import (
	"context"
	"errors"
	"time"

	"stile.example/stile/tokens"
)

// Kinds of values.
const (
	KindToken   = 't' // the state of a token; its id has 16 bytes
	KindAddress = 'a' // the state of a scope of addresses
	KindQuota   = 'q' // how much of a tenant's quota of a month was given to nodes
	KindOnce    = 'o' // something that works once and belongs to no token, such as a client assertion
)

// Key names a value. All that an Engine stores for a key, also its [Once], it may put in one place.
type Key struct {
	Kind byte
	ID   string // raw bytes, at most 64
}

// Swap is a change of one value.
type Swap struct {
	Key     Key
	Known   []byte    // the value that must be present; nil: none
	Next    []byte    // never empty, and at most 64 KiB
	Expires time.Time // the engine may drop the value from then on
	Once    Once      // the zero value: nothing

	// NotBefore is the epoch that the change was decided with, in Unix seconds. It matters only if
	// nothing is present: see [Engine].
	NotBefore int64
}

// Once is something that works once for a token, such as a proof.
type Once struct {
	Digest [16]byte
	Until  time.Time // it must be stored until then
}

// Present is what an engine has under a key.
type Present struct {
	Value []byte // nil: none
	// NotBefore is the engine's epoch, in Unix seconds, if Value is nil; 0 if its memory is never
	// lost. What the engine stored until then may be missing.
	NotBefore int64
}

// Engine keeps values. Each method is bounded in time by its ctx, and may be called from several
// goroutines. A value whose Expires has passed may be present or not.
//
// An engine that may lose its memory has an epoch, and implements [Forgetful]. It reads the epoch
// in the same step whenever nothing is present under a key. If the epoch is missing, it has lost
// its memory: then it changes nothing, and the error is [ErrForgot].
type Engine interface {
	// Swap stores Next if the present value is Known, and reports whether it did. was is what was
	// present before. It stores nothing if Once was used before, with the error [ErrUsed], or if
	// nothing was present and the epoch is later than s.NotBefore. A Once is stored only together
	// with Next: all of that is one atomic step.
	//
	// An error that wraps [ErrUnknown] says that the swap may have happened, or may still happen.
	// After any other error it did not, and will not.
	Swap(ctx context.Context, s Swap) (was Present, swapped bool, err error)
	// Get returns what is present.
	Get(ctx context.Context, k Key) (Present, error)
	// Each calls fn for each value of a kind, in any order. It may repeat values, and miss those that
	// change meanwhile.
	Each(ctx context.Context, kind byte, fn func(Key, []byte) error) error
	// Ready returns an error if the engine can't be read and written.
	Ready(ctx context.Context) error
	Close() error
}

// Forgetful is an [Engine] that may lose its memory.
type Forgetful interface {
	// SetEpoch stores the epoch, in Unix seconds, unless a later one is present.
	SetEpoch(ctx context.Context, notBefore int64) error
}

// Evictor is an [Engine] that may remove values although they have not expired.
type Evictor interface {
	// Evicted reports whether it has done that since Evicted was last called.
	Evicted(ctx context.Context) (bool, error)
}

// Errors of an [Engine].
var (
	ErrUsed    = tokens.ErrUsed
	ErrUnknown = tokens.ErrUnknown
	ErrForgot  = errors.New("the engine has lost its memory")
)
