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

// If other nodes change scopes too, notable scopes are up to date for sharedFor, and for at least
// scanShare times as long as it took to read them all. An engine may have to read the names of all
// tokens for that, so lists that are open take at most a tenth of its time.
const (
	sharedFor = 2 * time.Second
	scanShare = 10
	longScan  = 5 * time.Second // one that was given up before is tried again at once
)

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

	clock   func() time.Time // not nil: other nodes change scopes too
	readAt  time.Time        // when reading them all began
	took    time.Duration
	retryAt time.Time // they are not read before
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
	if n.clock != nil {
		now = n.clock()
	}
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

// end notes how reading all scopes ended. gaveUp says that the list did not wait for its end.
func (n *notable) end(err error, gaveUp bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.noted = nil
	n.isFull = n.isFull && err == nil
	if n.clock == nil {
		return
	}
	ended := n.clock()
	n.took = max(ended.Sub(n.readAt), 0)
	if n.readAt = ended; gaveUp && n.took >= longScan {
		n.retryAt = ended.Add(scanShare * n.took)
	}
}

// mayRead returns an error if a list gave up reading all scopes shortly before.
func (n *notable) mayRead() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.clock == nil {
		return nil
	}
	if wait := n.retryAt.Sub(n.clock()); wait > 0 {
		return fmt.Errorf("the store has so many keys that the last list was given up after %s: try again in %s, or look at another node",
			n.took.Round(time.Second), wait.Round(time.Second))
	}
	return nil
}

// each calls fn for each scope, unless it does not have all. fn returns whether the scope is still
// notable.
func (n *notable) each(now time.Time, fn func(Scope, State) bool) (isFull bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.isFull || n.noted != nil || n.clock != nil && now.Sub(n.readAt).Abs() >= max(sharedFor, scanShare*n.took) {
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
	err := reg.notable.mayRead()
	if err == nil {
		reg.notable.begin(now)
		err = reg.store.EachAddress(ctx, func(scope Scope, s State) { reg.notable.found(scope, s, look(scope, s)) })
		reg.notable.end(err, ctx.Err() != nil)
	}
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
