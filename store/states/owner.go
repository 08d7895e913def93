package states

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// Owner says which states an engine has.
type Owner struct {
	Installation string // the id of the installation; "": the engine belongs to no other one
	Memory       string // the id of the engine's memory, which is another one in each engine
}

// Owned is an engine that says whose states it has, so that all nodes use the same one.
type Owned interface {
	// Owner returns what SetOwner has stored. Zero: nothing, or the engine has lost its memory.
	Owner(ctx context.Context) (Owner, error)
	// SetOwner stores an owner unless there is one, and returns the present one.
	SetOwner(ctx context.Context, o Owner) (Owner, error)
	// Clear removes the states of tokens, addresses and quotas.
	Clear(ctx context.Context) error
}

// Errors of [Choose] and [Owner.Check].
var (
	ErrForeign = errors.New("the engine of states belongs to another installation")
	ErrOther   = errors.New("this is not the engine of states that the installation uses")
)

// Choose decides whether a node may start on an engine, and what the engine's owner is then. last
// is what the installation used last, with an empty Memory if it is not known, and found what the
// engine says. live has the names of the servers that are live: they use the last one.
//
// If another engine than the last one is chosen, changed is true: states are elsewhere, or lost. So
// the engine must be cleared, and tokens that were issued until now must be refused.
func Choose(last, found Owner, live []string) (next Owner, changed bool, err error) {
	if found.Installation != "" && found.Installation != last.Installation {
		return next, false, errForeign
	}
	next = Owner{last.Installation, found.Memory}
	if next.Memory == "" {
		next.Memory = rand.Text()
	}
	switch {
	case last.Memory == "" || last.Memory == found.Memory:
		return next, false, nil
	case len(live) > 0:
		return next, false, fmt.Errorf("%w: live nodes use another one (%s), and all nodes need the same `state`. To change it, stop all nodes, change it on all, and start them", ErrOther, strings.Join(live, ", "))
	}
	return next, true, nil
}

var errForeign = fmt.Errorf("%w, and installations can't share one: set `state` to another database number, such as valkey://host/1, or to another engine. If nothing uses the other installation any more, empty the engine with FLUSHDB", ErrForeign)

// Check returns an error unless an engine whose owner is found is the one that the installation
// uses.
func (o Owner) Check(found Owner) error {
	switch {
	case found.Installation != "" && found.Installation != o.Installation:
		return errForeign
	case found.Memory != o.Memory:
		return fmt.Errorf("%w: compare the setting `state` with that of the other nodes, and what its name leads to", ErrOther)
	}
	return nil
}

// Transfer copies the states in an engine that is not in use to the database.
func Transfer(ctx context.Context, from Engine, sink Sink) error {
	return scan(ctx, from, KindToken, readToken, sink.PutTokens)
}
