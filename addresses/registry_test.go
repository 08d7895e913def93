package addresses_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	. "stile.example/stile/addresses"
)

// memStore is a Store for one goroutine. With a fault, it changes nothing.
type memStore struct {
	states  map[Scope]State
	entries map[netip.Prefix]Entry
	fault   error
}

func newMemStore() *memStore {
	return &memStore{states: map[Scope]State{}, entries: map[netip.Prefix]Entry{}}
}

func (s *memStore) UpdateAddress(_ context.Context, a Scope, fn func(State) State) error {
	next := fn(s.states[a])
	if s.fault == nil {
		s.states[a] = next
	}
	return s.fault
}

func (s *memStore) EachAddress(_ context.Context, fn func(Scope, State)) error {
	for a, st := range s.states {
		fn(a, st)
	}
	return s.fault
}

func (s *memStore) Entries(context.Context) (all []Entry, err error) {
	for _, e := range s.entries {
		all = append(all, e)
	}
	return all, s.fault
}

func (s *memStore) PutEntry(_ context.Context, e Entry) error {
	if s.fault == nil {
		s.entries[e.Range] = e
	}
	return s.fault
}

func (s *memStore) RemoveEntry(_ context.Context, r netip.Prefix) (bool, error) {
	_, ok := s.entries[r]
	if s.fault == nil {
		delete(s.entries, r)
	}
	return ok, s.fault
}

var (
	strict = Policy{Bindings: 2, Per: time.Hour, Then: ThenBlock, Block: []time.Duration{10 * time.Minute}}
	addr   = netip.MustParseAddr("192.0.2.1")
)

func open(t *testing.T, s Store, p Policy) *Registry {
	t.Helper()
	b, err := OpenRegistry(t.Context(), s, p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bind(t *testing.T, b *Registry, at time.Time, times int) (v Verdict) {
	t.Helper()
	for range times {
		var err error
		if v, err = b.Apply(t.Context(), addr, 1, at, Bind{At: at}); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// TestRuleBlocks checks that a rule's block applies to the next call and after a restart, that it
// ends, and that an operator can lift it.
func TestRuleBlocks(t *testing.T) {
	s := newMemStore()
	b := open(t, s, strict)
	if v := bind(t, b, midnight, 3); !v.NewlyBlocked {
		t.Fatalf("three bindings of two: %+v", v)
	}
	for name, b := range map[string]*Registry{"immediately": b, "after a restart": open(t, s, strict)} {
		if until, ok := b.BlockedByRule(addr, 1, midnight.Add(time.Minute)); !ok || until != midnight.Add(10*time.Minute).Unix() {
			t.Errorf("%s: blocked %v until %d", name, ok, until)
		}
		if _, ok := b.BlockedByRule(addr, 1, midnight.Add(10*time.Minute)); ok {
			t.Errorf("%s: the block does not end", name)
		}
	}
	lines, err := b.Lines(t.Context(), midnight.Add(time.Minute))
	if err != nil || len(lines) != 1 || lines[0].Kind != "block" || lines[0].Origin != "rule" || lines[0].Range.String() != "192.0.2.1/32" {
		t.Errorf("lines: %+v, %v", lines, err)
	}
	if err := b.Remove(t.Context(), netip.MustParsePrefix("192.0.2.0/24"), midnight); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.BlockedByRule(addr, 1, midnight.Add(time.Minute)); ok || s.states[OfTenant(addr, 1)] != (State{}) {
		t.Error("the operator could not lift the block")
	}
	if err := b.Remove(t.Context(), netip.MustParsePrefix("198.51.100.0/24"), midnight); !errors.Is(err, ErrNotListed) {
		t.Errorf("a range without an entry: %v", err)
	}
}

// TestAllowed checks that an allowed range is never crowded or blocked, unless it has a budget of
// its own, and that the narrowest range decides.
func TestAllowed(t *testing.T) {
	b := open(t, newMemStore(), strict)
	put := func(r string, kind EntryKind, bindings uint16, until time.Time) {
		t.Helper()
		if err := b.Put(t.Context(), Entry{Range: netip.MustParsePrefix(r), Kind: kind, Bindings: bindings, Until: until}); err != nil {
			t.Fatal(err)
		}
	}
	put("192.0.2.0/24", Block, 0, time.Time{})
	if until, ok := b.BlockedByOperator(addr, midnight); !ok || until != Forever {
		t.Errorf("blocked by an operator: %v until %d", ok, until)
	}
	put("192.0.2.0/28", Allow, 0, time.Time{})
	if _, ok := b.BlockedByOperator(addr, midnight); ok {
		t.Error("an allow inside a block does not win")
	}
	if v := bind(t, b, midnight, 50); v.Status != Clear {
		t.Errorf("an exempt address after 50 bindings: %+v", v)
	}
	put("192.0.2.0/28", Allow, 5, time.Time{})
	if v := bind(t, b, midnight, 5); v.Status != Clear {
		t.Errorf("five of five: %+v", v)
	}
	if v := bind(t, b, midnight, 1); !v.NewlyBlocked {
		t.Errorf("six of five: %+v", v)
	}
	put("192.0.2.1/32", Block, 0, midnight.Add(time.Hour))
	if _, ok := b.BlockedByOperator(addr, midnight.Add(30*time.Minute)); !ok {
		t.Error("a block inside an allow does not win")
	}
	if _, ok := b.BlockedByOperator(addr, midnight.Add(2*time.Hour)); ok {
		t.Error("a block with an end does not end")
	}
	if _, ok := b.BlockedByOperator(netip.MustParseAddr("2001:db8::"), midnight); ok {
		t.Error("an IPv6 address is blocked")
	}
}

// TestFaultsBlock checks that an error of the store blocks.
func TestFaultsBlock(t *testing.T) {
	s := newMemStore()
	b := open(t, s, strict)
	s.fault = errors.New("disk full")
	if v, err := b.Apply(t.Context(), addr, 1, midnight, Bind{At: midnight}); !errors.Is(err, s.fault) || v.Status != Blocked {
		t.Errorf("got %+v, %v", v, err)
	}
	if err := b.Put(t.Context(), Entry{Range: netip.MustParsePrefix("192.0.2.0/24"), Kind: Allow}); !errors.Is(err, s.fault) {
		t.Errorf("Put: %v", err)
	}
	if _, err := OpenRegistry(t.Context(), s, strict); !errors.Is(err, s.fault) {
		t.Errorf("OpenRegistry: %v", err)
	}
}

// countingStore counts how often all scopes are read.
type countingStore struct {
	*memStore
	reads int
}

func (s *countingStore) EachAddress(ctx context.Context, fn func(Scope, State)) error {
	s.reads++
	return s.memStore.EachAddress(ctx, fn)
}

// TestLinesWithoutReading checks that a list is the same from memory as from the store, after any
// events, and that all scopes are read only after a change of the policy.
func TestLinesWithoutReading(t *testing.T) {
	s := &countingStore{memStore: newMemStore()}
	reg, err := OpenRegistry(t.Context(), s, strict)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	lines := func(reg *Registry) map[Line]bool {
		all, err := reg.Lines(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		proposals, err := reg.Proposals(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		set := map[Line]bool{}
		for _, l := range append(all, proposals...) {
			set[l] = true
		}
		return set
	}
	random := rand.New(rand.NewPCG(1, 2))
	lines(reg)
	seen := 0
	for range 60 {
		for range 20 {
			a := netip.AddrFrom4([4]byte{192, 0, 2, byte(random.IntN(6))})
			e := []Event{Bind{At: now, Records: 1}, Bind{At: now, Records: 1}, Issued{At: now}, Solved{At: now}}[random.IntN(4)]
			if _, err := reg.Apply(t.Context(), a, 1+random.Uint32N(2), now, e); err != nil {
				t.Fatal(err)
			}
		}
		if random.IntN(10) == 0 {
			_ = reg.Remove(t.Context(), netip.MustParsePrefix("192.0.2.1/32"), now) // it may not be listed
		}
		now = now.Add(time.Duration(random.IntN(10)) * time.Minute)
		fresh, err := OpenRegistry(t.Context(), s.memStore, strict)
		if err != nil {
			t.Fatal(err)
		}
		got, want := lines(reg), lines(fresh)
		if !maps.Equal(got, want) {
			t.Fatalf("%v\nwant %v", got, want)
		}
		seen += len(got)
	}
	if before := s.reads; seen < 50 || before > 20 {
		t.Errorf("%d lines, and all scopes were read %d times", seen, before)
	}
	before := s.reads
	reg.SetPolicy(strict)
	lines(reg)
	changed := strict
	changed.Bindings++
	if same := s.reads == before; !same {
		t.Error("the same policy reads all scopes")
	}
	reg.SetPolicy(changed)
	lines(reg)
	if s.reads != before+1 {
		t.Errorf("another policy reads all scopes %d times", s.reads-before)
	}
}

// TestLinesOfNodes: a list has the addresses that became crowded by calls at other nodes.
func TestLinesOfNodes(t *testing.T) {
	s := newMemStore()
	regs := [2]*Registry{open(t, s, strict), open(t, s, strict)}
	now := midnight
	for _, reg := range regs {
		reg.OnBlock(func(Scope, int64) {}, func() time.Time { return now })
	}
	lines := func(reg *Registry) int {
		all, err := reg.Lines(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if n := lines(regs[1]); n != 0 {
		t.Errorf("%d lines", n)
	}
	for range strict.Bindings + 1 {
		if _, err := regs[0].Apply(t.Context(), addr, 1, now, Bind{At: now, Records: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if n := lines(regs[0]); n != 1 {
		t.Errorf("%d lines at the node of the calls", n)
	}
	if now = now.Add(2 * time.Second); lines(regs[1]) != 1 {
		t.Errorf("%d lines at the other node", lines(regs[1]))
	}
}

// slowStore takes a time to read all scopes, and fails if ctx has ended.
type slowStore struct {
	countingStore
	read func()
}

func (s *slowStore) EachAddress(ctx context.Context, fn func(Scope, State)) error {
	s.read()
	return errors.Join(s.countingStore.EachAddress(ctx, fn), ctx.Err())
}

// TestSlowLinesOfNodes: lists of nodes read all scopes for at most a tenth of the time, whether or
// not a list waits for the end.
func TestSlowLinesOfNodes(t *testing.T) {
	now, took := midnight, time.Duration(0)
	s := &slowStore{countingStore{memStore: newMemStore()}, func() { now = now.Add(took) }}
	reg, err := OpenRegistry(t.Context(), s, strict)
	if err != nil {
		t.Fatal(err)
	}
	reg.OnBlock(func(Scope, int64) {}, func() time.Time { return now })
	s.reads, took = 0, 20*time.Second
	began := now
	for now.Before(began.Add(time.Hour)) {
		if _, err := reg.Lines(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	if s.reads < 15 || s.reads > 17 {
		t.Errorf("lists read all scopes %d times in an hour, for 20 s each", s.reads)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	reg.SetPolicy(Policy{})
	if _, err := reg.Lines(ended, now); !errors.Is(err, context.Canceled) {
		t.Errorf("a list that did not wait: %v", err)
	}
	before := s.reads
	if _, err := reg.Lines(t.Context(), now); err == nil || !strings.Contains(err.Error(), "given up after 20s: try again in 3m20s") || s.reads != before {
		t.Errorf("the next list: %v, %d times", err, s.reads-before)
	}
	now = now.Add(200 * time.Second)
	if _, err := reg.Lines(t.Context(), now); err != nil {
		t.Error(err)
	}
}
