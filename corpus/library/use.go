package library

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"stile.example/stile/corpus/replica"
)

// ErrImporting means that the corpus can't be changed or copied, because it is being changed or
// copied already.
var ErrImporting = errors.New("the corpus is being changed")

// BusyError is [ErrImporting] with what is running. Its text is an error message.
type BusyError struct {
	What    string // "another import is running: recipes.jsonl, process 4711"
	Since   time.Time
	OnOther bool // another node does it, which may have ended since
}

func (e BusyError) Error() string {
	text := fmt.Sprintf("%s, since %s; try again when that is done", e.What, e.Since.UTC().Format("2006-01-02 15:04:05 UTC"))
	if e.OnOther {
		text += ", or in 15 s if that node was killed" // leases of nodes last 10 s
	}
	return text
}

// Is reports whether target is [ErrImporting].
func (e BusyError) Is(target error) bool { return target == ErrImporting }

// ErrStale means that another generation than the one of [AtGeneration] is current.
var ErrStale = errors.New("the corpus was changed in the meantime")

// ErrOvertaken means that another node published a change while this one was being made. Nothing
// was changed.
var ErrOvertaken = replica.ErrOvertaken

type generationKey struct{}

// AtGeneration returns a context for changes that are made only while a generation is the current
// one. Other changes return [ErrStale].
func AtGeneration(ctx context.Context, n int64) context.Context {
	return context.WithValue(ctx, generationKey{}, n)
}

// check returns an error unless the generation is the one that ctx is for, or ctx is for any.
func (g *generation) check(ctx context.Context) error {
	if n, limited := ctx.Value(generationKey{}).(int64); limited && n != g.n {
		return ErrStale
	}
	return nil
}

// use says what is changing or copying the corpus. It is in memory, so a process that is killed
// leaves nothing behind.
type use struct {
	mu  sync.Mutex
	now *BusyError // nil: nothing is
}

// begin returns a [BusyError] if something is running. Otherwise it records what is running, until
// end is called.
func (u *use) begin(what string, now time.Time) (end func(), err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.now != nil {
		return nil, *u.now
	}
	u.now = &BusyError{What: what, Since: now}
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.now = nil
	}, nil
}
