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

// Store keeps what is known of addresses. Its methods may be called at once
// from many goroutines.
type Store interface {
	// UpdateAddress replaces the state of a scope with fn of it, atomically,
	// and returns once the new state is durable. A scope never seen has the
	// zero State. fn is pure. A fn that returns its argument writes nothing.
	UpdateAddress(ctx context.Context, s Scope, fn func(State) State) error
	// EachAddress calls fn for every scope that is kept, in no order.
	EachAddress(ctx context.Context, fn func(Scope, State)) error
	// Entries are the lines of the list, in the order of their ranges.
	Entries(ctx context.Context) ([]Entry, error)
	// PutEntry adds a line, or replaces the one with the same range.
	PutEntry(ctx context.Context, e Entry) error
	// RemoveEntry takes a line away, and says whether there was one.
	RemoveEntry(ctx context.Context, r netip.Prefix) (bool, error)
}

// ErrNotListed says that nothing in the list is of that range.
var ErrNotListed = errors.New("no entry and no blocked address is of that range")

// Registry joins the two machines of an address: what a person wrote down, and
// what the rules made of it. Every call asks it, so the list and the blocks
// are in memory; the store is the truth, and is read at the start.
type Registry struct {
	store  Store
	policy atomic.Pointer[Policy]
	list   atomic.Pointer[List]

	change  sync.Mutex // one change of the list at a time
	mu      sync.RWMutex
	blocked map[Scope]int64 // by a rule, until: Unix seconds
	blocks  atomic.Int64    // len(blocked): mostly 0, and then no call waits for mu
	pruneAt int             // size at which those that are over are thrown out
}

// OpenRegistry reads the list and the blocks.
func OpenRegistry(ctx context.Context, store Store, p Policy) (*Registry, error) {
	b := &Registry{store: store, blocked: map[Scope]int64{}}
	b.SetPolicy(p)
	if err := b.readList(ctx); err != nil {
		return nil, err
	}
	err := store.EachAddress(ctx, func(scope Scope, s State) {
		if s.Until != 0 {
			b.blocked[scope] = s.Until
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read blocks: %w", err)
	}
	b.blocks.Store(int64(len(b.blocked)))
	return b, nil
}

// SetPolicy changes the policy for what happens from now on.
func (b *Registry) SetPolicy(p Policy) { b.policy.Store(&p) }

func (b *Registry) readList(ctx context.Context) error {
	entries, err := b.store.Entries(ctx)
	if err != nil {
		return fmt.Errorf("read address list: %w", err)
	}
	b.list.Store(NewList(entries))
	return nil
}

// BlockedByOperator reports whether the list blocks an address, as [Canonical]
// gives it, and until when: [Forever] if only an operator can end it. It asks
// no store.
func (b *Registry) BlockedByOperator(a netip.Addr, now time.Time) (until int64, blocked bool) {
	if e, ok := b.list.Load().Find(a, now); ok && e.Kind == Block {
		return untilOf(e), true
	}
	return 0, false
}

// BlockedByRule reports whether a rule blocks an address for new tokens of a
// tenant, and until when. It asks no store. A block of a version that did not
// tell tenants apart is a block for all.
func (b *Registry) BlockedByRule(a netip.Addr, tenant uint32, now time.Time) (until int64, blocked bool) {
	if b.blocks.Load() == 0 {
		return 0, false
	}
	b.mu.RLock()
	until = max(b.blocked[OfTenant(a, tenant)], b.blocked[OfAll(a)])
	b.mu.RUnlock()
	if until == 0 || now.Unix() >= until || b.policy.Load().ObserveBlock {
		return 0, false
	}
	if e, ok := b.list.Load().Find(a, now); ok && e.Kind == Allow && e.Bindings == 0 {
		return 0, false
	}
	return until, true
}

// Bindings returns how many tokens of one tenant an address may bind within the
// policy's period, and how many it may by default; 0 if it is exempt.
func (b *Registry) Bindings(a netip.Addr, now time.Time) (allowed, normal uint16) {
	allowed, normal = b.policy.Load().Bindings, b.policy.Load().Bindings
	if e, ok := b.list.Load().Find(a, now); ok && e.Kind == Allow {
		allowed = e.Bindings
	}
	return allowed, normal
}

func untilOf(e Entry) int64 {
	if e.Until.IsZero() {
		return Forever
	}
	return e.Until.Unix()
}

// Apply steps an address through what happens there to a token of a tenant:
// see [Policy.Apply]. An address that is allowed without a budget is clear, and
// nothing is stored about it. On error the Verdict blocks.
func (b *Registry) Apply(ctx context.Context, a netip.Addr, tenant uint32, now time.Time, e Event) (Verdict, error) {
	p := *b.policy.Load()
	if entry, ok := b.list.Load().Find(a, now); ok && entry.Kind == Allow {
		if entry.Bindings == 0 {
			return Verdict{Status: Clear}, nil
		}
		p.Bindings, p.within = entry.Bindings, uint8(entry.Range.Bits())
	}
	return p.Apply(a, tenant, e, func(s Scope, p Policy, e Event) (Verdict, error) { return b.step(ctx, s, p, now, e) })
}

func (b *Registry) step(ctx context.Context, scope Scope, p Policy, now time.Time, e Event) (v Verdict, err error) {
	err = b.store.UpdateAddress(ctx, scope, func(s State) State {
		s, v = Step(s, p, e)
		return s
	})
	if err != nil {
		return Verdict{}, fmt.Errorf("apply %T: %w", e, err)
	}
	b.cacheBlock(scope, v.State.Until, now)
	return v, nil
}

// cacheBlock keeps the blocks in memory in step with the store's.
func (b *Registry) cacheBlock(scope Scope, until int64, now time.Time) {
	b.mu.RLock()
	same := b.blocked[scope] == until
	b.mu.RUnlock()
	if same {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.blocks.Store(int64(len(b.blocked))) }()
	if until <= now.Unix() {
		delete(b.blocked, scope)
		return
	}
	if len(b.blocked) >= b.pruneAt {
		maps.DeleteFunc(b.blocked, func(_ Scope, until int64) bool { return until <= now.Unix() })
		b.pruneAt = max(1024, 2*len(b.blocked))
	}
	b.blocked[scope] = until
}

// Put adds an entry to the list, or replaces the one of its range. It holds
// for the next call.
func (b *Registry) Put(ctx context.Context, e Entry) error {
	b.change.Lock()
	defer b.change.Unlock()
	if err := b.store.PutEntry(ctx, e); err != nil {
		return fmt.Errorf("write address list: %w", err)
	}
	return b.readList(ctx)
}

// Remove takes a range out of the list, and lifts what rules have made of the
// addresses in it. [ErrNotListed] says that there was neither.
func (b *Registry) Remove(ctx context.Context, r netip.Prefix, now time.Time) error {
	b.change.Lock()
	defer b.change.Unlock()
	listed, err := b.store.RemoveEntry(ctx, r)
	if err != nil {
		return fmt.Errorf("write address list: %w", err)
	}
	if err := b.readList(ctx); err != nil {
		return err
	}
	lifted, err := b.lift(ctx, r, now)
	if err == nil && !listed && lifted == 0 {
		return ErrNotListed
	}
	return err
}

func (b *Registry) lift(ctx context.Context, r netip.Prefix, now time.Time) (n int, err error) {
	var within []Scope
	err = b.store.EachAddress(ctx, func(s Scope, _ State) {
		if r.Contains(s.Range.Addr()) && r.Bits() <= s.Range.Bits() {
			within = append(within, s)
		}
	})
	for _, s := range within {
		if err == nil {
			_, err = b.step(ctx, s, *b.policy.Load(), now, Lift{})
			n++
		}
	}
	return n, err
}

// Line is a line of the list as it is shown: an entry, or an address of which
// a rule has made something.
type Line struct {
	Range   netip.Prefix
	Tenant  uint32 // whose tokens a rule's line is about; 0: everybody's
	Kind    string // allow, block or crowded
	Until   int64  // Unix seconds; Forever: permanently; 0: as long as the crowd lasts
	Reason  string
	Origin  string // rule or person
	Propose bool   // so often blocked that an operator should look
}

// Lines are all lines that hold now: an operator's in the order of their
// ranges, then the rules'.
func (b *Registry) Lines(ctx context.Context, now time.Time) ([]Line, error) {
	entries, err := b.store.Entries(ctx)
	if err != nil {
		return nil, fmt.Errorf("read address list: %w", err)
	}
	var lines []Line
	for _, e := range entries {
		if !e.over(now) {
			lines = append(lines, Line{Range: e.Range, Kind: string(e.Kind), Until: untilOf(e), Reason: e.Reason, Origin: "person"})
		}
	}
	p := *b.policy.Load()
	err = b.store.EachAddress(ctx, func(scope Scope, s State) {
		if l, ok := lineOf(scope, s, p.forScope(scope), now); ok {
			lines = append(lines, l)
		}
	})
	return lines, err
}

func lineOf(scope Scope, s State, p Policy, now time.Time) (Line, bool) {
	_, v := Step(s, p, Inspect{now})
	l := Line{Range: scope.Range, Tenant: scope.Tenant, Origin: "rule", Propose: s.Propose}
	switch v.Status {
	case Blocked:
		l.Kind, l.Until = string(Block), s.Until
		l.Reason = "more bindings than its budget, and challenges not solved"
	case Crowded, Suspicious:
		l.Kind, l.Reason = "crowded", overBudget(v)
	default:
		return Line{}, false
	}
	return l, true
}

// overBudget says over which budget an address is.
func overBudget(v Verdict) string {
	if v.OverRecords {
		return fmt.Sprintf("%d of %d records in a day", v.Records, v.Limit)
	}
	return fmt.Sprintf("%d bindings, %d of %d challenges solved", v.Bindings, v.Solved, v.Issued)
}

// width is the length of the range that a normalised address stands for.
func width(a netip.Addr) int {
	if a.Is4() {
		return 32
	}
	return 64
}
