package usagesum

import (
	"sync"

	"stile.example/stile/tokens"
)

// Tokens is the sum of what all tokens' states count, by tenant, day and route. Reading 100,000
// states takes 80 ms, and reading their sum 0.1 ms. It is exact: it starts from all states of one
// moment, and whoever changes a state changes the sum before the change is answered. A token's
// state lasts a few days, so there are a few numbers for each tenant.
//
// The lock is held to read or change the sum. A sweep holds it while it moves states to the ledger,
// so that a reader of both under the lock finds each call in one of them.
type Tokens struct {
	sync.Mutex
	sums   map[uint64]*daySum // nil: nobody has asked yet, so changes need not be counted
	isFull bool               // the states of the beginning are included
}

// daySum is what one tenant used on one day.
type daySum [tokens.Routes]struct{ calls, records int64 }

func (s *daySum) isZero() bool { return *s == daySum{} }

// keyOf returns the key of a tenant and a day. Maps with keys of eight bytes are the fastest.
func keyOf(tenant uint32, day int32) uint64 { return uint64(tenant)<<32 | uint64(uint32(day)) }

// Begin drops the sum. Changes are counted from now on.
func (t *Tokens) Begin() { t.sums, t.isFull = map[uint64]*daySum{}, false }

// Complete adds states, the sum of all states of the moment at which [Tokens.Begin] was called.
func (t *Tokens) Complete(states *Tokens) {
	for key, sum := range states.sums {
		t.merge(key, sum)
	}
	t.isFull = true
}

// IsComplete reports whether all states are in the sum.
func (t *Tokens) IsComplete() bool { return t.isFull }

func (t *Tokens) merge(key uint64, more *daySum) {
	sum := t.at(key)
	for route, n := range more {
		sum[route].calls += n.calls
		sum[route].records += n.records
	}
	t.prune(key, sum)
}

func (t *Tokens) at(key uint64) *daySum {
	sum := t.sums[key]
	if sum == nil {
		sum = new(daySum)
		t.sums[key] = sum
	}
	return sum
}

// prune removes a sum of nothing, as that of a day whose tokens were all swept.
func (t *Tokens) prune(key uint64, sum *daySum) {
	if sum.isZero() {
		delete(t.sums, key)
	}
}

// Change counts that the state of a token has changed. That takes 60 ns for a call
// (BenchmarkChange).
func (t *Tokens) Change(old, next *tokens.State) {
	if t.sums == nil || old.Used == next.Used && old.Tenant == next.Tenant && old.Day == next.Day {
		return
	}
	if old.Used != (tokens.Usage{}) && (old.Tenant != next.Tenant || old.Day != next.Day) {
		t.change(old, &old.Used, &tokens.Usage{})
		old = &tokens.State{}
	}
	t.change(next, &old.Used, &next.Used)
}

// change counts that the usage of a token has changed. s has its tenant and day.
func (t *Tokens) change(s *tokens.State, old, next *tokens.Usage) {
	for d := range next {
		if old[d] == next[d] {
			continue
		}
		key := keyOf(s.Tenant, s.Day+int32(d))
		sum := t.at(key)
		for route := range next[d] {
			a, b := &old[d][route], &next[d][route]
			sum[route].calls += int64(b.Calls) - int64(a.Calls)
			sum[route].records += int64(b.Records) - int64(a.Records)
		}
		t.prune(key, sum)
	}
}

// Copy returns the sum as it is now. [Copied.AddTo] works without the lock.
func (t *Tokens) Copy() Copied {
	c := make(Copied, 0, len(t.sums))
	for key, sum := range t.sums {
		c = append(c, keyed{key, *sum})
	}
	return c
}

// Copied is a sum as it was at one moment.
type Copied []keyed

type keyed struct {
	key uint64
	sum daySum
}

// AddTo adds the sum to lines.
func (c Copied) AddTo(l *Lines) {
	for _, k := range c {
		for route, n := range k.sum {
			if n.calls != 0 || n.records != 0 {
				l.Add(uint32(k.key>>32), int64(int32(k.key)), tokens.Route(route), n.calls, n.records)
			}
		}
	}
}
