package addresses

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// maxNotable is how many notable scopes are in memory: about 20 MB. If there are more, each list
// reads all scopes from the store.
const maxNotable = 50_000

// sharedFor is how long notable scopes are up to date if other nodes change scopes too.
const sharedFor = 2 * time.Second

// notable holds the states of the scopes that a list of addresses shows, or may show: crowded,
// blocked, or proposed for a permanent block. There may be a million scopes, of which few are
// notable. A state in it may be one event older than the stored one, if two events of a scope came
// at the same time.
type notable struct {
	mu     sync.Mutex
	of     map[Scope]State
	isFull bool // it has every notable scope
	// The scopes that had an event while all are read from the store. Nil: they are not being read.
	noted map[Scope]bool

	isShared bool      // other nodes change scopes too
	readAt   time.Time // when all were read
}

// isNotable reports whether the status of a scope is of interest.
func isNotable(v Verdict) bool {
	return v.Status != Clear || v.IsObserved || v.State.Propose || v.State.Until != 0
}

// note notes the state of a scope after an event.
func (n *notable) note(scope Scope, v Verdict) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.isFull {
		return // the next list reads them all
	}
	if n.noted != nil {
		n.noted[scope] = true
	}
	n.put(scope, v.State, isNotable(v))
}

func (n *notable) put(scope Scope, s State, isNotable bool) {
	if !isNotable {
		delete(n.of, scope)
		return
	}
	if _, has := n.of[scope]; !has && len(n.of) >= maxNotable {
		n.isFull = false
		return
	}
	n.of[scope] = s
}

// begin starts reading all scopes.
func (n *notable) begin(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.readAt = now
	n.of, n.noted, n.isFull = map[Scope]State{}, map[Scope]bool{}, true
}

// found notes a state that was read, unless the scope had an event since.
func (n *notable) found(scope Scope, s State, isNotable bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.noted[scope] {
		n.put(scope, s, isNotable)
	}
}

func (n *notable) end(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.noted = nil
	n.isFull = n.isFull && err == nil
}

// each calls fn for each scope, unless it does not have all. fn returns whether the scope is still
// notable.
func (n *notable) each(now time.Time, fn func(Scope, State) bool) (isFull bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.isFull || n.noted != nil || n.isShared && now.Sub(n.readAt).Abs() >= sharedFor {
		return false
	}
	for scope, s := range n.of {
		if !fn(scope, s) {
			delete(n.of, scope)
		}
	}
	return true
}

// SetPolicy sets the policy for later events. If it is another one, the next list reads all scopes.
func (reg *Registry) SetPolicy(p Policy) {
	if old := reg.policy.Swap(&p); old != nil && reflect.DeepEqual(*old, p) {
		return
	}
	reg.notable.mu.Lock()
	defer reg.notable.mu.Unlock()
	reg.notable.isFull = false
}

// eachNotable calls fn for each scope that is notable now, with the verdict about it.
func (reg *Registry) eachNotable(ctx context.Context, now time.Time, fn func(Scope, Verdict)) error {
	look := func(scope Scope, s State) bool {
		_, v := Step(s, reg.policy.Load().forScope(scope), Inspect{now})
		if isNotable(v) {
			fn(scope, v)
		}
		return isNotable(v)
	}
	if reg.notable.each(now, look) {
		return nil
	}
	reg.reading.Lock()
	defer reg.reading.Unlock()
	if reg.notable.each(now, look) { // another list has read them meanwhile
		return nil
	}
	reg.notable.begin(now)
	err := reg.store.EachAddress(ctx, func(scope Scope, s State) { reg.notable.found(scope, s, look(scope, s)) })
	reg.notable.end(err)
	if err != nil {
		return fmt.Errorf("read addresses: %w", err)
	}
	return nil
}

// Proposals returns the scopes that rules blocked so often that an operator should block them
// permanently, or allow them. Their kind is "" if they are clear now.
func (reg *Registry) Proposals(ctx context.Context, now time.Time) (lines []Line, err error) {
	err = reg.eachNotable(ctx, now, func(scope Scope, v Verdict) {
		if _, decided := reg.list.Load().Find(scope.Range.Addr(), now); v.State.Propose && !decided {
			l, _ := lineOf(scope, v)
			lines = append(lines, l)
		}
	})
	return lines, err
}
