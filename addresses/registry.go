package addresses

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Store stores the states of scopes and the address list. Its methods may be called from several
// goroutines.
type Store interface {
	// UpdateAddress atomically replaces the state of a scope with the result of fn, and returns
	// once the new state is durable. A scope that was never seen has the zero State. fn is pure. If
	// fn returns its argument, nothing is written.
	UpdateAddress(ctx context.Context, s Scope, fn func(State) State) error
	// EachAddress calls fn for every stored scope, in any order.
	EachAddress(ctx context.Context, fn func(Scope, State)) error
	// Entries returns the operator's entries, in the order of their ranges.
	Entries(ctx context.Context) ([]Entry, error)
	// PutEntry adds an entry, or replaces the one with the same range.
	PutEntry(ctx context.Context, e Entry) error
	// RemoveEntry removes the entry of a range, and reports whether there was one.
	RemoveEntry(ctx context.Context, r netip.Prefix) (bool, error)
}

// ErrNotListed says that the address list has nothing in a range.
var ErrNotListed = errors.New("no entry or blocked address in that range")

// Registry joins the operator's address list, the rules and the store. Every call consults it, so
// the list and the rules' blocks are in memory. They are read from the store at the start. Its
// methods may be called from several goroutines.
type Registry struct {
	store    Store
	policy   atomic.Pointer[Policy]
	list     atomic.Pointer[List]
	proposed func(Scope, State) // may be nil; see OnProposal
	decided  func(Scope, int64) // may be nil; see OnBlock

	change  sync.Mutex // serialises changes of the list
	mu      sync.RWMutex
	blocked map[Scope]ruleBlock
	blocks  atomic.Int64 // len(blocked); mostly 0, and then no call locks mu
	pruneAt int          // size of blocked at which ended blocks are removed

	notable notable
	reading sync.Mutex // serialises reading all scopes for notable
}

// ruleBlock is a block by a rule.
type ruleBlock struct {
	until int64  // Unix seconds
	cause *Cause // nil: the block is from before the start
}

// OpenRegistry returns a registry with the list and the blocks of a store.
func OpenRegistry(ctx context.Context, store Store, p Policy) (*Registry, error) {
	reg := &Registry{store: store, blocked: map[Scope]ruleBlock{}}
	reg.SetPolicy(p)
	if err := reg.readList(ctx); err != nil {
		return nil, err
	}
	err := store.EachAddress(ctx, func(scope Scope, s State) {
		if s.Until != 0 {
			reg.blocked[scope] = ruleBlock{until: s.Until}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read blocks: %w", err)
	}
	reg.blocks.Store(int64(len(reg.blocked)))
	return reg, nil
}

// Reload reads the address list again: another node may have changed it.
func (reg *Registry) Reload(ctx context.Context) error {
	reg.change.Lock()
	defer reg.change.Unlock()
	return reg.readList(ctx)
}

// OnBlock makes the registry call fn when a rule's block of a scope begins or ends, so that other
// nodes can be informed: with its end in Unix seconds, 0 if it was lifted. fn must not wait.
// They change scopes too, so lists read these again, but not for longer than a part of the time of
// clock. OnBlock must be called before the registry is used.
func (reg *Registry) OnBlock(fn func(s Scope, until int64), clock func() time.Time) {
	reg.decided, reg.notable.clock = fn, clock
}

// NoteBlock caches a block that another node has decided, or lifted: see [Registry.OnBlock].
func (reg *Registry) NoteBlock(s Scope, until int64, now time.Time) {
	reg.setBlock(s, Verdict{State: State{Until: until}}, now)
}

// OnProposal makes the registry call fn for each scope that an event proposes for a permanent
// block. fn must not wait. OnProposal must be called before the registry is used.
func (reg *Registry) OnProposal(fn func(Scope, State)) { reg.proposed = fn }

func (reg *Registry) readList(ctx context.Context) error {
	entries, err := reg.store.Entries(ctx)
	if err != nil {
		return fmt.Errorf("read address list: %w", err)
	}
	reg.list.Store(NewList(entries))
	return nil
}

// BlockedByOperator reports whether the list blocks an address, as [Canonical] returns it, and
// until when: [Forever] if only an operator can end it. It does not read the store.
func (reg *Registry) BlockedByOperator(a netip.Addr, now time.Time) (until int64, blocked bool) {
	if e, ok := reg.list.Load().Find(a, now); ok && e.Kind == Block {
		return untilOf(e), true
	}
	return 0, false
}

// BlockedByRule reports whether a rule blocks an address for new tokens of a tenant, and until
// when. It does not read the store. A block by an older version, which did not distinguish tenants,
// is a block for all tenants.
func (reg *Registry) BlockedByRule(a netip.Addr, tenant uint32, now time.Time) (until int64, blocked bool) {
	if reg.blocks.Load() == 0 {
		return 0, false
	}
	reg.mu.RLock()
	until = max(reg.blocked[OfTenant(a, tenant)].until, reg.blocked[OfAll(a)].until)
	reg.mu.RUnlock()
	if until == 0 || now.Unix() >= until || reg.policy.Load().ObserveBlock {
		return 0, false
	}
	if e, ok := reg.list.Load().Find(a, now); ok && e.Kind == Allow && e.Bindings == 0 {
		return 0, false
	}
	return until, true
}

// Cause is what was counted at an address when a rule blocked it.
type Cause struct{ Bindings, Limit, Issued, Solved uint32 }

// CauseOfBlock returns what was counted when a rule blocked an address for new tokens of a tenant.
// It is not known after a restart.
func (reg *Registry) CauseOfBlock(a netip.Addr, tenant uint32) (c Cause, known bool) {
	reg.mu.RLock()
	defer reg.mu.RUnlock()
	if b := reg.blocked[OfTenant(a, tenant)]; b.cause != nil {
		return *b.cause, true
	}
	return Cause{}, false
}

// Bindings returns how many tokens of one tenant an address may bind within the policy's period (0
// if it is exempt), and the default.
func (reg *Registry) Bindings(a netip.Addr, now time.Time) (allowed, byDefault uint16) {
	allowed, byDefault = reg.policy.Load().Bindings, reg.policy.Load().Bindings
	if e, ok := reg.list.Load().Find(a, now); ok && e.Kind == Allow {
		allowed = e.Bindings
	}
	return allowed, byDefault
}

func untilOf(e Entry) int64 {
	if e.Until.IsZero() {
		return Forever
	}
	return e.Until.Unix()
}

// Apply applies an event of a tenant's token to the scopes of an address: see [Policy.Apply]. An
// address that is allowed without a budget is clear, and nothing is stored about it. On error the
// Verdict blocks.
func (reg *Registry) Apply(ctx context.Context, a netip.Addr, tenant uint32, now time.Time, e Event) (Verdict, error) {
	p := *reg.policy.Load()
	if entry, ok := reg.list.Load().Find(a, now); ok && entry.Kind == Allow {
		if entry.Bindings == 0 {
			return Verdict{Status: Clear}, nil
		}
		p.Bindings, p.within = entry.Bindings, uint8(entry.Range.Bits())
	}
	return p.Apply(a, tenant, e, func(s Scope, p Policy, e Event) (Verdict, error) { return reg.step(ctx, s, p, now, e) })
}

func (reg *Registry) step(ctx context.Context, scope Scope, p Policy, now time.Time, e Event) (v Verdict, err error) {
	err = reg.store.UpdateAddress(ctx, scope, func(s State) State {
		s, v = Step(s, p, e)
		return s
	})
	if err != nil {
		return Verdict{}, fmt.Errorf("apply %T: %w", e, err)
	}
	reg.cacheBlock(scope, v, now)
	if v.NewlyProposed && reg.proposed != nil {
		reg.proposed(scope, v.State)
	}
	reg.notable.note(scope, v)
	return v, nil
}

// cacheBlock stores or removes the block of a scope in memory.
func (reg *Registry) cacheBlock(scope Scope, v Verdict, now time.Time) {
	until := v.State.Until
	reg.mu.RLock()
	same := reg.blocked[scope].until == until
	reg.mu.RUnlock()
	if same {
		return
	}
	reg.setBlock(scope, v, now)
	if reg.decided != nil {
		reg.decided(scope, until)
	}
}

func (reg *Registry) setBlock(scope Scope, v Verdict, now time.Time) {
	until := v.State.Until
	reg.mu.Lock()
	defer reg.mu.Unlock()
	defer func() { reg.blocks.Store(int64(len(reg.blocked))) }()
	if until <= now.Unix() {
		delete(reg.blocked, scope)
		return
	}
	if len(reg.blocked) >= reg.pruneAt {
		maps.DeleteFunc(reg.blocked, func(_ Scope, b ruleBlock) bool { return b.until <= now.Unix() })
		reg.pruneAt = max(1024, 2*len(reg.blocked))
	}
	b := ruleBlock{until, reg.blocked[scope].cause}
	if v.NewlyBlocked {
		b.cause = &Cause{v.Bindings, v.Limit, v.Issued, v.Solved}
	}
	reg.blocked[scope] = b
}

// Put adds an entry to the list, or replaces the one of its range. It applies from the next call
// on.
func (reg *Registry) Put(ctx context.Context, e Entry) error {
	reg.change.Lock()
	defer reg.change.Unlock()
	if err := reg.store.PutEntry(ctx, e); err != nil {
		return fmt.Errorf("write address list: %w", err)
	}
	return reg.readList(ctx)
}

// Remove removes the entry of a range, and resets the states of the scopes in it, which lifts the
// rules' blocks. If there was neither, it returns [ErrNotListed].
func (reg *Registry) Remove(ctx context.Context, r netip.Prefix, now time.Time) error {
	reg.change.Lock()
	defer reg.change.Unlock()
	listed, err := reg.store.RemoveEntry(ctx, r)
	if err != nil {
		return fmt.Errorf("write address list: %w", err)
	}
	if err := reg.readList(ctx); err != nil {
		return err
	}
	lifted, err := reg.lift(ctx, r, now)
	if err == nil && !listed && lifted == 0 {
		return ErrNotListed
	}
	return err
}

// lift resets the states of the scopes in a range, and returns their number.
func (reg *Registry) lift(ctx context.Context, r netip.Prefix, now time.Time) (n int, err error) {
	var within []Scope
	err = reg.store.EachAddress(ctx, func(s Scope, _ State) {
		if r.Contains(s.Range.Addr()) && r.Bits() <= s.Range.Bits() {
			within = append(within, s)
		}
	})
	for _, s := range within {
		if err == nil {
			_, err = reg.step(ctx, s, *reg.policy.Load(), now, Lift{})
			n++
		}
	}
	return n, err
}
